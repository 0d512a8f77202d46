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
import { migrate, type PostgresStoreOptions, postgresStore } from '../src/index.ts'
import { connect, pool, postgres } from './open.ts'

const table = 'conformance'
const isolation = (level: string) => ({ options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` })

describe.skipIf(postgres.missing)('the store promises [needs postgres]', () => {
  beforeAll(() => migrate(pool(), { table }))

  function hold(config: pg.PoolConfig, options: PostgresStoreOptions) {
    const [client, second] = [pool(config), pool(config)]
    const open = storeKit(
      () => postgresStore(client, options),
      undefined,
      () => postgresStore(second, options),
    )
    for (const cases of [storeCases, twoHandleCases]) register(cases, open, { it })
    register(subjectIndexCases, open, { it })
    register(scanCases, open, { it })
    register(pruneCases, open, { it })
  }

  describe.each(['read committed', 'repeatable read', 'serializable'])('on pools, %s', (level) => {
    hold(isolation(level), { table })
  })

  describe('on pools without prepared statements', () => {
    hold({}, { table, prepare: false })
  })

  describe('on pools that tell of endings', () => {
    let clients: pg.Client[]
    beforeAll(async () => {
      clients = [await connect(), await connect()]
    })
    const [one, two] = [pool(), pool()]
    const tellingOn = (client: pg.Pool, index: number) =>
      postgresStore(client, { table, endings: { client: clients[index] as pg.Client } })
    const open = storeKit(
      () => tellingOn(one, 0),
      undefined,
      () => tellingOn(two, 1),
    )
    register(storeCases, open, { it })
    register(endingsCases, open, { it })
  })

  describe('on a single client', () => {
    let client: pg.Client
    beforeAll(async () => {
      client = await connect()
    })
    const open = storeKit(() => postgresStore(client, { table }))
    register(storeCases, open, { it })
    register(subjectIndexCases, open, { it })
  })
})
