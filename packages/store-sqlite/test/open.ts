import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'

export interface TestFile {
  readonly path: string
  connect(options?: Database.Options): Database.Database
  remove(): void
}

/** A database file of its own, and connections to it. */
export function openFile(): TestFile {
  const folder = mkdtempSync(join(tmpdir(), 'sess-sqlite-'))
  const path = join(folder, 'sessions.db')
  const connections: { close(): unknown }[] = []
  return {
    path,
    connect(options = {}) {
      const database = new Database(path, options)
      // Nothing here is about power failures.
      database.exec('PRAGMA synchronous = OFF')
      connections.push(database)
      return database
    },
    remove() {
      for (const connection of connections) connection.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
