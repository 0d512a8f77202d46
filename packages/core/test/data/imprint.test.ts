import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Imprint } from '../../src/data/imprint.ts'

const parse = (text: string) => JSON.parse(text) as Record<string, unknown>
const nested = (depth: number): object => (depth === 0 ? {} : { in: nested(depth - 1) })
const data = fc.object({ withNullPrototype: false }).map((value) => parse(JSON.stringify(value)))

describe('an imprint', () => {
  it('fits what has the same JSON, and nothing else', () => {
    fc.assert(
      fc.property(data, data, (one, other) => {
        expect(new Imprint({ one }).fits({ one: other })).toBe(JSON.stringify(other) === JSON.stringify(one))
        expect(new Imprint(one).fits(parse(JSON.stringify(one)))).toBe(true)
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
    expect(new Imprint({ a: [1, { b: null }] }).fits(value)).toBe(false)
  })

  it('fits an object without a prototype', () => {
    const value = Object.assign(Object.create(null), { a: Object.assign(Object.create(null), { b: 1 }) })
    expect(new Imprint({ a: { b: 1 } }).fits(value)).toBe(true)
  })

  it('fits no value that contains itself', () => {
    const inner: Record<string, unknown> = { b: {} }
    const imprint = new Imprint({ a: inner })
    inner.b = inner
    expect(imprint.fits({ a: inner })).toBe(false)
  })

  it.each([
    ['objects', { a: nested(100), b: 1 }],
    ['lists', { a: [[nested(98)]], b: 1 }],
  ])('knows nothing of what is nested too deeply, in %s', (_, deep) => {
    expect(new Imprint({ a: nested(99), b: [[nested(97)]] }).fits({ a: nested(99), b: [[nested(97)]] })).toBe(true)
    const imprint = new Imprint(deep)
    expect(imprint.fits(deep)).toBe(false)
    expect([...imprint.untouched(new Map(Object.entries({ a: 'A', b: 'B' })), deep)]).toEqual([['b', 'B']])
  })

  it('tells what is untouched from what was changed, deleted and added', () => {
    const stored = new Map(Object.entries({ same: '1', changed: '2', gone: '3' }))
    const untouched = new Imprint({ same: 1, changed: 2, gone: 3 }).untouched(stored, { changed: 4, added: 5, same: 1 })
    expect([...untouched]).toEqual([['same', '1']])
  })
})
