import { Buffer } from 'node:buffer'
import type {
  Prunable,
  PruneOptions,
  ReadOptions,
  Replaced,
  Scannable,
  SessionRecord,
  SessionStore,
  WriteOptions,
} from '@sess/core'
import { ConfigError } from '@sess/core'
import { alone, errno, type MysqlClient, type MysqlQuery, query } from './query.ts'
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
export interface MysqlStore extends SessionStore, Prunable, Scannable {}

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

interface Row {
  readonly seq: number | string
  readonly id: Buffer
  readonly revision: Buffer
  readonly state: Buffer
  readonly subject: Buffer | null
  readonly created_at: number | string
  readonly absolute_at: number | string
  readonly last_seen_at: number | string
  readonly expires_at: number | string
  readonly data: Buffer
  readonly rest: Buffer
}

/** Records that `scan` reads at a time. */
const PAGE = 500
const COLUMNS = 'revision, state, subject, created_at, absolute_at, last_seen_at, expires_at, data, rest, id'
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
    return row === undefined ? null : fromRow(row)
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    // Not INSERT IGNORE: that would ignore far more than a record which is there already.
    const sql = `INSERT INTO ${this.#table} (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    try {
      return (await this.#change(sql, toValues(record), options)) > 0
    } catch (error) {
      if (errno(error) === ER_DUP_ENTRY) return false
      throw error
    }
  }

  async replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const expiresAt = record.state === 'ended' ? '?' : 'GREATEST(expires_at, ?)'
    const sql = `UPDATE ${this.#table} SET revision = ?, state = ?, subject = ?, created_at = ?, absolute_at = ?,
      last_seen_at = GREATEST(last_seen_at, ?), expires_at = ${expiresAt}, data = ?, rest = ?
      WHERE id = ? AND revision = ?`
    const values = [...toValues(record), Buffer.from(expected)]
    if ((await this.#change(sql, values, options)) > 0) return { ok: true }
    // MySQL has no UPDATE … RETURNING. Each statement is a transaction of its own, so this one sees who came first.
    return { ok: false, current: await this.get(record.id, options) }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    const where = "WHERE id = ? AND state <> 'ended'"
    const sql = `UPDATE ${this.#table}
      SET last_seen_at = GREATEST(last_seen_at, ?), expires_at = GREATEST(expires_at, ?) ${where}`
    if ((await this.#change(sql, [lastSeenAt, expiresAt, Buffer.from(id)], options)) > 0) return true
    // Without CLIENT_FOUND_ROWS, a row that was found and had nothing to change is not counted.
    const found = `SELECT id FROM ${this.#table} ${where}`
    return (await query<Row[]>(this.#client, found, [Buffer.from(id)], options)).length > 0
  }

  async *scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    const sql = `SELECT seq, ${COLUMNS} FROM ${this.#table} WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`
    for (let last: number | string | undefined = 0; last !== undefined; ) {
      const rows: Row[] = await query<Row[]>(this.#client, sql, [last], options)
      yield* rows.map(fromRow)
      last = rows[PAGE - 1]?.seq
    }
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
    return exclusive ? ((await alone(this.#client, `sess prune ${this.#table}`, run)) ?? 0) : run(this.#client)
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

function toValues(record: SessionRecord): MysqlQuery['values'] {
  const { id, revision, state, subject, createdAt, absoluteAt, lastSeenAt, expiresAt, data, ...rest } = record
  if (/\p{Surrogate}/u.test(data) || (subject !== null && /\p{Surrogate}/u.test(subject))) {
    throw new TypeError('mysqlStore: `subject` and `data` must not hold a lone surrogate.')
  }
  const instants = [createdAt, absoluteAt, lastSeenAt, expiresAt]
  const texts = [data, JSON.stringify(rest), id].map((text) => Buffer.from(text))
  return [Buffer.from(revision), state, subject === null ? null : Buffer.from(subject), ...instants, ...texts]
}

function fromRow(row: Row): SessionRecord {
  // Buffers become text as UTF-8.
  return {
    ...JSON.parse(`${row.rest}`),
    id: `${row.id}`,
    revision: `${row.revision}`,
    state: `${row.state}`,
    subject: row.subject === null ? null : `${row.subject}`,
    createdAt: Number(row.created_at),
    absoluteAt: Number(row.absolute_at),
    lastSeenAt: Number(row.last_seen_at),
    expiresAt: Number(row.expires_at),
    data: `${row.data}`,
  }
}
