import { service } from '@sess/services'
import { adapterCases, register } from '@sess/testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { subject } from '../../fastify/test/subject.ts'
import { redisStore } from '../src/index.ts'
import { type Open, standalone } from './clients.ts'

const redis = service('redis')

describe.skipIf(redis.missing)('the adapter promises, on Fastify, on Redis [needs redis]', () => {
  let open: Open
  beforeAll(async () => {
    open = await standalone['redis 6']!(redis.url)
  })
  afterAll(() => open.close())

  const onStore = { ...subject, store: () => redisStore(open.client) }

  register(adapterCases, () => onStore, { it: it.concurrent })
})
