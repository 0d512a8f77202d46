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
  const prefix = `conforms-${Math.random()}:`
  let opened: Open[] = []
  beforeAll(async () => {
    opened = await Promise.all([1, 2, 3, 4].map(connect))
  })
  afterAll(() => Promise.all(opened.map(({ close }) => close())))
  const handle = (first: number) => {
    const [client, subscriber] = opened.slice(first).map((open) => open.client)
    return redisStore(client!, { prefix, endings: { client: subscriber! } })
  }
  const open = storeKit(
    () => handle(0),
    () => {},
    () => handle(2),
  )
  for (const cases of [storeCases, subjectIndexCases, endingsCases, scanCases, twoHandleCases]) {
    register<Awaited<ReturnType<typeof open>>>(cases, open, { it })
  }
}
