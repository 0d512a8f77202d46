import type { EndingsFeed, Prunable, SessionStore, SubjectIndex } from '@sess/core'
import type mysql from 'mysql2/promise'
import { expectTypeOf, it } from 'vitest'
import { type MysqlClient, migrate, mysqlStore } from '../src/index.ts'

declare const pool: mysql.Pool
declare const connection: mysql.Connection
declare const poolConnection: mysql.PoolConnection

it('takes the pool and the connections of mysql2, and whatever executes alike', () => {
  mysqlStore(pool)
  mysqlStore(connection)
  mysqlStore(poolConnection)
  mysqlStore({ execute: async () => [[]] })
  expectTypeOf<mysql.Pool>().toExtend<MysqlClient>()
  // @ts-expect-error mysql2 with callbacks: use mysql2/promise, or pool.promise()
  mysqlStore(pool.pool)
  // @ts-expect-error an address is no client
  mysqlStore('mysql://127.0.0.1/app')
  // @ts-expect-error nothing can be executed
  mysqlStore({ query: async () => [[]] })
})

it('has options for the table and for housekeeping', () => {
  mysqlStore(pool, { database: 'auth', table: 'sessions', retainEndedMs: 0 })
  // @ts-expect-error a number of ms
  mysqlStore(pool, { retainEndedMs: '24h' })
  // @ts-expect-error unknown
  mysqlStore(pool, { tableName: 'sessions' })
  expectTypeOf(migrate(pool, { database: 'auth', table: 'sessions' })).resolves.toBeVoid()
  // @ts-expect-error not an option of the table
  migrate(pool, { retainEndedMs: 0 })
})

it('is a store that has to be pruned, and finds the sessions of a subject', () => {
  const store = mysqlStore(pool)
  expectTypeOf(store).toExtend<SessionStore>()
  expectTypeOf(store).toExtend<Prunable>()
  expectTypeOf(store).toExtend<SubjectIndex>()
  expectTypeOf(store).not.toExtend<EndingsFeed>()
  expectTypeOf(store.prune).returns.resolves.toBeNumber()
})
