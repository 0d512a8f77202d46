import type { ReadOptions } from '@sess/core'

/** What the store binds. */
export type SqliteValue = string | number | null

/** A prepared statement. */
export interface SqliteStatement {
  /** The first row, by column names; nothing if there is none. */
  get(...values: SqliteValue[]): unknown
  run(...values: SqliteValue[]): { readonly changes: number | bigint }
}

/** A connection: a `Database` of better-sqlite3, libsql or bun:sqlite, or a `DatabaseSync` of node:sqlite. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}

const ATTEMPTS = 8

/** What `work` answers. Run again, at most seven times in 0.3 s, while another connection has the file locked. */
export async function unlessBusy<T>(work: () => T, options?: ReadOptions): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    options?.signal?.throwIfAborted()
    try {
      return work()
    } catch (error) {
      if (attempt === ATTEMPTS || !isBusy(error)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** attempt))
  }
}

/** SQLITE_BUSY and its extended codes, whose low byte is 5: as text by most drivers, as a number by node:sqlite. */
function isBusy(error: unknown): boolean {
  const { code, errcode = 0 } = error as { readonly code?: unknown; readonly errcode?: number }
  return String(code).startsWith('SQLITE_BUSY') || (errcode & 0xff) === 5
}
