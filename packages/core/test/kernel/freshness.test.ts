import { type Authentication, addProof, lacking } from '@sess/core/kernel'
import { describe, expect, it } from 'vitest'
import { MINUTE, NOW } from './samples.ts'

const anything = { maxAgeMs: 5 * MINUTE, methods: [], level: null }
const given: Authentication = { at: NOW, methods: ['pwd', 'otp'], level: 2 }

describe('lacking', () => {
  it.each([
    [-1, null],
    [0, 'age'],
    [+1, 'age'],
  ])('a proof that is five minutes and %i ms old, of the last five: %s', (offset, expected) => {
    expect(lacking(given, anything, NOW + 5 * MINUTE + offset)).toBe(expected)
  })

  it('takes a proof for fresh that another clock dates ahead', () => {
    expect(lacking(given, anything, NOW - 5000)).toBeNull()
  })

  it.each<[readonly string[], number | null, string | null]>([
    [['pwd'], null, null],
    [['otp', 'pwd'], 2, null],
    [['pwd', 'hwk'], 3, 'methods'],
    [['constructor'], null, 'methods'],
    [['pwd'], 3, 'level'],
    [[], 1, null],
  ])('methods %j, level %j: %s', (methods, level, expected) => {
    expect(lacking(given, { ...anything, methods, level }, NOW)).toBe(expected)
  })

  it('reaches no level where none is known', () => {
    expect(lacking({ ...given, level: null }, { ...anything, level: 0 }, NOW)).toBe('level')
  })

  it('asks that every method, and the level, be as recent as the age', () => {
    const mixed = { ...given, usedAt: [NOW - 5 * MINUTE, NOW], levelAt: NOW - 5 * MINUTE }
    expect(lacking(mixed, anything, NOW)).toBeNull()
    expect(lacking(mixed, { ...anything, methods: ['otp'] }, NOW)).toBeNull()
    expect(lacking(mixed, { ...anything, methods: ['pwd'] }, NOW)).toBe('age')
    expect(lacking(mixed, { ...anything, methods: ['otp', 'pwd'] }, NOW)).toBe('age')
    expect(lacking(mixed, { ...anything, level: 2 }, NOW)).toBe('age')
  })
})

describe('addProof', () => {
  it('begins where nothing is known', () => {
    expect(addProof(null, { method: 'pwd' }, NOW)).toEqual({ at: NOW, methods: ['pwd'], level: null })
    expect(addProof(null, { method: 'pwd', level: 1 }, NOW)).toEqual({ at: NOW, methods: ['pwd'], level: 1 })
  })

  it('keeps when the others were given, only where that differs', () => {
    const once = addProof(given, { method: 'hwk', level: 3 }, NOW + 1)
    expect(once).toEqual({ at: NOW + 1, methods: ['pwd', 'otp', 'hwk'], level: 3, usedAt: [NOW, NOW, NOW + 1] })
    const twice = addProof(once, { method: 'otp' }, NOW + 2)
    expect(twice).toMatchObject({ level: 3, levelAt: NOW + 1, usedAt: [NOW, NOW + 2, NOW + 1] })
    expect(addProof(twice, { method: 'otp' }, NOW + 3)).toMatchObject({ levelAt: NOW + 1 })
    expect(addProof(given, { method: 'hwk' }, NOW)).toEqual({ at: NOW, methods: ['pwd', 'otp', 'hwk'], level: 2 })
  })

  it('lowers the level if the proof says so', () => {
    expect(addProof(given, { method: 'pwd', level: 1 }, NOW).level).toBe(1)
  })

  it('takes nothing back when a request that arrived earlier is slower', () => {
    const proved = addProof(given, { method: 'otp', level: 3 }, NOW - 10)
    expect(proved).toEqual({ at: NOW, methods: ['pwd', 'otp'], level: 3, levelAt: NOW - 10 })
    expect(addProof(given, { method: 'hwk' }, NOW - 10)).toMatchObject({ at: NOW, usedAt: [NOW, NOW, NOW - 10] })
  })
})
