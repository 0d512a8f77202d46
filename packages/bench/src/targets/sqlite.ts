import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { migrate, sqliteStore } from '@sess/store-sqlite'
import Libsql from 'libsql'
import { batches, createAll, type Database, type Target } from './target.ts'

/** Each target is a file. */
export async function sqliteDatabase(): Promise<Database> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sess-bench-'))
  const opened: Libsql.Database[] = []
  const version = new Libsql(':memory:').prepare('SELECT sqlite_version() AS version').get()
  return {
    // One row of one column.
    versions: `SQLite ${(version as { version: string }).version}, libsql 0.5`,
    settings: 'WAL, synchronous NORMAL, cache of 2 MB',
    filling: 'transactions of 500 create()',
    async open(name) {
      const file = path.join(folder, `${name}.db`)
      const database = new Libsql(file)
      opened.push(database)
      migrate(database)
      database.exec('PRAGMA synchronous = NORMAL')
      return target(database, file)
    },
    async stop() {
      for (const database of opened) database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function target(database: Libsql.Database, file: string): Target {
  const store = sqliteStore(database)
  return {
    store,
    async fill(records) {
      // Handles come in no order: with the usual 2 MB every one would be written to another page of the disk.
      database.exec('PRAGMA cache_size = -400000')
      for (const batch of batches(records)) {
        database.exec('BEGIN')
        await createAll(store, batch)
        database.exec('COMMIT')
      }
      database.exec('PRAGMA cache_size = -2000')
    },
    settle: async () => void database.exec('PRAGMA wal_checkpoint(TRUNCATE)'),
    count: async () =>
      // One row of one column.
      (database.prepare('SELECT count(*) AS count FROM sess_sessions').get() as { count: number }).count,
    bytes: async () => ({ total: statSync(file).size }),
  }
}
