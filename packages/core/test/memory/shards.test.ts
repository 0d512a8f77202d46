import { systemRandom } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { Shards, shardOf } from '../../src/memory/shards.ts'

describe('Shards', () => {
  it('is a map: has, get, set, delete, size and entries', () => {
    const shards = new Shards<number>(100_000)
    const model = new Map<string, number>()
    const keys = Array.from({ length: 500 }, (_, at) => `key-${at % 300}`)
    keys.forEach((key, at) => {
      shards.set(key, at)
      model.set(key, at)
      if (at % 3 === 0) {
        shards.delete(`key-${at % 7}`)
        model.delete(`key-${at % 7}`)
      }
      expect(shards.size).toBe(model.size)
    })
    for (const key of new Set(keys)) {
      expect(shards.has(key)).toBe(model.has(key))
      expect(shards.get(key)).toBe(model.get(key))
    }
    expect(new Map(shards)).toEqual(model)
  })

  it('takes any key, and any capacity', () => {
    for (const capacity of [1, 3801, Number.MAX_SAFE_INTEGER]) {
      const shards = new Shards<string>(capacity)
      for (const key of ['', 'a', '漢字', 'x'.repeat(10_000), '__proto__']) shards.set(key, key)
      expect([...shards].map(([key]) => key).sort()).toEqual(['', '__proto__', 'a', 'x'.repeat(10_000), '漢字'])
    }
  })

  it('goes on with what is there while entries come and go', () => {
    const shards = new Shards<number>(100_000)
    for (let at = 0; at < 1000; at += 1) shards.set(`key-${at}`, at)
    const seen = new Set<string>()
    for (const [key, at] of shards) {
      seen.add(key)
      if (at % 2 === 0) shards.delete(key)
      shards.set(`new-${at}`, 1)
      if (seen.size > 3000) break
    }
    expect(Array.from({ length: 1000 }, (_, at) => `key-${at}`).filter((key) => !seen.has(key))).toEqual([])
  })

  const handle = (): string => Buffer.from(systemRandom.bytes(32)).toString('base64url')
  it.each<[string, (at: number) => string]>([
    ['handles', handle],
    ['numbers', (at) => `user-${at}`],
    ['padded numbers', (at) => String(at).padStart(36, '0')],
    ['addresses', (at) => `person.${at}@mail.example.com`],
    ['UUIDs', () => crypto.randomUUID()],
  ])('spreads %s: none has twice its share', (_, key) => {
    const counts = Array<number>(64).fill(0)
    for (let at = 0; at < 64_000; at += 1) counts[shardOf(key(at), 64)]! += 1
    expect(Math.max(...counts)).toBeLessThan(2000)
  })
})
