import type { EndingsFeed } from '@sess/core'
import {
  endingsCases,
  pruneCases,
  register,
  scanCases,
  storeCases,
  storeKit,
  subjectIndexCases,
  twoHandleCases,
} from '@sess/testkit'
import type pg from 'pg'
import { beforeAll, describe, it } from 'vitest'
import { migrate, type PostgresStore, type PostgresStoreOptions, postgresStore } from '../src/index.ts'
import { connect, pool, postgres } from './open.ts'

const isolation = (level: string) => ({ options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` })

describe.skipIf(postgres.missing)('the store promises [needs postgres]', () => {
  describe.each<[string, pg.PoolConfig, PostgresStoreOptions]>([
    ['read committed', isolation('read committed'), {}],
    ['repeatable read', isolation('repeatable read'), {}],
    ['serializable', isolation('serializable'), {}],
    ['without prepared statements', {}, { prepare: false }],
  ])('on pools, %s', (name, config, more) => {
    const options = { table: `conformance ${name}`, ...more }
    const [client, second] = [pool(config), pool(config)]
    beforeAll(() => migrate(client, options))
    const open = storeKit(
      () => postgresStore(client, options),
      undefined,
      () => postgresStore(second, options),
    )
    for (const cases of [storeCases, twoHandleCases]) register(cases, open, { it })
    register(pruneCases, open, { it })
    register(scanCases, open, { it })
    register(subjectIndexCases, open, { it })
  })

  describe('on pools that tell of endings', () => {
    const table = 'conformance endings'
    const pools = [pool(), pool()] as const
    let stores: (PostgresStore & EndingsFeed)[]
    beforeAll(async () => {
      await migrate(pools[0], { table })
      const opened = pools.map(async (each) => postgresStore(each, { table, endings: { client: await connect() } }))
      stores = await Promise.all(opened)
    })
    // There are two.
    const open = storeKit(
      () => stores[0] as PostgresStore & EndingsFeed,
      undefined,
      () => stores[1] as PostgresStore & EndingsFeed,
    )
    register(storeCases, open, { it })
    register(endingsCases, open, { it })
  })

  describe('on a single client', () => {
    const table = 'conformance single'
    let client: pg.Client
    beforeAll(async () => {
      client = await connect()
      await migrate(client, { table })
    })
    const open = storeKit(() => postgresStore(client, { table }))
    register(storeCases, open, { it })
    register(subjectIndexCases, open, { it })
  })
})
