import type { Admission, SessionRecord, SessionStore } from '@sess/core'
import { service } from '@sess/services'
import { start } from '@sess/services/start'
import { storeKit } from '@sess/testkit'
import { Cluster as IoredisCluster } from 'ioredis6'
import * as redis from 'redis6'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type NodeRedisClient, type RedisClient, redisStore } from '../src/index.ts'

const server = service('redis')
const cluster = service('redis-cluster')
const client = redis.createClient({ url: server.url })

beforeAll(async () => {
  if (!server.missing) await client.connect()
})
afterAll(() => {
  if (client.isOpen) client.destroy()
})

describe.skipIf(server.missing)('a key [needs redis]', () => {
  it('outlives its record by a minute, whatever time the application thinks it is', async () => {
    const { store, record } = await storeKit(() => redisStore(client))()
    for (const now of [0, Date.UTC(2001, 0, 1), Date.now(), Date.UTC(2150, 0, 1)]) {
      const { id } = await created(store, record({ createdAt: now, lastSeenAt: now, expiresAt: now + 3_600_000 }))
      const ttl = await client.pTTL(`sess:${id}`)
      expect(ttl).toBeLessThanOrEqual(3_660_000)
      expect(ttl).toBeGreaterThan(3_650_000)
    }
  })

  it('stays a minute although its record has expired already', async () => {
    const { store, record } = await storeKit(() => redisStore(client))()
    const past = await created(store, record({ lastSeenAt: 2000, expiresAt: 1000 }))
    expect(await client.pTTL(`sess:${past.id}`)).toBeGreaterThan(50_000)
    expect(await store.get(past.id)).toEqual(past)
  })

  it('stays longer with a touch or replace that moves expiresAt, and shorter only with an ending', async () => {
    const { store, record, next } = await storeKit(() => redisStore(client))()
    const hours = (count: number) => ({ expiresAt: live.lastSeenAt + count * 3_600_000 })
    const live = record({ lastSeenAt: 1000, expiresAt: 3_601_000 })
    const hoursLeft = async () => Math.floor((await client.pTTL(`sess:${live.id}`)) / 3_600_000)
    await created(store, live)
    expect(await hoursLeft()).toBe(1)
    await store.touch(live.id, live.lastSeenAt, hours(3).expiresAt)
    expect(await hoursLeft()).toBe(3)
    const later = next(live, hours(5))
    await store.replace(later, live.revision)
    expect(await hoursLeft()).toBe(5)
    const sooner = next(later, hours(2))
    await store.replace(sooner, later.revision)
    expect(await hoursLeft()).toBe(5)
    await store.replace(next(sooner, { state: 'ended', ...hours(2) }), sooner.revision)
    expect(await hoursLeft()).toBe(2)
  })

  it('begins with the prefix, so that applications share a server', async () => {
    const [mine, yours] = [redisStore(client, { prefix: 'mine:' }), redisStore(client, { prefix: 'yours:' })]
    const { record } = await storeKit(() => mine)()
    const { id } = await created(mine, record())
    expect(await client.exists([`mine:${id}`, `sess:${id}`])).toBe(1)
    expect(await yours.get(id)).toBeNull()
  })
})

describe.skipIf(server.missing)('an operation [needs redis]', () => {
  const sent: string[] = []
  const counting: NodeRedisClient = {
    evalSha: (sha1, input) => {
      sent.push('evalSha')
      return client.evalSha(sha1, input)
    },
    eval: (script, input) => {
      sent.push('eval')
      return client.eval(script, input)
    },
  }
  beforeEach(() => {
    sent.length = 0
  })

  it('is one command once the server knows its script, a conflict with its record included', async () => {
    const { store, record, next } = await storeKit(() => redisStore(counting))()
    const live = record({ subject: null })
    const all = async () => {
      await store.create(live)
      await store.get(live.id)
      await store.touch(live.id, live.lastSeenAt, live.expiresAt)
      expect(await store.replace(next(live), 'another')).toEqual({ ok: false, current: live })
    }
    await all()
    sent.length = 0
    await all()
    expect(sent).toEqual(['evalSha', 'evalSha', 'evalSha', 'evalSha'])
  })

  it('sends its script again to a server that has forgotten it', async () => {
    const { store, record } = await storeKit(() => redisStore(counting))()
    const live = await created(store, record())
    await client.scriptFlush()
    sent.length = 0
    expect(await store.get(live.id)).toEqual(live)
    expect(await store.get(live.id)).toEqual(live)
    expect(sent).toEqual(['evalSha', 'eval', 'evalSha'])
  })

  it('is two for a session with a subject to be created, one to be admitted, and its scripts are sent again too', async () => {
    const { store, record } = await storeKit(() => redisStore(counting))()
    const live = record()
    const all = async () => {
      await store.admit({ ...admission(live), limit: 2 })
      await store.create(live)
      expect(await ids(store.listBySubject(live.subject ?? '', 0))).toEqual([live.id])
    }
    await client.scriptFlush()
    await all()
    sent.length = 0
    await all()
    expect(sent).toEqual(Array.from({ length: 5 }, () => 'evalSha'))
  })

  it('uses a few cheap commands, and never looks through the keys', async () => {
    const own = await start('redis')
    const direct = await redis.createClient({ url: own.url }).connect()
    try {
      const { store, record, next } = await storeKit(() => redisStore(direct))()
      const live = await created(store, record())
      await store.admit({ ...admission(live), id: record().id })
      await ids(store.listBySubject(live.subject ?? '', Date.now()))
      await store.touch(live.id, live.lastSeenAt + 1, live.expiresAt + 1)
      await store.replace(next(live, { state: 'ended' }), live.revision)
      await ids(store.listBySubject(live.subject ?? '', Date.now()))
      const stats = await direct.info('commandstats')
      const used = [...stats.matchAll(/cmdstat_([a-z|]+)/g)].map(([, name]) => name ?? '')
      const ofSessions = ['eval', 'evalsha', 'hmget', 'hset', 'pexpire', 'publish']
      const ofSubjects = ['hrandfield', 'hsetnx', 'hdel', 'hget', 'hgetall', 'hexists', 'hscan', 'pttl']
      const ofClient = /^(ping|hello|client.*|info|replconf|psync)$/
      const others = used.filter((name) => ![...ofSessions, ...ofSubjects].includes(name) && !ofClient.test(name))
      expect(others).toEqual([])
      expect(used).toEqual(expect.arrayContaining(['hset', 'hscan', 'publish']))
    } finally {
      direct.destroy()
      await own.stop()
    }
  })

  it('is not sent when its signal is aborted before', async () => {
    const { store, record, next } = await storeKit(() => redisStore(counting))()
    const live = record()
    const options = { signal: AbortSignal.abort() }
    await expect(store.get(live.id, options)).rejects.toThrow('aborted')
    await expect(store.create(live, options)).rejects.toThrow('aborted')
    await expect(store.replace(next(live), live.revision, options)).rejects.toThrow('aborted')
    await expect(store.touch(live.id, 0, 0, options)).rejects.toThrow('aborted')
    await expect(store.admit(admission(live), options)).rejects.toThrow('aborted')
    await expect(ids(store.listBySubject('ada', 0, options))).rejects.toThrow('aborted')
    expect(sent).toEqual([])
  })

  it('rejects with the error of the server, and does not take another key for a session', async () => {
    const { store, record } = await storeKit(() => redisStore(client))()
    const live = record()
    await client.set(`sess:${live.id}`, 'a text')
    await expect(store.get(live.id)).rejects.toThrow('WRONGTYPE')
    await client.del(`sess:${live.id}`)
  })

  it('refuses data that is not text', async () => {
    const { store, record } = await storeKit(() => redisStore(client))()
    await expect(store.create(record({ data: 'a\uD800' }))).rejects.toThrow('lone surrogate')
  })
})

describe.skipIf(cluster.missing)('on a Cluster [needs redis-cluster]', () => {
  const replicas = cluster.nodes.slice(3)

  it('reads from masters, also through a client that prefers replicas', async () => {
    const rootNodes = cluster.nodes.map((node) => ({ url: `redis://${node}` }))
    const preferring = await redis.createCluster({ rootNodes, useReplicas: true }).connect()
    const ioredis = new IoredisCluster([...cluster.nodes], { scaleReads: 'slave' })
    try {
      for (const each of [preferring, ioredis] satisfies RedisClient[]) {
        const { store, record } = await storeKit(() => redisStore(each))()
        for (let count = 0; count < 20; count += 1) {
          const live = await created(store, record())
          expect(await store.get(live.id)).toEqual(live)
        }
      }
      for (const node of replicas) expect(await readCalls(node), node).toBe(0)
    } finally {
      preferring.destroy()
      ioredis.disconnect()
    }
  })
})

function admission({ id, subject, createdAt: at, absoluteAt: deadline }: SessionRecord): Admission {
  return { id, subject: subject ?? '', at, deadline, abandonedBefore: 0, limit: 1, uncounted: [], victims: [] }
}

async function ids(entries: AsyncIterable<{ readonly id: string }>): Promise<string[]> {
  const found: string[] = []
  for await (const { id } of entries) found.push(id)
  return found
}

/** How often a node has run a script, was asked to, or has read a hash. */
async function readCalls(node: string): Promise<number> {
  const direct = await redis.createClient({ url: `redis://${node}` }).connect()
  try {
    const stats = await direct.info('commandstats')
    return [...stats.matchAll(/cmdstat_(?:eval|evalsha|hmget|hgetall):calls=(\d+)/g)].reduce(
      (sum, [, calls]) => sum + Number(calls),
      0,
    )
  } finally {
    direct.destroy()
  }
}

async function created<Store extends SessionStore>(
  store: Store,
  record: Parameters<Store['create']>[0],
): Promise<Parameters<Store['create']>[0]> {
  expect(await store.create(record)).toBe(true)
  return record
}
