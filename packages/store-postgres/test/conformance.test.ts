import { register, storeCases, storeKit } from '@sess/testkit'
import pg from 'pg'
import { beforeAll, describe, it } from 'vitest'
import { migrate, postgresStore } from '../src/index.ts'
import { pool, postgres } from './open.ts'

const table = 'conformance'
const isolation = (level: string) => ({ options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` })

describe.skipIf(postgres.missing)('the store promises [needs postgres]', () => {
  beforeAll(() => migrate(pool(), { table }))

  describe.each(['read committed', 'repeatable read', 'serializable'])('on a pool, %s', (level) => {
    const client = pool(isolation(level))
    register(
      storeCases,
      storeKit(() => postgresStore(client, { table })),
      { it },
    )
  })

  describe('on a pool without prepared statements', () => {
    const client = pool()
    register(
      storeCases,
      storeKit(() => postgresStore(client, { table, prepare: false })),
      { it },
    )
  })

  describe('on a single client', () => {
    let client: pg.Client
    beforeAll(async () => {
      client = new pg.Client(postgres.url)
      await client.connect()
      return () => client.end()
    })
    register(
      storeCases,
      storeKit(() => postgresStore(client, { table })),
      { it },
    )
  })
})
