import { copySessions, memoryStore, type SessionRecord } from '@sess/core'
import { service } from '@sess/services'
import { storeKit } from '@sess/testkit'
import { Redis } from 'ioredis6'
import { describe, expect, it } from 'vitest'
import { type RedisClient, redisStore } from '../src/index.ts'
import { cluster, standalone } from './clients.ts'

const redis = service('redis')
const redisCluster = service('redis-cluster')

describe.skipIf(redis.missing)('keys [needs redis]', () => {
  it.each(Object.entries(standalone))('are given up to a copy and taken, %s', async (_, connect) => {
    const { client, close } = await connect(redis.url)
    await thereAndBack(client)
    await close()
  })

  it('are found behind a keyPrefix of ioredis, those of others are not', async () => {
    const client = new Redis(redis.url, { keyPrefix: 'app*:' })
    await client.set('sess:copy:index', 'of something else')
    await thereAndBack(client)
    client.disconnect()
  })
})

describe.skipIf(redisCluster.missing)('keys of a Cluster [needs redis-cluster]', () => {
  it.each(Object.entries(cluster))('are given up to a copy and taken, %s', async (_, connect) => {
    const { client, close } = await connect(redisCluster.nodes)
    await thereAndBack(client)
    await close()
  })
})

async function thereAndBack(client: RedisClient): Promise<void> {
  const prefix = `[copy]-${Math.random()}:`
  const store = redisStore(client, { prefix })
  const { record, next } = await storeKit(() => store)()
  await redisStore(client, { prefix: prefix.replace('[copy]', 'c') }).create(record())
  const origin = memoryStore()
  const records = Array.from({ length: 1100 }, () => record({ data: '{"name":"Žofie"}' }))
  for (const each of records) await origin.create(each)
  expect(await copySessions(origin, store)).toEqual({ created: 1100, updated: 0, kept: 0 })
  const [written, ended] = records as [SessionRecord, SessionRecord]
  await store.replace(next(written, { data: '{}' }), written.revision)
  await origin.replace(next(ended, { state: 'ended', endedReason: 'signed-out' }), ended.revision)
  expect(await copySessions(origin, store)).toEqual({ created: 0, updated: 1, kept: 1099 })
  const back = memoryStore()
  expect(await copySessions(store, back)).toMatchObject({ created: 1100, updated: 0 })
  expect((await back.get(written.id))?.data).toBe('{}')
  expect((await back.get(ended.id))?.state).toBe('ended')
  for (const { id } of records.slice(2)) expect(await back.get(id)).toEqual(await origin.get(id))
}
