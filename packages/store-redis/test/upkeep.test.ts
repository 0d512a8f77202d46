import { copySessions, memoryStore } from '@sess/core'
import { service } from '@sess/services'
import { storeKit } from '@sess/testkit'
import { Redis } from 'ioredis6'
import { describe, expect, it } from 'vitest'
import { redisStore } from '../src/index.ts'

const server = service('redis')

describe.skipIf(server.missing)('a scan [needs redis]', () => {
  it('finds keys behind a keyPrefix of ioredis and a prefix that looks like a pattern, and none of others', async () => {
    const client = new Redis(server.url, { keyPrefix: 'app*:' })
    const prefix = `[copy]-${Math.random()}:`
    const store = redisStore(client, { prefix })
    const { record } = await storeKit(() => store)()
    await client.set(`${prefix}index`, 'of something else')
    await redisStore(client, { prefix: prefix.replace('[copy]', 'c') }).create(record())
    const records = Array.from({ length: 1100 }, () => record())
    for (const each of records) await store.create(each)
    const copy = memoryStore()
    expect(await copySessions(store, copy)).toMatchObject({ created: 1100 })
    for (const each of records) expect(await copy.get(each.id)).toEqual(each)
    client.disconnect()
  })
})
