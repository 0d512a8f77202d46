import { createHash } from 'node:crypto'
import type { Admission, SessionRecord, SubjectEntry, SubjectIndex } from '@sess/core'
import { service } from '@sess/services'
import { storeKit } from '@sess/testkit'
import * as redis from 'redis6'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NodeRedisClient, redisStore } from '../src/index.ts'

const MANY = 10_000
const HOUR = 3_600_000

const server = service('redis')
const client = redis.createClient({ url: server.url })

beforeAll(async () => {
  if (!server.missing) await client.connect()
})
afterAll(() => {
  if (client.isOpen) client.destroy()
})

describe.skipIf(server.missing)("a subject's key [needs redis]", () => {
  const kit = storeKit(() => redisStore(client))

  it('is longer than that of a session, however long the subject, and expires a minute after the latest deadline', async () => {
    const { store, record } = await kit()
    const hoursLeft = async () => ((await client.pTTL(key)) - 60_000) / HOUR
    for (const subject of ['', 'x'.repeat(35), record().id, '\0{}*:'.repeat(1000)].map(
      (text) => text + Math.random(),
    )) {
      const live = record({ subject })
      await store.create(live)
      expect(keyOf(subject)).toHaveLength('sess:subject:'.length + 43)
      expect(await client.hKeys(keyOf(subject))).toEqual([live.id])
    }
    const first = record({ createdAt: 1000, absoluteAt: 1000 + 3 * HOUR })
    const key = keyOf(first.subject)
    await store.create(first)
    expect(await hoursLeft()).toBeCloseTo(3, 2)
    await store.create(record({ subject: first.subject, createdAt: 1000, absoluteAt: 1000 + 2 * HOUR }))
    expect(await hoursLeft()).toBeCloseTo(3, 2)
    await store.admit(asks(record({ subject: first.subject, createdAt: 1000, absoluteAt: 1000 + 5 * HOUR })))
    expect(await hoursLeft()).toBeCloseTo(5, 2)
    await store.create(record({ subject: first.subject, createdAt: HOUR, absoluteAt: 0 }))
    expect(await hoursLeft()).toBeCloseTo(5, 2)
  })

  it('is a different one for every text, those that are no valid UTF-16 included', async () => {
    const { store, record } = await kit()
    const unique = record().id
    const subjects = ['\uD800', '\uDBFF', '\uFFFD', ''].map((text) => unique + text)
    for (const subject of subjects) expect(await store.admit(refuses(record({ subject })))).toMatchObject({ ok: true })
    for (const subject of subjects) expect(await store.admit(refuses(record({ subject })))).toMatchObject({ ok: false })
  })

  it('keeps instants as they are, the greatest of all included', async () => {
    const { store, record } = await kit()
    const live = record({ createdAt: 1_700_000_000_123, absoluteAt: 8.64e15 })
    await store.create(live)
    expect(await client.hGet(keyOf(live.subject), live.id)).toBe('1700000000123 8640000000000000')
    await store.admit(asks(record({ subject: live.subject, createdAt: live.createdAt + 1 }), { limit: 1 }))
    expect(await client.hGet(keyOf(live.subject), live.id)).toBe('1700000000123 8640000000000000 evicted')
    expect(await client.pTTL(keyOf(live.subject))).toBeGreaterThan(8e15 - live.createdAt)
  })

  it('goes when the last session on it has been found ended', async () => {
    const { store, record, next } = await kit()
    const live = record()
    await store.create(live)
    await store.admit(asks(record({ subject: live.subject }), { at: 1000, limit: 2 }))
    await store.replace(next(live, { state: 'ended' }), live.revision)
    expect(await client.hLen(keyOf(live.subject))).toBe(2)
    expect(await all(store, live.subject, live.createdAt + 1001)).toEqual([])
    expect(await client.exists(keyOf(live.subject))).toBe(0)
  })

  it('does not grow for ever where nobody lists or limits', async () => {
    const { store, record } = await kit()
    const { subject } = record()
    for (let second = 0; second < 400; second += 1) {
      await store.create(record({ subject, createdAt: second * 1000, absoluteAt: second * 1000 + 10_000 }))
    }
    expect(await client.hLen(keyOf(subject))).toBeLessThan(100)
  })
})

describe.skipIf(server.missing)('a session with a subject [needs redis]', () => {
  it('is announced before it is created, and forgotten when it never was', async () => {
    const stopping: NodeRedisClient = {
      evalSha: (sha1, input) => {
        if (!input.keys[0]?.includes('subject:')) throw new Error('the process was killed here')
        return client.evalSha(sha1, input)
      },
      eval: (script, input) => client.eval(script, input),
    }
    const { store, record } = await storeKit(() => redisStore(client))()
    const live = record()
    await expect(redisStore(stopping).create(live)).rejects.toThrow('the process was killed here')
    expect(await all(store, live.subject, live.createdAt)).toEqual([{ id: live.id, record: null }])
    expect(await all(store, live.subject, live.createdAt + 1)).toEqual([])
    expect(await client.exists(keyOf(live.subject))).toBe(0)
  })

  it('stays marked when it is created after all', async () => {
    const { store, record } = await storeKit(() => redisStore(client))()
    const [slow, fast, last] = [record(), record(), record()]
    const { subject } = slow
    await store.admit(asks(slow))
    expect((await store.admit(asks({ ...fast, subject }))).evicted).toEqual([slow.id])
    await store.create(slow)
    expect((await store.admit(asks({ ...last, subject }, { limit: 9 }))).evicted).toEqual([slow.id])
  })

  it(`may have ${MANY} others beside it, which are read and marked in small steps`, async () => {
    let longest = 0
    const measuring: NodeRedisClient = {
      evalSha: async (sha1, input) => {
        const reply = await client.evalSha(sha1, input)
        if (input.keys[0]?.includes('subject:') && Array.isArray(reply)) longest = Math.max(longest, sizeOf(reply[1]))
        return reply
      },
      eval: (script, input) => client.eval(script, input),
    }
    const { store, record } = await storeKit(() => redisStore(measuring))()
    const { subject } = record()
    const own = Array.from({ length: MANY }, () => record({ subject }))
    for (let at = 0; at < MANY; at += 500) {
      await Promise.all(own.slice(at, at + 500).map((each) => store.create(each)))
    }
    expect(await all(store, subject, 0)).toHaveLength(MANY)
    // Fields and values of a page.
    expect(longest).toBeLessThan(2000)
    const coming = record({ subject })
    const { evicted } = await store.admit(asks(coming, { victims: own.map(({ id }) => id) }))
    expect(new Set(evicted)).toEqual(new Set(own.map(({ id }) => id)))
    for (const { id } of own) await client.del(`sess:${id}`)
    expect(await all(store, subject, coming.createdAt)).toEqual([{ id: coming.id, record: null }])
    expect(await client.hLen(keyOf(subject))).toBe(1)
  }, 60_000)
})

function keyOf(subject: string | null): string {
  return `sess:subject:${createHash('sha256')
    .update(subject ?? '', 'utf16le')
    .digest('base64url')}`
}

function asks({ id, subject, createdAt: at, absoluteAt: deadline }: SessionRecord, changes: Partial<Admission> = {}) {
  const asked = { id, subject: subject ?? '', at, deadline, abandonedBefore: 0 }
  return { ...asked, limit: 1, uncounted: [], victims: [], ...changes }
}

function refuses(record: SessionRecord): Admission {
  return asks(record, { victims: null })
}

async function all(store: SubjectIndex, subject: string | null, abandonedBefore: number): Promise<SubjectEntry[]> {
  const found: SubjectEntry[] = []
  for await (const entry of store.listBySubject(subject ?? '', abandonedBefore)) found.push(entry)
  return found
}

function sizeOf(reply: unknown): number {
  return Array.isArray(reply) ? reply.length : 0
}
