import { ValueError } from '../errors.ts'

/**
 * Refuses what JSON would silently change: a value must come back as it went in. Properties that are `undefined` are
 * allowed in objects, where absence and `undefined` read alike.
 */
export function checkValue(value: unknown, path: string): void {
  // Nearly every value is fine; what is wrong with the others, and where, is found out by going through them again.
  if (!isStorable(value, 0)) explain(value, path, [])
}

/** Deeper values may contain themselves: {@link explain} finds out. */
const MAX_DEPTH = 100

function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === 'object' && value !== null) return depth < MAX_DEPTH && isStorableObject(value, depth + 1)
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'bigint' && typeof value !== 'symbol' && typeof value !== 'function'
}

function isStorableObject(value: object, depth: number): boolean {
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false
  const proto: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) {
    if (proto !== Array.prototype) return false
    for (const item of value as unknown[]) if (item === undefined || !isStorable(item, depth)) return false
    return true
  }
  if (proto !== Object.prototype && proto !== null) return false
  for (const key of Object.keys(value)) if (!isStorable((value as Record<string, unknown>)[key], depth)) return false
  return true
}

/** Throws if there is anything wrong. */
function explain(value: unknown, path: string, ancestors: readonly object[]): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return
    case 'number':
      if (!Number.isFinite(value)) throw new ValueError(path, `${value} cannot be stored; use null or a string`)
      return
    case 'object':
      if (value !== null) checkObject(value, path, ancestors)
      return
    default:
      throw new ValueError(
        path,
        `a ${typeof value} cannot be stored${typeof value === 'bigint' ? '; use a string' : ''}`,
      )
  }
}

function checkObject(value: object, path: string, ancestors: readonly object[]): void {
  if (ancestors.includes(value)) throw new ValueError(path, 'the value contains itself')
  if (!isPlain(value)) {
    throw new ValueError(path, `a ${className(value)} would not come back as one; store plain values${hint(value)}`)
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    throw new ValueError(path, 'an object with toJSON() would not come back as it is; store plain values')
  }
  const inside = [...ancestors, value]
  if (Array.isArray(value)) checkItems(value, path, inside)
  else for (const [key, item] of Object.entries(value)) explain(item, `${path}.${key}`, inside)
}

function checkItems(items: readonly unknown[], path: string, inside: readonly object[]): void {
  for (let index = 0; index < items.length; index += 1) {
    const place = `${path}[${index}]`
    if (items[index] === undefined) throw new ValueError(place, 'undefined in an array would be stored as null')
    explain(items[index], place, inside)
  }
}

/** An object literal, an array, or an object without a prototype, of whatever realm. */
function isPlain(value: object): boolean {
  let depth = 0
  for (let at: unknown = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) depth += 1
  return Array.isArray(value) ? depth === 2 : depth <= 1
}

function className(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? name : 'class instance'
}

function hint(value: object): string {
  if (value instanceof Date) return ', like date.getTime()'
  if (value instanceof Map || value instanceof Set) return ', like [...value]'
  return ''
}
