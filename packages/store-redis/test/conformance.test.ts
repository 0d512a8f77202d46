import { service } from '@sess/services'
import { register, storeCases, storeKit } from '@sess/testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { redisStore } from '../src/index.ts'
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
  let open: Open
  beforeAll(async () => {
    open = await connect()
  })
  afterAll(() => open.close())
  register(
    storeCases,
    storeKit(() => redisStore(open.client)),
    { it },
  )
}
