import type { EndingsFeed, Prunable, SessionStore, SubjectIndex } from '@sess/core'
import type BetterSqlite3 from 'better-sqlite3'
import type Libsql from 'libsql'
import { describe, expectTypeOf, it } from 'vitest'
import { migrate, type SqliteDatabase, sqliteStore } from '../src/index.ts'

describe('sqliteStore', () => {
  it('takes a Database of better-sqlite3 and of libsql', () => {
    expectTypeOf<BetterSqlite3.Database>().toExtend<SqliteDatabase>()
    expectTypeOf<Libsql.Database>().toExtend<SqliteDatabase>()
    expectTypeOf(migrate).toBeCallableWith({} as BetterSqlite3.Database, { table: 'sessions' })
  })

  it('answers a store of core that can be pruned', () => {
    expectTypeOf(sqliteStore).returns.toExtend<SessionStore & Prunable & SubjectIndex>()
    expectTypeOf(sqliteStore).returns.not.toExtend<EndingsFeed>()
  })

  it('refuses what is no connection', () => {
    // @ts-expect-error: a file name is not a connection
    sqliteStore('sessions.db')
    // @ts-expect-error: the prepare of a client that answers promises is another one
    sqliteStore({ exec: () => {}, prepare: async () => ({ all: async () => [], run: async () => ({ changes: 0 }) }) })
  })
})
