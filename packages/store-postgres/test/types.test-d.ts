import type { EndingsFeed, Prunable, SessionStore, SubjectIndex } from '@sess/core'
import type pg from 'pg'
import { expectTypeOf, it } from 'vitest'
import {
  migrate,
  type PostgresClient,
  type PostgresListener,
  type PostgresStoreOptions,
  postgresStore,
} from '../src/index.ts'

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

it('tells of endings only where it is given a connection that is told', () => {
  const store = postgresStore(pool)
  expectTypeOf(store).not.toExtend<EndingsFeed>()
  const telling = postgresStore(pool, { endings: { client } })
  expectTypeOf(telling).toExtend<SessionStore & SubjectIndex & EndingsFeed>()
  expectTypeOf<pg.Client>().toExtend<PostgresListener>()
  const options: PostgresStoreOptions = {}
  expectTypeOf(postgresStore(pool, options)).not.toExtend<EndingsFeed>()
  // @ts-expect-error nothing can be heard
  postgresStore(pool, { endings: { client: { query: async () => ({ rows: [] }) } } })
  // @ts-expect-error no connection
  postgresStore(pool, { endings: {} })
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

it('is a store that has to be pruned, and finds the sessions of a subject', () => {
  const store = postgresStore(pool)
  expectTypeOf(store).toExtend<SessionStore>()
  expectTypeOf(store).toExtend<Prunable>()
  expectTypeOf(store).toExtend<SubjectIndex>()
  expectTypeOf(store.prune).returns.resolves.toBeNumber()
})
