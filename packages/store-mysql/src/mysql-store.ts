import { Buffer } from 'node:buffer'
import type {
  Admission,
  Admitted,
  PruneOptions,
  ReadOptions,
  Replaced,
  SessionRecord,
  SubjectEntry,
  WriteOptions,
} from '@sess/core'
import { ConfigError } from '@sess/core'
import * as kit from '@sess/core/store'
import { alone } from './lock.ts'
import { type Bound, errno, type MysqlClient, query } from './query.ts'
import { type MysqlTable, quoted } from './table.ts'

/** Options of {@link mysqlStore}. */
export interface MysqlStoreOptions extends MysqlTable, kit.TableStoreOptions {}

/** Sessions in MySQL or MariaDB. */
export interface MysqlStore extends kit.TableStore {}

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
  return new RowStore(client, options)
}

/** A row with its number in the order of creation. */
interface Numbered extends kit.Row {
  readonly seq: number | string
}

/** Records that are read at a time. */
const PAGE = 500
/** How long an admission waits for others of the same subject, in seconds. */
const WAIT_S = 2
/** Rows of one INSERT; the parameters of a statement are limited. */
const AT_ONCE = 1000
const COLUMNS = kit.columns.join(', ')
const ER_DUP_ENTRY = 1062

class RowStore implements MysqlStore {
  readonly durable = true
  readonly #client: MysqlClient
  readonly #table: string
  readonly #retainEndedMs: number

  constructor(client: MysqlClient, options: MysqlStoreOptions) {
    if (typeof client?.execute !== 'function') throw new ConfigError('mysqlStore: pass a pool of mysql2/promise.')
    this.#client = client
    this.#table = quoted(options)
    this.#retainEndedMs = kit.readRetainEnded('mysqlStore', options)
  }

  async get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    const sql = `SELECT ${COLUMNS} FROM ${this.#table} WHERE id = ?`
    const [row] = await query<kit.Row[]>(this.#client, sql, [Buffer.from(id)], options)
    return kit.fromRow(row)
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    try {
      // Not INSERT IGNORE: that would ignore far more than a row which is there already.
      await this.#insert(this.#client, [kit.toValues(record, refuse)], '', options)
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
    if ((await change(this.#client, sql, [lastSeenAt, expiresAt, Buffer.from(id)], options)) > 0) return true
    // Without CLIENT_FOUND_ROWS, a row that was found and had nothing to change is not counted.
    const found = `SELECT id FROM ${this.#table} ${where}`
    return (await query<kit.Row[]>(this.#client, found, [Buffer.from(id)], options)).length > 0
  }

  scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    const sql = `SELECT seq, ${COLUMNS} FROM ${this.#table} WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`
    return kit.recordsOf<Numbered>(PAGE, (after) => query(this.#client, sql, [after?.seq ?? 0], options))
  }

  async *listBySubject(subject: string, abandonedBefore: number, options?: ReadOptions): AsyncGenerator<SubjectEntry> {
    refuse({ subject })
    const sql = `SELECT seq, ${COLUMNS} FROM ${this.#table} WHERE subject = ? AND seq > ? AND state <> 'ended'
      AND (state <> 'reserved' OR created_at >= ?) ORDER BY seq LIMIT ${PAGE}`
    const owner = Buffer.from(subject)
    yield* kit.entriesOf<Numbered>(PAGE, (after) =>
      query(this.#client, sql, [owner, after?.seq ?? 0, abandonedBefore], options),
    )
  }

  async admit(admission: Admission, options?: WriteOptions): Promise<Admitted> {
    const { subject } = admission
    refuse({ subject })
    options?.signal?.throwIfAborted()
    const work = (client: MysqlClient) => this.#admit(client, admission, options)
    const admitted = await alone(this.#client, `sess admit ${this.#table} ${subject}`, WAIT_S, work)
    if (admitted === undefined) throw new Error(`mysqlStore: others were admitting for ${WAIT_S} s.`)
    return admitted
  }

  async #admit(client: MysqlClient, admission: Admission, options?: WriteOptions): Promise<Admitted> {
    const sql = `SELECT id, state, evicted, created_at, absolute_at FROM ${this.#table} WHERE subject = ?`
    const rows = await query<kit.Contender[]>(client, sql, [Buffer.from(admission.subject)], options)
    const { ok, evicted, forget, mark, announce } = kit.rule(admission, rows)
    for (const id of forget) {
      const sql = `DELETE FROM ${this.#table} WHERE id = ? AND state = 'reserved'`
      await query(client, sql, [Buffer.from(id)], options)
    }
    // One statement does both, or neither: those who have to go are there already, the new one is not.
    const places = [...mark, ...(announce ? [admission.id] : [])].map((id) => kit.placeOf({ ...admission, id }))
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
    const run = (client: MysqlClient) => change(client, sql, values)
    return exclusive ? ((await alone(this.#client, `sess prune ${this.#table}`, 0, run)) ?? 0) : run(this.#client)
  }

  async #insert(client: MysqlClient, rows: kit.Value[][], otherwise: string, options?: WriteOptions): Promise<void> {
    const places = rows.map(() => '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    const sql = `INSERT INTO ${this.#table} (${COLUMNS}) VALUES ${places} ${otherwise}`
    await query(client, sql, rows.flat().map(bytes), options)
  }

  async #update(record: SessionRecord, where: string, more: Bound[], options?: WriteOptions): Promise<boolean> {
    const expiresAt = record.state === 'ended' ? '?' : 'GREATEST(expires_at, ?)'
    const sql = `UPDATE ${this.#table} SET revision = ?, state = ?, subject = ?, created_at = ?, absolute_at = ?,
      last_seen_at = GREATEST(last_seen_at, ?), expires_at = ${expiresAt}, data = ?, rest = ?
      WHERE id = ? AND ${where}`
    const values = kit.toValues(record, refuse).map(bytes)
    return (await change(this.#client, sql, [...values, ...more], options)) > 0
  }
}

/** How many rows the statement wrote, or removed. */
async function change(client: MysqlClient, sql: string, values: Bound[], options?: WriteOptions): Promise<number> {
  return (await query<{ affectedRows: number }>(client, sql, values, options)).affectedRows
}

/** What has no UTF-8. */
const refuse = kit.refusing('mysqlStore', /\p{Surrogate}/u)

function bytes(value: kit.Value): Bound {
  return typeof value === 'string' ? Buffer.from(value) : value
}
