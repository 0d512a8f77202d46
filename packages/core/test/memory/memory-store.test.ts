import { ConfigError, memoryStore, type SessionRecord } from '@sess/core'
import { invalidate, issue } from '@sess/core/kernel'
import { describe, expect, it } from 'vitest'
import { HOUR, NOW, policy } from '../kernel/samples.ts'

const record = (id: string, subject: string | null = 'ada', now = NOW): SessionRecord =>
  issue({ id, random: 'r', subject }, policy, now)
const longAfter = NOW + 100 * HOUR

async function present(store: ReturnType<typeof memoryStore>, ...ids: string[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => store.get(id)))
  return found.flatMap((one) => (one === null ? [] : [one.id]))
}

describe('memoryStore', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10', null])('refuses max: %j', (max) => {
    // What JavaScript callers may hand in.
    expect(() => memoryStore({ max: max as number })).toThrow(ConfigError)
  })

  it('is not durable', () => {
    expect(memoryStore().durable).toBe(false)
  })

  it('creates once, replaces on the expected revision only, and never creates by replacing', async () => {
    const store = memoryStore()
    const one = record('one')
    expect(await store.create(one)).toBe(true)
    expect(await store.create(one)).toBe(false)
    expect(await store.replace({ ...one, revision: '1.x', data: 'new' }, '0.other')).toEqual({
      ok: false,
      current: one,
    })
    expect(await store.replace({ ...one, revision: '1.x', data: 'new' }, one.revision)).toEqual({ ok: true })
    expect((await store.get('one'))?.data).toBe('new')
    expect(await store.replace(record('two'), '0.r')).toEqual({ ok: false, current: null })
    expect(await store.get('two')).toBeNull()
  })

  it('keeps the greater of activity and expiry, unless the session ends', async () => {
    const store = memoryStore()
    const one = record('one')
    await store.create(one)
    expect(await store.touch('one', NOW + 10, one.expiresAt + 10)).toBe(true)
    expect(await store.touch('one', NOW + 5, one.expiresAt + 5)).toBe(true)
    expect(await store.get('one')).toEqual({ ...one, lastSeenAt: NOW + 10, expiresAt: one.expiresAt + 10 })
    await store.replace({ ...one, revision: '1.x' }, one.revision)
    expect(await store.get('one')).toMatchObject({ lastSeenAt: NOW + 10, expiresAt: one.expiresAt + 10 })
    const ended = invalidate({ ...one, revision: '2.x' }, 'revoked', policy, NOW)
    await store.replace({ ...ended, expiresAt: NOW + 20 }, '1.x')
    expect(await store.get('one')).toMatchObject({ state: 'ended', expiresAt: NOW + 20, lastSeenAt: NOW + 10 })
    expect(await store.touch('one', NOW + 99, NOW + 99)).toBe(false)
    expect(await store.touch('none', NOW, NOW)).toBe(false)
  })

  it('forgets what has expired a few at a time, so that however much it is, it is no pause', async () => {
    const store = memoryStore()
    const left = async () => {
      let count = 0
      for await (const _ of store.scan()) count += 1
      return count
    }
    for (let at = 0; at < 1000; at += 1) await store.create(record(`old-${at}`))
    for (let at = 1; at <= 200; at += 1) {
      await store.create(record(`new-${at}`, 'ada', longAfter))
      expect(await left()).toBeGreaterThanOrEqual(1000 - 3 * at)
    }
    expect(await left()).toBeLessThan(500)
  })

  it('hands out and takes in records of their own, unknown fields included', async () => {
    const store = memoryStore()
    const mine = { ...record('one'), later: { list: [1] }, recent: ['x'] }
    await store.create(mine)
    mine.later.list.push(2)
    mine.recent.push('y')
    const seen = (await store.get('one')) as typeof mine
    expect(seen.later.list).toEqual([1])
    seen.later.list.push(3)
    expect(((await store.get('one')) as typeof mine).later.list).toEqual([1])
    expect((await store.get('one'))?.recent).toEqual(['x'])
  })
})

describe('a full memoryStore', () => {
  const evictions = (store: ReturnType<typeof memoryStore>) => {
    const evicted: string[] = []
    const stop = store.onEvict((handle) => evicted.push(handle))
    return { evicted, stop }
  }

  it('drops what has expired first, silently', async () => {
    const store = memoryStore({ max: 2 })
    const { evicted } = evictions(store)
    await store.create(record('old'))
    await store.create(record('live', 'ada', longAfter))
    await store.create(record('new', 'ada', longAfter))
    expect(await present(store, 'old', 'live', 'new')).toEqual(['live', 'new'])
    expect(evicted).toEqual([])
  })

  it('then tombstones, silently', async () => {
    const store = memoryStore({ max: 2 })
    const { evicted } = evictions(store)
    await store.create(record('live'))
    const dead = record('dead')
    await store.create(dead)
    await store.replace(invalidate({ ...dead, revision: '1.x' }, 'revoked', policy, NOW), dead.revision)
    await store.create(record('new'))
    expect(await present(store, 'live', 'dead', 'new')).toEqual(['live', 'new'])
    expect(evicted).toEqual([])
  })

  it('then a visitor, then the session closest to its deadline, never silently', async () => {
    const store = memoryStore({ max: 3 })
    const { evicted, stop } = evictions(store)
    await store.create(record('ada', 'ada', NOW + 0))
    await store.create(record('visitor', null, NOW + 1))
    await store.create(record('grace', 'ada', NOW + 2))
    await store.create(record('four', 'ada', NOW + 3))
    expect(evicted).toEqual(['visitor'])
    await store.create(record('five', 'ada', NOW + 4))
    expect(evicted).toEqual(['visitor', 'ada'])
    stop()
    await store.create(record('six', 'ada', NOW + 5))
    expect(evicted).toEqual(['visitor', 'ada'])
    expect(await present(store, 'ada', 'visitor', 'grace', 'four', 'five', 'six')).toEqual(['four', 'five', 'six'])
  })

  it('never holds more than max, and forgets the expired without being full', async () => {
    const store = memoryStore({ max: 50 })
    for (let round = 0; round < 200; round += 1) await store.create(record(`old${round}`))
    for (let round = 0; round < 60; round += 1) await store.create(record(`new${round}`, 'ada', longAfter))
    const all = Array.from({ length: 200 }, (_, index) => [`old${index}`, `new${index}`]).flat()
    const left = await present(store, ...all)
    expect(left).toHaveLength(50)
    expect(left.every((id) => id.startsWith('new'))).toBe(true)
  })
})
