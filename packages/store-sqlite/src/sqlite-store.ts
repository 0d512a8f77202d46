import type { Admission, Admitted, ReadOptions, Replaced, SessionRecord, SubjectEntry, WriteOptions } from '@sess/core'
import { ConfigError } from '@sess/core'
import * as kit from '@sess/core/store'
import { inTransaction, type SqliteDatabase, type SqliteStatement, type SqliteValue, unlessBusy } from './database.ts'
import { quoted, type SqliteTable } from './table.ts'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions extends SqliteTable, kit.TableStoreOptions {}

/** Sessions in SQLite. */
export interface SqliteStore extends kit.TableStore {}

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
  return new RowStore(database, options)
}

/** A row with its number in the order of creation. */
interface Numbered extends kit.Row {
  readonly seq: number
}

/** Records that are read at a time; reading holds up the process. */
const PAGE = 100

class RowStore implements SqliteStore {
  readonly durable = true
  readonly #database: SqliteDatabase
  readonly #statements: Statements
  readonly #retainEndedMs: number

  constructor(database: SqliteDatabase, options: SqliteStoreOptions) {
    this.#database = database
    this.#statements = prepare(database, quoted(options))
    this.#retainEndedMs = kit.readRetainEnded('sqliteStore', options)
  }

  async get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    const [row] = await rows<kit.Row>(this.#statements.get, [id], options)
    return kit.fromRow(row)
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    return (await changes(this.#statements.create, kit.toValues(record, refuse), options)) > 0
  }

  async replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const statement = record.state === 'ended' ? this.#statements.end : this.#statements.replace
    if ((await changes(statement, [...kit.toValues(record, refuse), expected], options)) > 0) return { ok: true }
    return { ok: false, current: await this.get(record.id, options) }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    return (await changes(this.#statements.touch, [lastSeenAt, expiresAt, id], options)) > 0
  }

  scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    return kit.recordsOf<Numbered>(PAGE, (after) => rows(this.#statements.scan, [after?.seq ?? 0], options))
  }

  async *listBySubject(subject: string, abandonedBefore: number, options?: ReadOptions): AsyncGenerator<SubjectEntry> {
    refuse({ subject })
    const values = (after?: Numbered) => [subject, after?.seq ?? 0, abandonedBefore]
    yield* kit.entriesOf<Numbered>(PAGE, (after) => rows(this.#statements.list, values(after), options))
  }

  async admit(admission: Admission, options?: WriteOptions): Promise<Admitted> {
    refuse({ subject: admission.subject })
    return unlessBusy(() => inTransaction(this.#database, () => this.#admit(admission)), options)
  }

  #admit(admission: Admission): Admitted {
    const { contenders, forget: remove, mark, create } = this.#statements
    // The columns are those of the statement.
    const ruling = kit.rule(admission, contenders.all(admission.subject) as kit.Contender[])
    for (const id of ruling.forget) remove.run(id)
    for (const id of ruling.mark) mark.run(id)
    if (ruling.announce) create.run(...kit.placeOf(admission))
    return { ok: ruling.ok, evicted: ruling.evicted }
  }

  prune(now: number, limit: number): Promise<number> {
    return changes(this.#statements.prune, [now - this.#retainEndedMs, now, limit])
  }
}

/** Parameters are `?` in the order of the columns: the one way of binding that all drivers share. */
function statements(table: string) {
  const names = kit.columns.join(', ')
  const update = (expiresAt: string) =>
    `UPDATE ${table} SET revision = ?, state = ?, subject = ?, created_at = ?, absolute_at = ?,
      last_seen_at = max(last_seen_at, ?), expires_at = ${expiresAt}, data = ?, rest = ?
      WHERE id = ? AND revision = ? AND state <> 'reserved'`
  return {
    get: `SELECT ${names} FROM ${table} WHERE id = ?`,
    create: `INSERT INTO ${table} (${names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET ${kit.columns.map((name) => `${name} = excluded.${name}`)} WHERE state = 'reserved'`,
    replace: update('max(expires_at, ?)'),
    end: update('?'),
    touch: `UPDATE ${table} SET last_seen_at = max(last_seen_at, ?), expires_at = max(expires_at, ?)
      WHERE id = ? AND state NOT IN ('ended', 'reserved')`,
    scan: `SELECT rowid AS seq, ${names} FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE}`,
    list: `SELECT rowid AS seq, ${names} FROM ${table} WHERE subject = ? AND rowid > ? AND state <> 'ended'
      AND (state <> 'reserved' OR created_at >= ?) ORDER BY rowid LIMIT ${PAGE}`,
    contenders: `SELECT id, state, evicted, created_at, absolute_at FROM ${table} WHERE subject = ?`,
    forget: `DELETE FROM ${table} WHERE id = ?`,
    mark: `UPDATE ${table} SET evicted = 1 WHERE id = ?`,
    prune: `DELETE FROM ${table} WHERE rowid IN
      (SELECT rowid FROM ${table} WHERE absolute_at <= ? AND expires_at <= ? ORDER BY absolute_at LIMIT ?)`,
  }
}

type Statements = Readonly<Record<keyof ReturnType<typeof statements>, SqliteStatement>>

function prepare(database: SqliteDatabase, table: string): Statements {
  try {
    const prepared = Object.entries(statements(table)).map(([name, sql]) => [name, database.prepare(sql)])
    // The names are those of the texts.
    return Object.fromEntries(prepared) as Statements
  } catch (cause) {
    throw new ConfigError(`sqliteStore: pass an open database, after migrate(database). ${cause}`)
  }
}

async function rows<Result>(
  statement: SqliteStatement,
  values: SqliteValue[],
  options?: ReadOptions,
): Promise<Result[]> {
  // The caller names the type of the columns that its text selects.
  return (await unlessBusy(() => statement.all(...values), options)) as Result[]
}

async function changes(statement: SqliteStatement, values: SqliteValue[], options?: WriteOptions): Promise<number> {
  return Number(await unlessBusy(() => statement.run(...values).changes, options))
}

/** What a driver may cut off, or store as U+FFFD. */
const refuse = kit.refusing('sqliteStore', /[\0\p{Surrogate}]/u)
