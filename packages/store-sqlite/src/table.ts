import { ConfigError } from '@sess/core'
import { isBusy, type SqliteDatabase } from './database.ts'

/** Where the sessions are kept. */
export interface SqliteTable {
  /** Name of the table, taken literally; not empty, no NUL. Default `sess_sessions`. */
  readonly table?: string
}

/** The quoted name of the table, or of what belongs to it. */
export function quoted({ table = 'sess_sessions' }: SqliteTable, suffix = ''): string {
  if (table === '' || table.includes('\0')) throw new ConfigError('sqliteStore: `table` must have a name, without NUL.')
  return `"${`${table}${suffix}`.replaceAll('"', '""')}"`
}

/**
 * Creates the table and its indexes if they are not there yet, adds what a table of an earlier version lacks, and switches the
 * file to WAL, so that readers and a writer do not hold each other up. Safe to call at every start. Throws what the driver throws.
 *
 * @throws ConfigError for an unusable name
 */
export function migrate(database: SqliteDatabase, options: SqliteTable = {}): void {
  const name = quoted(options)
  switchToWal(database)
  // What changes with every touch stands before the data, which may fill pages of its own. `seq` is a name for the rowid, which
  // is in every index, so that VACUUM leaves it alone.
  database.exec(`CREATE TABLE IF NOT EXISTS ${name} (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    revision TEXT NOT NULL,
    state TEXT NOT NULL,
    subject TEXT,
    created_at INTEGER NOT NULL,
    absolute_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    evicted INTEGER NOT NULL DEFAULT 0,
    rest TEXT NOT NULL,
    data TEXT NOT NULL
  )`)
  const evicted = database.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = 'evicted'")
  if (evicted.all(options.table ?? 'sess_sessions').length === 0) {
    database.exec(`ALTER TABLE ${name} ADD COLUMN evicted INTEGER NOT NULL DEFAULT 0`)
  }
  database.exec(
    `CREATE INDEX IF NOT EXISTS ${quoted(options, '_subject')} ON ${name} (subject) WHERE subject IS NOT NULL`,
  )
  database.exec(`CREATE INDEX IF NOT EXISTS ${quoted(options, '_absolute_at')} ON ${name} (absolute_at)`)
}

/** Two processes that start together may both switch: SQLite lets neither wait for the other, so the later one tries again. */
function switchToWal(database: SqliteDatabase): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return void database.exec('PRAGMA journal_mode = WAL')
    } catch (error) {
      if (attempt === 20 || !isBusy(error)) throw error
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 * attempt)
  }
}
