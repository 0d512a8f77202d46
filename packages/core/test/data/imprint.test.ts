import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fits, imprintOf } from '../../src/data/imprint.ts'

const imprinted = (value: object) => imprintOf(value) as readonly unknown[]
const nested = (depth: number): object => (depth === 0 ? {} : { in: nested(depth - 1) })
const parsed = fc
  .oneof(fc.object({ withNullPrototype: false }), fc.array(fc.jsonValue()))
  .map((value) => JSON.parse(JSON.stringify(value)) as object)

describe('an imprint', () => {
  it('fits what has the same JSON, and nothing else', () => {
    fc.assert(
      fc.property(parsed, parsed, (one, other) => {
        expect(fits(other, imprinted(one))).toBe(JSON.stringify(other) === JSON.stringify(one))
        expect(fits(JSON.parse(JSON.stringify(one)), imprinted(one))).toBe(true)
      }),
    )
  })

  it.each([
    ['a key more', { a: [1, { b: null }], c: 1 }],
    ['a key less', {}],
    ['another key', { z: [1, { b: null }] }],
    ['another value deep inside', { a: [1, { b: 0 }] }],
    ['an item more', { a: [1, { b: null }, 1] }],
    ['an item less', { a: [1] }],
    ['an object where a list was', { a: { 0: 1, 1: { b: null } } }],
    ['a list where an object was', { a: [1, []] }],
    ['a value where a list was', { a: 1 }],
    ['undefined', { a: [1, { b: undefined }] }],
    ['an object that only looks like it', { a: [1, Object.assign(new Date(0), { b: null })] }],
    ['a list that only looks like it', { a: Object.setPrototypeOf([1, { b: null }], { __proto__: Array.prototype }) }],
    ['a list without a prototype', { a: Object.setPrototypeOf([1, { b: null }], null) }],
  ])('does not fit %s', (_, value) => {
    expect(fits(value, imprinted({ a: [1, { b: null }] }))).toBe(false)
  })

  it('fits an object without a prototype', () => {
    const value = Object.assign(Object.create(null), { a: Object.assign(Object.create(null), { b: 1 }) })
    expect(fits(value, imprinted({ a: { b: 1 } }))).toBe(true)
  })

  it('fits no value that contains itself', () => {
    const value: Record<string, unknown> = { a: {} }
    const before = imprinted(value)
    value.a = value
    expect(fits(value, before)).toBe(false)
  })

  it('is not made of what is nested too deeply, in objects or in lists', () => {
    expect(imprintOf(nested(99))).not.toBeNull()
    expect(imprintOf(nested(100))).toBeNull()
    expect(imprintOf([[nested(98)]])).toBeNull()
  })
})
