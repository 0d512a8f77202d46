import { createSessions, memoryStore, type SessionRecord } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { endingsCases, FakeClock, register, scanCases, storeCases, storeKit, subjectIndexCases } from '../src/index.ts'

describe('the store promises', () => {
  const open = storeKit(() => memoryStore())
  register(storeCases, open, { it })
  register(subjectIndexCases, open, { it })
  register(endingsCases, open, { it })
  register(scanCases, open, { it })
})

describe('a full memory store', () => {
  it('drops an expired record before anything else', async () => {
    const { store, evicted, add, has } = await bounded(4)
    const oldest = await add()
    const visitor = await add(anonymous)
    const tombstone = await add(ended)
    const expired = await add({ expiresAt: NOW + 10 })
    await add({ createdAt: NOW + 10 })
    expect(await has(oldest, visitor, tombstone, expired)).toEqual([true, true, true, false])
    expect(evicted).toEqual([])
    expect(store.durable).toBe(false)
  })

  it('keeps a record until its expiresAt has come', async () => {
    const { evicted, add, has } = await bounded(1)
    const live = await add({ expiresAt: NOW + 10 })
    const next = await add({ createdAt: NOW + 9, expiresAt: NOW + 20 })
    expect(evicted).toEqual([live.id])
    await add({ createdAt: NOW + 20 })
    expect(await has(next)).toEqual([false])
    expect(evicted).toEqual([live.id])
  })

  it('drops a tombstone before any live session, and says nothing', async () => {
    const { evicted, add, has } = await bounded(3)
    const records = [await add(), await add(anonymous), await add(ended)]
    await add()
    expect(await has(...records)).toEqual([true, true, false])
    expect(evicted).toEqual([])
  })

  it('drops a session that has just been ended before live ones', async () => {
    const { store, evicted, add, has } = await bounded(2)
    const first = await add(anonymous)
    const second = await add()
    const tombstone: SessionRecord = { ...second, ...ended, revision: '1.x' }
    expect(await store.replace(tombstone, second.revision)).toEqual({ ok: true })
    await add()
    expect(await has(first, second)).toEqual([true, false])
    expect(evicted).toEqual([])
  })

  it('drops a visitor before any signed-in session, the one closest to its deadline, and says so', async () => {
    const { evicted, add, has } = await bounded(3)
    const later = { ...anonymous, expiresAt: NOW + 500 }
    const records = [
      await add({ expiresAt: NOW + 100 }),
      await add(later),
      await add({ ...later, expiresAt: NOW + 400 }),
    ]
    await add()
    expect(await has(...records)).toEqual([true, true, false])
    expect(evicted).toEqual([records[2]?.id])
  })

  it('drops the session that has idled longest when there is nothing else, and says so', async () => {
    const { store, evicted, add, has } = await bounded(2)
    const records = [await add({ expiresAt: NOW + 100 }), await add({ expiresAt: NOW + 200 })]
    await store.touch(records[0]?.id ?? '', NOW + 50, NOW + 300)
    await add()
    expect(await has(...records)).toEqual([true, false])
    expect(evicted).toEqual([records[1]?.id])
  })

  it('refuses nothing that exists already: replace and touch need no room', async () => {
    const { store, evicted, add } = await bounded(1)
    const only = await add()
    expect(await store.touch(only.id, NOW + 1, only.expiresAt)).toBe(true)
    expect(await store.replace({ ...only, revision: '1.x' }, only.revision)).toEqual({ ok: true })
    expect(await store.create(only)).toBe(false)
    expect(evicted).toEqual([])
  })

  it('takes the time from the records it sees, not from the system', async () => {
    const { store, evicted, add, has } = await bounded(2)
    const first = await add({ expiresAt: NOW + 100 })
    const second = await add()
    await store.touch(second.id, NOW + 100, second.expiresAt)
    await add()
    expect(await has(first, second)).toEqual([false, true])
    expect(evicted).toEqual([])
  })

  it('stops telling a listener that has unsubscribed', async () => {
    const { store, add } = await bounded(1)
    const heard: string[] = []
    const unsubscribe = store.onEvict((handle) => heard.push(handle))
    const first = await add()
    await add()
    unsubscribe()
    await add()
    expect(heard).toEqual([first.id])
  })

  it('raises the evicted event of the sessions that use it', async () => {
    const sessions = createSessions({ store: memoryStore({ max: 1 }), clock: new FakeClock() })
    const evicted: (string | null)[] = []
    sessions.on('evicted', ({ handle }) => evicted.push(handle))
    const handles: (string | null)[] = []
    for (const subject of ['ada', 'grace']) {
      const session = await sessions.open({ method: 'POST', headers: {}, url: 'https://app.example/', secure: true })
      session.signIn(subject)
      await session.commit()
      handles.push(session.handle)
    }
    await sessions.flushEvents()
    expect(evicted).toEqual(handles.slice(0, 1))
  })
})

describe('a memory store with room', () => {
  it('forgets expired records while new sessions come', async () => {
    const { add, has } = await bounded(1000)
    const expired = [await add({ expiresAt: NOW + 1 }), await add({ expiresAt: NOW + 1 })]
    for (let count = 0; count < 10; count += 1) await add({ createdAt: NOW + 1 })
    expect(await has(...expired)).toEqual([false, false])
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses max: %s', (max) => {
    expect(() => memoryStore({ max })).toThrow(expect.objectContaining({ code: 'ERR_SESS_CONFIG' }))
  })
})

const NOW = Date.UTC(2040, 0, 1)
const anonymous: Partial<SessionRecord> = { state: 'anonymous', subject: null }
const ended: Partial<SessionRecord> = { state: 'ended', endedReason: 'revoked', endedAt: NOW, data: '' }

async function bounded(max: number) {
  const store = memoryStore({ max })
  const evicted: string[] = []
  store.onEvict((handle) => evicted.push(handle))
  const { record } = await storeKit(() => store)()
  const add = async (changes: Partial<SessionRecord> = {}) => {
    const added = record({ createdAt: NOW, lastSeenAt: NOW, expiresAt: NOW + 1_000_000, ...changes })
    expect(await store.create(added)).toBe(true)
    return added
  }
  const has = (...records: SessionRecord[]) =>
    Promise.all(records.map(async ({ id }) => (await store.get(id)) !== null))
  return { store, evicted, add, has }
}
