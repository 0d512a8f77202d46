import { describe, expect, it } from 'vitest'
import { deepEqual, equal, notEqual, ok, rejects } from '../src/case.ts'

const proto = JSON.parse('{"__proto__":"x"}')
const sparse = JSON.parse('{}')

describe('deepEqual', () => {
  it.each([
    ['equal records', { a: [1, { b: null }] }, { a: [1, { b: null }] }],
    ['another order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['NaN', [Number.NaN], [Number.NaN]],
    ['a field named __proto__', proto, JSON.parse('{"__proto__":"x"}')],
    ['objects without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('accepts %s', (_, actual, expected) => {
    expect(() => deepEqual(actual, expected, 'it')).not.toThrow()
  })

  it.each([
    [{ a: 1 }, { a: 2 }, 'it: at a: expected 2, got 1'],
    [{ a: { b: ['x'] } }, { a: { b: ['y'] } }, 'it: at a.b.0: expected "y", got "x"'],
    [{}, { a: 1 }, 'it: at a: missing, expected 1'],
    [{ a: 1 }, {}, 'it: at a: not expected, got 1'],
    [{ a: undefined }, {}, 'it: at a: not expected, got undefined'],
    [[1, 2], [1], 'it: at 1: not expected, got 2'],
    [[], {}, 'it: expected {}, got []'],
    ['1', 1, 'it: expected 1, got "1"'],
    [null, {}, 'it: expected {}, got null'],
    [0, -0, 'it: expected 0, got 0'],
    [sparse, proto, 'it: at __proto__: missing, expected "x"'],
    ['x'.repeat(200), '', `it: expected "", got "${'x'.repeat(159)}… (202 characters)`],
  ])('refuses %j for %j', (actual, expected, message) => {
    expect(() => deepEqual(actual, expected, 'it')).toThrow(new Error(message))
  })
})

describe('equal, notEqual and ok', () => {
  it('say what was expected and seen', () => {
    expect(() => equal(1, 2, 'it')).toThrow(new Error('it: expected 2, got 1'))
    expect(() => notEqual(1, 1, 'it')).toThrow(new Error('it: got 1 again'))
    expect(() => ok(null, 'it')).toThrow(new Error('it: got null'))
  })

  it('accept what holds', () => {
    equal(Number.NaN, Number.NaN, 'it')
    notEqual<unknown>({}, {}, 'it')
    ok('x', 'it')
  })
})

describe('rejects', () => {
  const coded = Object.assign(new Error('down'), { code: 'ERR_DOWN' })

  it('resolves to the error, with the code or with any', async () => {
    expect(await rejects(Promise.reject(coded), 'it')).toBe(coded)
    expect(await rejects(Promise.reject(coded), 'it', 'ERR_DOWN')).toBe(coded)
  })

  it('refuses another code, no code and no rejection', async () => {
    await expect(rejects(Promise.reject(coded), 'it', 'ERR_UP')).rejects.toThrow('it: expected ERR_UP, got "ERR_DOWN"')
    await expect(rejects(Promise.reject('text'), 'it', 'ERR_UP')).rejects.toThrow('got undefined (text)')
    await expect(rejects(Promise.resolve(1), 'it')).rejects.toThrow('it: expected a rejection, got 1')
  })
})
