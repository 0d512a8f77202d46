import type { Prunable, SessionStore } from '@sess/core'
import type pg from 'pg'
import { expectTypeOf, it } from 'vitest'
import { migrate, type PostgresClient, postgresStore } from '../src/index.ts'

declare const pool: pg.Pool
declare const client: pg.Client
declare const poolClient: pg.PoolClient

it('takes the pool and the clients of pg, and whatever queries alike', () => {
  postgresStore(pool)
  postgresStore(client)
  postgresStore(poolClient)
  postgresStore({ query: async () => ({ rows: [] }) })
  expectTypeOf<pg.Pool>().toExtend<PostgresClient>()
  // @ts-expect-error an address is no client
  postgresStore('postgres://127.0.0.1/app')
  // @ts-expect-error nothing can be queried
  postgresStore({ execute: async () => ({ rows: [] }) })
  // @ts-expect-error no rows
  postgresStore({ query: async () => ({ rowCount: 1 }) })
})

it('has options for the table and for housekeeping', () => {
  postgresStore(pool, { schema: 'auth', table: 'sessions', prepare: false, retainEndedMs: 0 })
  // @ts-expect-error a number of ms
  postgresStore(pool, { retainEndedMs: '24h' })
  // @ts-expect-error unknown
  postgresStore(pool, { tableName: 'sessions' })
  expectTypeOf(migrate(pool, { schema: 'auth', table: 'sessions' })).resolves.toBeVoid()
  // @ts-expect-error not an option of the table
  migrate(pool, { prepare: false })
})

it('is a store that has to be pruned', () => {
  const store = postgresStore(pool)
  expectTypeOf(store).toExtend<SessionStore>()
  expectTypeOf(store).toExtend<Prunable>()
  expectTypeOf(store.prune).returns.resolves.toBeNumber()
})
