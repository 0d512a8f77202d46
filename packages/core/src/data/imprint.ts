/**
 * What a value just parsed from JSON was made of, in a row: all that {@link fits} needs to tell whether anybody has changed it,
 * in half the time that it takes to encode it again.
 */
export type Imprint = readonly unknown[]

/** The bounds of an object and of an array. JSON has no symbols. */
const [OBJECT, ARRAY, END] = [Symbol('object'), Symbol('array'), Symbol('end')]
/** Deeper values have no imprint: each level is a call within a call. */
const MAX_DEPTH = 100
const NOWHERE = -1

/** The imprint of a value, or null if it is nested too deeply. */
export function imprintOf(value: object): Imprint | null {
  const imprint: unknown[] = []
  return take(value, imprint, 0) ? imprint : null
}

/** Whether the value has the same keys in the same order, and the same values: the same JSON. */
export function fits(value: object, imprint: Imprint): boolean {
  return follow(value, imprint, 0) === imprint.length
}

function take(value: unknown, imprint: unknown[], depth: number): boolean {
  if (typeof value !== 'object' || value === null) {
    imprint.push(value)
    return true
  }
  if (depth === MAX_DEPTH) return false
  if (Array.isArray(value)) {
    imprint.push(ARRAY)
    for (const item of value as unknown[]) if (!take(item, imprint, depth + 1)) return false
  } else {
    imprint.push(OBJECT)
    for (const key in value) {
      imprint.push(key)
      if (!take((value as Record<string, unknown>)[key], imprint, depth + 1)) return false
    }
  }
  imprint.push(END)
  return true
}

/** The place behind this value in the imprint, or {@link NOWHERE} if it differs. */
function follow(value: unknown, imprint: Imprint, start: number): number {
  if (typeof value !== 'object' || value === null) return imprint[start] === value ? start + 1 : NOWHERE
  const proto: unknown = Object.getPrototypeOf(value)
  const isArray = Array.isArray(value)
  if (proto !== (isArray ? Array.prototype : Object.prototype) && (isArray || proto !== null)) return NOWHERE
  if (imprint[start] !== (isArray ? ARRAY : OBJECT)) return NOWHERE
  let at = start + 1
  if (isArray) {
    for (const item of value as unknown[]) {
      at = follow(item, imprint, at)
      if (at === NOWHERE) return NOWHERE
    }
  } else {
    for (const key in value) {
      at = imprint[at] === key ? follow((value as Record<string, unknown>)[key], imprint, at + 1) : NOWHERE
      if (at === NOWHERE) return NOWHERE
    }
  }
  return imprint[at] === END ? at + 1 : NOWHERE
}
