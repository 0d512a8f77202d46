import { ValueError } from '@sess/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkValue } from '../../src/data/value.ts'

class Money {
  amount = 1
}
class Items extends Array<number> {}

function cycle(): Record<string, unknown> {
  const item: Record<string, unknown> = { name: 'item' }
  item.parent = { children: [item] }
  return item
}

function refusal(value: unknown): ValueError {
  try {
    checkValue(value, 'cart')
  } catch (error) {
    if (error instanceof ValueError) return error
    throw error
  }
  throw new Error('expected a ValueError')
}

const REFUSED: readonly [name: string, value: unknown, path: string, problem: RegExp][] = [
  ['NaN', Number.NaN, 'cart', /NaN cannot be stored; use null or a string/],
  ['Infinity', { total: Number.POSITIVE_INFINITY }, 'cart.total', /Infinity cannot be stored/],
  ['-Infinity', [[Number.NEGATIVE_INFINITY]], 'cart[0][0]', /-Infinity cannot be stored/],
  ['a bigint', { items: [{ price: 10n }] }, 'cart.items[0].price', /a bigint cannot be stored; use a string/],
  ['a function', { items: [() => 1] }, 'cart.items[0]', /a function cannot be stored/],
  ['a symbol', Symbol('s'), 'cart', /a symbol cannot be stored/],
  ['undefined in an array', { items: [1, undefined] }, 'cart.items[1]', /undefined in an array/],
  [
    'a hole in an array',
    { items: Object.assign(new Array(3), { 0: 1, 2: 3 }) },
    'cart.items[1]',
    /undefined in an array/,
  ],
  ['a huge hole', new Array(4_294_967_295), 'cart[0]', /undefined in an array/],
  [
    'a Date',
    { items: [{ addedAt: new Date(0) }] },
    'cart.items[0].addedAt',
    /a Date would not come back.*date\.getTime\(\)/,
  ],
  ['a Map', new Map(), 'cart', /a Map would not come back.*\[\.\.\.value\]/],
  ['a Set', { tags: new Set() }, 'cart.tags', /a Set would not come back/],
  ['a RegExp', /x/, 'cart', /a RegExp would not come back/],
  ['an Error', new Error('x'), 'cart', /an? Error would not come back/],
  ['a typed array', new Uint8Array(1), 'cart', /Uint8Array would not come back/],
  ['a Buffer', { avatar: Buffer.from('x') }, 'cart.avatar', /Buffer would not come back/],
  ['a Promise', Promise.resolve(), 'cart', /a Promise would not come back/],
  ['a boxed string', { name: Object('x') }, 'cart.name', /a String would not come back/],
  ['a class instance', { price: new Money() }, 'cart.price', /a Money would not come back/],
  ['an instance of an anonymous class', new (class {})(), 'cart', /a class instance would not come back/],
  ['an instance of an Array subclass', { items: new Items(1, 2) }, 'cart.items', /would not come back/],
  ['an object with an inherited property', Object.create({ inherited: 1 }), 'cart', /would not come back/],
  ['an object with toJSON', { price: { toJSON: () => 1 } }, 'cart.price', /toJSON/],
  ['an array with toJSON', { items: Object.assign([1], { toJSON: () => 1 }) }, 'cart.items', /would not come back/],
  ['a cycle', cycle(), 'cart.parent.children[0]', /contains itself/],
]

describe('a value that JSON would change', () => {
  it.each(REFUSED)('is refused with its path: %s', (_, value, path, problem) => {
    const error = refusal(value)
    expect(error).toMatchObject({ path, code: 'ERR_SESS_VALUE', status: 500 })
    expect(error.message).toMatch(problem)
    expect(error.message.startsWith(`session.data.${path}: `)).toBe(true)
  })
})

describe('a value that JSON keeps', () => {
  it.each([
    ['undefined in an object', { name: undefined }],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 })],
    ['the same object twice', [REFUSED, REFUSED].map(() => ({ a: 1 }))],
    ['empty things', { a: [], b: {}, c: '', d: null, e: 0, f: false }],
    ['keys with a meaning elsewhere', JSON.parse('{"__proto__":{"admin":true},"constructor":1,"toString":"x"}')],
  ])('is accepted: %s', (_, value) => {
    expect(() => checkValue(value, 'cart')).not.toThrow()
  })

  it('is accepted when one object is found in two places', () => {
    const shared = { a: 1 }
    expect(() => checkValue({ one: shared, two: [shared, shared] }, 'cart')).not.toThrow()
  })

  it('comes back as it was', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: false }),
        (value) => {
          try {
            checkValue(value, 'any')
          } catch {
            return
          }
          if (value === undefined) return
          expect(JSON.parse(JSON.stringify({ value })).value).toEqual(withoutMinusZero(value))
        },
      ),
      { numRuns: 2000 },
    )
  })
})

/** JSON has one zero. */
function withoutMinusZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(withoutMinusZero)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutMinusZero(inner)]))
}
