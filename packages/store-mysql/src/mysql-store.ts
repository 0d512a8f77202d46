import { Buffer } from 'node:buffer'
import type {
  Admission,
  Admitted,
  Prunable,
  PruneOptions,
  ReadOptions,
  Replaced,
  Scannable,
  SessionRecord,
  SessionStore,
  SubjectEntry,
  SubjectIndex,
  WriteOptions,
} from '@sess/core'
import { ConfigError } from '@sess/core'
import {
  type Contender,
  columns,
  entriesOf,
  fromRow,
  placeOf,
  type Row,
  recordsOf,
  refuseText,
  rule,
  toValues,
  type Value,
} from '@sess/core/store'
import { alone } from './lock.ts'
import { errno, type MysqlClient, type MysqlQuery, query } from './query.ts'
import { type MysqlTable, quoted } from './table.ts'

/** Options of {@link mysqlStore}. */
export interface MysqlStoreOptions extends MysqlTable {
  /**
   * `retainEnded` of `createSessions()`, in ms; default 86 400 000 (24 h). `prune` looks no nearer than this to the absolute
   * deadlines. Too small costs time, too great costs space; neither drops a record too early.
   */
  readonly retainEndedMs?: number
}

/** Sessions in MySQL or MariaDB. */
export interface MysqlStore extends SessionStore, SubjectIndex, Prunable, Scannable {}

/**
 * Sessions in an InnoDB table of MySQL 8 or MariaDB 10.6 and later, made by {@link migrate}. The pool or connection stays
 * yours, and must be in autocommit, outside any transaction. `durability: 'replicated'` is ignored: how commits are
 * replicated is a setting of your server.
 *
 * Rejects with what the client rejects with, and with a TypeError for a `subject` or `data` with a lone surrogate, which
 * has no UTF-8.
 *
 * @throws ConfigError for an unusable client, name or number
 */
export function mysqlStore(client: MysqlClient, options: MysqlStoreOptions = {}): MysqlStore {
  return new TableStore(client, options)
}

/** A row with its number in the order of creation. */
interface Numbered extends Row {
  readonly seq: number | string
}

/** Records that are read at a time. */
const PAGE = 500
/** How long an admission waits for others of the same subject, in seconds. */
const WAIT_S = 2
/** Rows of one INSERT; the parameters of a statement are limited. */
const AT_ONCE = 1000
const COLUMNS = columns.join(', ')
const ER_DUP_ENTRY = 1062

class TableStore implements MysqlStore {
  readonly durable = true
  readonly #client: MysqlClient
  readonly #table: string
  readonly #retainEndedMs: number

  constructor(client: MysqlClient, options: MysqlStoreOptions) {
    const { retainEndedMs = 86_400_000 } = options
    if (typeof client?.execute !== 'function') throw new ConfigError('mysqlStore: pass a pool of mysql2/promise.')
    if (!(retainEndedMs >= 0)) throw new ConfigError('mysqlStore: `retainEndedMs` must be a number of ms.')
    this.#client = client
    this.#table = quoted(options)
    this.#retainEndedMs = retainEndedMs
  }

  async get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    const sql = `SELECT ${COLUMNS} FROM ${this.#table} WHERE id = ?`
    const [row] = await query<Row[]>(this.#client, sql, [Buffer.from(id)], options)
    return fromRow(row)
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    try {
      // Not INSERT IGNORE: that would ignore far more than a row which is there already.
      await this.#insert(this.#client, [values(record)], '', options)
      return true
    } catch (error) {
      if (errno(error) !== ER_DUP_ENTRY) throw error
    }
    return this.#update(record, "state = 'reserved'", [], options)
  }

  async replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const isExpected = "revision = ? AND state <> 'reserved'"
    if (await this.#update(record, isExpected, [Buffer.from(expected)], options)) return { ok: true }
    // MySQL has no UPDATE … RETURNING. Each statement is a transaction of its own, so this one sees who came first.
    return { ok: false, current: await this.get(record.id, options) }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    const where = "WHERE id = ? AND state NOT IN ('ended', 'reserved')"
    const sql = `UPDATE ${this.#table}
      SET last_seen_at = GREATEST(last_seen_at, ?), expires_at = GREATEST(expires_at, ?) ${where}`
    if ((await this.#change(sql, [lastSeenAt, expiresAt, Buffer.from(id)], options)) > 0) return true
    // Without CLIENT_FOUND_ROWS, a row that was found and had nothing to change is not counted.
    const found = `SELECT id FROM ${this.#table} ${where}`
    return (await query<Row[]>(this.#client, found, [Buffer.from(id)], options)).length > 0
  }

  scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    const sql = `SELECT seq, ${COLUMNS} FROM ${this.#table} WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`
    return recordsOf<Numbered>(PAGE, (after) => query(this.#client, sql, [after?.seq ?? 0], options))
  }

  listBySubject(subject: string, abandonedBefore: number, options?: ReadOptions): AsyncGenerator<SubjectEntry> {
    const sql = `SELECT seq, ${COLUMNS} FROM ${this.#table} WHERE subject = ? AND seq > ? AND state <> 'ended'
      AND (state <> 'reserved' OR created_at >= ?) ORDER BY seq LIMIT ${PAGE}`
    const owner = Buffer.from(subject)
    return entriesOf<Numbered>(PAGE, (after) =>
      query(this.#client, sql, [owner, after?.seq ?? 0, abandonedBefore], options),
    )
  }

  async admit(admission: Admission, options?: WriteOptions): Promise<Admitted> {
    const { subject } = admission
    refuseText('mysqlStore', { subject }, UNFIT)
    const work = (client: MysqlClient) => this.#admit(client, admission, options)
    const admitted = await alone(this.#client, `sess admit ${this.#table} ${subject}`, WAIT_S, work)
    if (admitted === undefined) throw new Error(`mysqlStore: others were admitting for ${WAIT_S} s.`)
    return admitted
  }

  async #admit(client: MysqlClient, admission: Admission, options?: WriteOptions): Promise<Admitted> {
    const sql = `SELECT id, state, evicted, created_at, absolute_at FROM ${this.#table} WHERE subject = ?`
    const rows = await query<Contender[]>(client, sql, [Buffer.from(admission.subject)], options)
    const { ok, evicted, forget, mark, announce } = rule(admission, rows)
    for (const id of forget) {
      const sql = `DELETE FROM ${this.#table} WHERE id = ? AND state = 'reserved'`
      await query(client, sql, [Buffer.from(id)], options)
    }
    // One statement does both, or neither: those who have to go are there already, the new one is not.
    const places = [...mark, ...(announce ? [admission.id] : [])].map((id) => placeOf({ ...admission, id }))
    for (let from = 0; from < places.length; from += AT_ONCE) {
      await this.#insert(client, places.slice(from, from + AT_ONCE), 'ON DUPLICATE KEY UPDATE evicted = TRUE', options)
    }
    return { ok, evicted }
  }

  async prune(now: number, limit: number, { exclusive = false }: PruneOptions = {}): Promise<number> {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError('prune: `limit` must be a positive integer.')
    // STRAIGHT_JOIN: the locked rows first. The other way round, the whole table would be locked, and waited for.
    const sql = `DELETE gone FROM (
        SELECT seq FROM ${this.#table} WHERE absolute_at <= ? AND expires_at <= ?
        ORDER BY absolute_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      ) AS doomed STRAIGHT_JOIN ${this.#table} AS gone ON gone.seq = doomed.seq`
    const values = [now - this.#retainEndedMs, now]
    const run = (client: MysqlClient) => this.#change(sql, values, {}, client)
    return exclusive ? ((await alone(this.#client, `sess prune ${this.#table}`, 0, run)) ?? 0) : run(this.#client)
  }

  async #insert(client: MysqlClient, rows: Value[][], otherwise: string, options?: WriteOptions): Promise<void> {
    const places = rows.map(() => '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    const sql = `INSERT INTO ${this.#table} (${COLUMNS}) VALUES ${places} ${otherwise}`
    await query(client, sql, rows.flat().map(bytes), options)
  }

  async #update(
    record: SessionRecord,
    where: string,
    more: MysqlQuery['values'],
    options?: WriteOptions,
  ): Promise<boolean> {
    const expiresAt = record.state === 'ended' ? '?' : 'GREATEST(expires_at, ?)'
    const sql = `UPDATE ${this.#table} SET revision = ?, state = ?, subject = ?, created_at = ?, absolute_at = ?,
      last_seen_at = GREATEST(last_seen_at, ?), expires_at = ${expiresAt}, data = ?, rest = ?
      WHERE id = ? AND ${where}`
    return (await this.#change(sql, [...values(record).map(bytes), ...more], options)) > 0
  }

  async #change(
    sql: string,
    values: MysqlQuery['values'],
    options?: WriteOptions,
    client: MysqlClient = this.#client,
  ): Promise<number> {
    return (await query<{ affectedRows: number }>(client, sql, values, options)).affectedRows
  }
}

/** What has no UTF-8. */
const UNFIT = /\p{Surrogate}/u

function values(record: SessionRecord): Value[] {
  refuseText('mysqlStore', { subject: record.subject, data: record.data }, UNFIT)
  return toValues(record)
}

function bytes(value: Value): Exclude<Value, string> | Buffer {
  return typeof value === 'string' ? Buffer.from(value) : value
}
