import type { ReadOptions } from '@sess/core'
import { retry } from '@sess/core/store'

/** What the store binds. */
export type SqliteValue = string | number | null

/** A prepared statement. */
export interface SqliteStatement {
  /** The rows, by column names. */
  all(...values: SqliteValue[]): unknown[]
  run(...values: SqliteValue[]): { readonly changes: number | bigint }
}

/** A connection: a `Database` of better-sqlite3, libsql or bun:sqlite, or a `DatabaseSync` of node:sqlite. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}

/** What `work` answers. Run again, at most seven times in 0.3 s, while another connection has the file locked. */
export function unlessBusy<T>(work: () => T, options?: ReadOptions): Promise<T> {
  return retry(work, isBusy, options)
}

/** SQLITE_BUSY and its extended codes, whose low byte is 5: as text by most drivers, as a number by node:sqlite. */
export function isBusy(error: unknown): boolean {
  const { code, errcode = 0 } = error as { readonly code?: unknown; readonly errcode?: number }
  return String(code).startsWith('SQLITE_BUSY') || (errcode & 0xff) === 5
}

/** All that `work` does, or nothing of it, with no other connection writing meanwhile. */
export function inTransaction<T>(database: SqliteDatabase, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    try {
      database.exec('ROLLBACK')
    } catch {
      // SQLite had rolled back by itself, as it does when the disk is full.
    }
    throw error
  }
}
