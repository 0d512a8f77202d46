import { ValueError } from '../errors.ts'

/**
 * Refuses what JSON would silently change: a value must come back as it went in. Properties that are `undefined` are
 * allowed in objects, where absence and `undefined` read alike.
 */
export function checkValue(value: unknown, path: string, ancestors: readonly object[] = []): void {
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
  const inside = [...ancestors, value]
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const place = `${path}[${index}]`
      if (value[index] === undefined) throw new ValueError(place, 'undefined in an array would be stored as null')
      checkValue(value[index], place, inside)
    }
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new ValueError(path, `a ${className(value)} would not come back as one; store plain values${hint(value)}`)
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    throw new ValueError(path, 'an object with toJSON() would not come back as it is; store plain values')
  }
  for (const [key, item] of Object.entries(value)) checkValue(item, `${path}.${key}`, inside)
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
