import type { EndingsFeed } from '@sess/core'
import { service } from '@sess/services'
import {
  endingsCases,
  register,
  scanCases,
  storeCases,
  storeKit,
  subjectIndexCases,
  twoHandleCases,
} from '@sess/testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RedisStore, redisStore } from '../src/index.ts'
import { cluster, type Open, standalone } from './clients.ts'

const redis = service('redis')
const redisCluster = service('redis-cluster')

for (const [name, connect] of Object.entries(standalone)) {
  describe.skipIf(redis.missing)(`the store promises, ${name} [needs redis]`, () => conforms(() => connect(redis.url)))
}

for (const [name, connect] of Object.entries(cluster)) {
  describe.skipIf(redisCluster.missing)(`the store promises, ${name}, Cluster [needs redis-cluster]`, () =>
    conforms(() => connect(redisCluster.nodes)),
  )
}

function conforms(connect: () => Promise<Open>): void {
  let opened: Open[] = []
  beforeAll(async () => {
    opened = await Promise.all([1, 2, 3, 4].map(connect))
  })
  afterAll(() => Promise.all(opened.map(({ close }) => close())))
  for (const cases of [storeCases, subjectIndexCases, endingsCases, scanCases, twoHandleCases]) {
    const prefix = `conforms-${Math.random()}:`
    let handles: (RedisStore & EndingsFeed)[] = []
    beforeAll(() => {
      const handle = (at: number) => {
        const endings = { client: opened[at + 1]!.client }
        return redisStore(opened[at]!.client, { prefix, endings })
      }
      handles = [handle(0), handle(2)]
    })
    const open = storeKit(
      () => handles[0]!,
      () => {},
      () => handles[1]!,
    )
    register<Awaited<ReturnType<typeof open>>>(cases, open, { it })
  }
}
