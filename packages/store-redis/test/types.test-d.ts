import type { EndingsFeed, Scannable, SessionStore, SubjectIndex } from '@sess/core'
import type * as ioredis5 from 'ioredis5'
import * as ioredis6 from 'ioredis6'
import type * as redis5 from 'redis5'
import type * as redis6 from 'redis6'
import { describe, expectTypeOf, it } from 'vitest'
import { type RedisClient, type ReservableClient, redisStore, type SubscribingClient } from '../src/index.ts'

type Redis5 = ReturnType<typeof redis5.createClient>
type Redis6 = ReturnType<typeof redis6.createClient>
type Cluster5 = ReturnType<typeof redis5.createCluster>
type Cluster6 = ReturnType<typeof redis6.createCluster>

describe('redisStore', () => {
  it('takes the clients of redis 5 and 6', () => {
    expectTypeOf<Redis5>().toExtend<RedisClient>()
    expectTypeOf<Redis6>().toExtend<RedisClient>()
    expectTypeOf<Cluster5>().toExtend<RedisClient>()
    expectTypeOf<Cluster6>().toExtend<RedisClient>()
    expectTypeOf<ReturnType<typeof redis6.createClientPool>>().toExtend<RedisClient>()
    expectTypeOf<ReturnType<typeof redis6.createSentinel>>().toExtend<RedisClient>()
  })

  it('takes the clients of ioredis 5 and 6', () => {
    expectTypeOf<ioredis5.Redis>().toExtend<RedisClient>()
    expectTypeOf<ioredis6.Redis>().toExtend<RedisClient>()
    expectTypeOf<ioredis5.Cluster>().toExtend<RedisClient>()
    expectTypeOf<ioredis6.Cluster>().toExtend<RedisClient>()
  })

  it('takes their duplicates for replicated writes', () => {
    expectTypeOf<ReturnType<Redis5['duplicate']>>().toExtend<ReservableClient>()
    expectTypeOf<ReturnType<Redis6['duplicate']>>().toExtend<ReservableClient>()
    expectTypeOf<ReturnType<Cluster5['duplicate']>>().toExtend<ReservableClient>()
    expectTypeOf<ReturnType<Cluster6['duplicate']>>().toExtend<ReservableClient>()
    expectTypeOf<ioredis5.Redis>().toExtend<ReservableClient>()
    expectTypeOf<ioredis6.Cluster>().toExtend<ReservableClient>()
  })

  it('takes them for the feed of endings, but for pools', () => {
    expectTypeOf<ReturnType<Redis5['duplicate']>>().toExtend<SubscribingClient>()
    expectTypeOf<ReturnType<Redis6['duplicate']>>().toExtend<SubscribingClient>()
    expectTypeOf<ReturnType<Cluster5['duplicate']>>().toExtend<SubscribingClient>()
    expectTypeOf<ReturnType<Cluster6['duplicate']>>().toExtend<SubscribingClient>()
    expectTypeOf<ReturnType<typeof redis6.createSentinel>>().toExtend<SubscribingClient>()
    expectTypeOf<ReturnType<typeof redis6.createClientPool>>().not.toExtend<SubscribingClient>()
    expectTypeOf<ioredis5.Redis>().toExtend<SubscribingClient>()
    expectTypeOf<ioredis5.Cluster>().toExtend<SubscribingClient>()
    expectTypeOf<ioredis6.Redis>().toExtend<SubscribingClient>()
    expectTypeOf<ioredis6.Cluster>().toExtend<SubscribingClient>()
  })

  it('answers a store of core, which has a feed of endings only if it is asked for', () => {
    const [client, endings] = [new ioredis6.Redis(), { client: new ioredis6.Redis() }]
    expectTypeOf(redisStore(client)).toExtend<SessionStore & SubjectIndex & Scannable>()
    expectTypeOf(redisStore(client, { prefix: 'app:' })).not.toExtend<EndingsFeed>()
    expectTypeOf(redisStore(client, { endings })).toExtend<SessionStore & SubjectIndex & Scannable & EndingsFeed>()
  })

  it('refuses what is no client', () => {
    // @ts-expect-error: an address is not a client
    redisStore('redis://localhost')
    // @ts-expect-error: hosts and passwords are the client's business
    redisStore({ host: 'localhost', port: 6379 })
    // @ts-expect-error: replicated writes need a client of their own
    redisStore(new ioredis6.Redis(), { replicated: { replicas: 1 } })
  })
})
