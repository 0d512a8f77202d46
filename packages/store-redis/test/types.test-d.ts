import type { Scannable, SessionStore } from '@sess/core'
import type * as ioredis5 from 'ioredis5'
import * as ioredis6 from 'ioredis6'
import type * as redis5 from 'redis5'
import type * as redis6 from 'redis6'
import { describe, expectTypeOf, it } from 'vitest'
import { type RedisClient, type ReservableClient, redisStore } from '../src/index.ts'

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

  it('answers a store of core', () => {
    expectTypeOf(redisStore).returns.toExtend<SessionStore & Scannable>()
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
