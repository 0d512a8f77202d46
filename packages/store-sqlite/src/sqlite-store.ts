import type { Prunable, ReadOptions, Replaced, Scannable, SessionRecord, SessionStore, WriteOptions } from '@sess/core'
import { ConfigError } from '@sess/core'
import { type SqliteDatabase, type SqliteStatement, type SqliteValue, unlessBusy } from './database.ts'
import { quoted, type SqliteTable } from './table.ts'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions extends SqliteTable {
  /**
   * `retainEnded` of `createSessions()`, in ms; default 86 400 000 (24 h). `prune` looks no nearer than this to the absolute
   * deadlines. Too small costs time, too great costs space; neither drops a record too early.
   */
  readonly retainEndedMs?: number
}

/** Sessions in SQLite. */
export interface SqliteStore extends SessionStore, Prunable, Scannable {}

/**
 * Sessions in a table of SQLite 3.24 or later, made by {@link migrate}: on one machine, for one or several processes. The
 * connection stays yours, and must not be inside a transaction. `durability: 'replicated'` changes nothing.
 *
 * Rejects with what the driver throws, and with a TypeError for a `subject` or `data` with a NUL or a lone surrogate, which
 * not every driver keeps.
 *
 * @throws ConfigError for an unusable connection, name or number, or without the table
 */
export function sqliteStore(database: SqliteDatabase, options: SqliteStoreOptions = {}): SqliteStore {
  return new TableStore(database, options)
}

interface Row {
  readonly id: string
  readonly revision: string
  readonly state: SessionRecord['state']
  readonly subject: string | null
  readonly created_at: number | bigint
  readonly absolute_at: number | bigint
  readonly last_seen_at: number | bigint
  readonly expires_at: number | bigint
  readonly rest: string
  readonly data: string
}

const COLUMNS = 'id, revision, state, subject, created_at, absolute_at, last_seen_at, expires_at, rest, data'

class TableStore implements SqliteStore {
  readonly durable = true
  readonly #statements: Statements
  readonly #retainEndedMs: number

  constructor(database: SqliteDatabase, options: SqliteStoreOptions) {
    const { retainEndedMs = 86_400_000 } = options
    if (!(retainEndedMs >= 0)) throw new ConfigError('sqliteStore: `retainEndedMs` must be a number of ms.')
    this.#statements = prepare(database, quoted(options))
    this.#retainEndedMs = retainEndedMs
  }

  async get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    // The columns are those of the statement; drivers answer null or undefined where there is no row.
    const row = await unlessBusy(() => this.#statements.get.get(id) as Row | null | undefined, options)
    return row === null || row === undefined ? null : fromRow(row)
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    return changes(this.#statements.create, toValues(record), options)
  }

  async replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const [id = null, ...values] = toValues(record)
    const parameters = [...values.toSpliced(7, 0, record.state), id, expected]
    if (await changes(this.#statements.replace, parameters, options)) return { ok: true }
    return { ok: false, current: await this.get(record.id, options) }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    return changes(this.#statements.touch, [lastSeenAt, expiresAt, id], options)
  }

  async *scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    for (let last = ''; ; ) {
      // One at a time, so that no statement stays open over what others do meanwhile. The columns are those of the statement.
      const row = await unlessBusy(() => this.#statements.scan.get(last) as Row | null | undefined, options)
      if (row === null || row === undefined) return
      yield fromRow(row)
      last = row.id
    }
  }

  async prune(now: number, limit: number): Promise<number> {
    const values = [now - this.#retainEndedMs, now, limit]
    return Number(await unlessBusy(() => this.#statements.prune.run(...values).changes))
  }
}

interface Statements {
  readonly get: SqliteStatement
  readonly create: SqliteStatement
  readonly replace: SqliteStatement
  readonly touch: SqliteStatement
  readonly prune: SqliteStatement
  readonly scan: SqliteStatement
}

/** Parameters are `?` in the order of the columns: the one way of binding that all drivers share. */
function prepare(database: SqliteDatabase, table: string): Statements {
  try {
    return {
      get: database.prepare(`SELECT ${COLUMNS} FROM ${table} WHERE id = ?`),
      scan: database.prepare(`SELECT ${COLUMNS} FROM ${table} WHERE id > ? ORDER BY id LIMIT 1`),
      create: database.prepare(
        `INSERT INTO ${table} (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      ),
      replace: database.prepare(
        `UPDATE ${table} SET revision = ?, state = ?, subject = ?, created_at = ?, absolute_at = ?,
          last_seen_at = max(last_seen_at, ?), expires_at = max(?, CASE WHEN ? = 'ended' THEN 0 ELSE expires_at END),
          rest = ?, data = ? WHERE id = ? AND revision = ?`,
      ),
      touch: database.prepare(
        `UPDATE ${table} SET last_seen_at = max(last_seen_at, ?), expires_at = max(expires_at, ?)
          WHERE id = ? AND state <> 'ended'`,
      ),
      prune: database.prepare(
        `DELETE FROM ${table} WHERE rowid IN
          (SELECT rowid FROM ${table} WHERE absolute_at <= ? AND expires_at <= ? ORDER BY absolute_at LIMIT ?)`,
      ),
    }
  } catch (cause) {
    throw new ConfigError(`sqliteStore: pass an open database, after migrate(database). ${cause}`)
  }
}

async function changes(statement: SqliteStatement, values: SqliteValue[], options?: WriteOptions): Promise<boolean> {
  return Number(await unlessBusy(() => statement.run(...values).changes, options)) > 0
}

function toValues(record: SessionRecord): SqliteValue[] {
  const { id, revision, state, subject, createdAt, absoluteAt, lastSeenAt, expiresAt, data, ...rest } = record
  if (unfit(data) || (subject !== null && unfit(subject))) {
    throw new TypeError('sqliteStore: `subject` and `data` must not hold a NUL or a lone surrogate.')
  }
  const instants = [createdAt, absoluteAt, lastSeenAt, expiresAt]
  return [id, revision, state, subject, ...instants, JSON.stringify(rest), data]
}

/** Whether a driver may cut the text off, or store U+FFFD in its place. */
function unfit(text: string): boolean {
  return text.includes('\0') || /\p{Surrogate}/u.test(text)
}

function fromRow(row: Row): SessionRecord {
  return {
    ...JSON.parse(row.rest),
    id: row.id,
    revision: row.revision,
    state: row.state,
    subject: row.subject,
    createdAt: Number(row.created_at),
    absoluteAt: Number(row.absolute_at),
    lastSeenAt: Number(row.last_seen_at),
    expiresAt: Number(row.expires_at),
    data: row.data,
  }
}
