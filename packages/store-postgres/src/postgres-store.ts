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
import { type PostgresClient, type PostgresQuery, query } from './query.ts'
import { type PostgresTable, quoted } from './table.ts'

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends PostgresTable {
  /** Whether statements have names, so that each connection prepares them once. Default true; `false` for poolers that lose them. */
  readonly prepare?: boolean
  /**
   * `retainEnded` of `createSessions()`, in ms; default 86 400 000 (24 h). `prune` looks no nearer than this to the absolute
   * deadlines. Too small costs time, too great costs space; neither drops a record too early.
   */
  readonly retainEndedMs?: number
}

/** Sessions in PostgreSQL. */
export interface PostgresStore extends SessionStore, Prunable, Scannable {}

/**
 * Sessions in a table of PostgreSQL 12 or later, made by {@link migrate}. The pool or client stays yours, and must not be
 * inside a transaction. `durability: 'replicated'` is what `synchronous_commit` makes of every commit on your server.
 *
 * Rejects with what the client rejects with, and with a TypeError for a `subject` or `data` with a NUL or a lone surrogate,
 * which PostgreSQL cannot keep.
 *
 * @throws ConfigError for an unusable client, name or number
 */
export function postgresStore(client: PostgresClient, options: PostgresStoreOptions = {}): PostgresStore {
  return new TableStore(client, options)
}

interface Row {
  readonly id: string
  readonly revision: string
  readonly state: SessionRecord['state']
  readonly subject: string | null
  readonly created_at: string
  readonly absolute_at: string
  readonly last_seen_at: string
  readonly expires_at: string
  readonly data: string
  readonly rest: string
}

/** Records that `scan` reads at a time. */
const PAGE = 500
const COLUMNS = 'id, revision, state, subject, created_at, absolute_at, last_seen_at, expires_at, data, rest'

class TableStore implements PostgresStore {
  readonly durable = true
  readonly #client: PostgresClient
  readonly #table: string
  readonly #prepare: boolean
  readonly #retainEndedMs: number

  constructor(client: PostgresClient, options: PostgresStoreOptions) {
    const { prepare = true, retainEndedMs = 86_400_000 } = options
    if (typeof client?.query !== 'function') throw new ConfigError('postgresStore: pass a pool or client of pg.')
    if (!(retainEndedMs >= 0)) throw new ConfigError('postgresStore: `retainEndedMs` must be a number of ms.')
    this.#client = client
    this.#table = quoted(options)
    // The server cuts off longer names, and might then take one for another.
    this.#prepare = prepare && new TextEncoder().encode(`sess replace ${this.#table}`).length <= 63
    this.#retainEndedMs = retainEndedMs
  }

  async get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    const text = `SELECT ${COLUMNS} FROM ${this.#table} WHERE id = $1`
    const [row] = await query<Row>(this.#client, this.#named('get', text, [id]), options)
    return row === undefined ? null : fromRow(row)
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    const text = `INSERT INTO ${this.#table} (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      ON CONFLICT (id) DO NOTHING RETURNING id`
    return (await query(this.#client, this.#named('create', text, toValues(record)), options)).length > 0
  }

  async replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const text = `WITH written AS (
        UPDATE ${this.#table} SET revision = $2, state = $3, subject = $4, created_at = $5, absolute_at = $6,
          last_seen_at = GREATEST(last_seen_at, $7),
          expires_at = CASE WHEN $3 = 'ended' THEN $8 ELSE GREATEST(expires_at, $8) END, data = $9, rest = $10
        WHERE id = $1 AND revision = $11 RETURNING id
      )
      SELECT false AS ok, ${COLUMNS} FROM ${this.#table} WHERE id = $1 AND NOT EXISTS (SELECT FROM written)
      UNION ALL SELECT true, id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM written`
    const values = [...toValues(record), expected]
    const [row] = await query<Row & { ok: boolean }>(this.#client, this.#named('replace', text, values), options)
    if (row === undefined) return { ok: false, current: null }
    if (row.ok) return { ok: true }
    // The SELECT sees what was there when the statement began: the expected revision, if its UPDATE had to wait for the
    // writer that got in first. Only then is a second look needed.
    if (row.revision === expected) return { ok: false, current: await this.get(record.id, options) }
    return { ok: false, current: fromRow(row) }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    const text = `UPDATE ${this.#table}
      SET last_seen_at = GREATEST(last_seen_at, $2), expires_at = GREATEST(expires_at, $3)
      WHERE id = $1 AND state <> 'ended' RETURNING id`
    const values = [id, lastSeenAt, expiresAt]
    return (await query(this.#client, this.#named('touch', text, values), options)).length > 0
  }

  async *scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    const text = `SELECT ${COLUMNS} FROM ${this.#table} WHERE id > $1 ORDER BY id LIMIT ${PAGE}`
    for (let last: string | undefined = ''; last !== undefined; ) {
      const rows: Row[] = await query<Row>(this.#client, this.#named('scan', text, [last]), options)
      yield* rows.map(fromRow)
      last = rows[PAGE - 1]?.id
    }
  }

  async prune(now: number, limit: number, { exclusive = false }: PruneOptions = {}): Promise<number> {
    // The lock, one per table, is held until the statement's transaction ends; CASE decides before anything is looked at.
    // ARRAY(…) runs once. As a join it might be run again per row, with other rows free to lock each time.
    const text = `WITH turn AS MATERIALIZED (
        SELECT CASE WHEN $4 THEN pg_try_advisory_xact_lock(734003250, hashtext($5)) ELSE true END AS free
      ), gone AS (
        DELETE FROM ${this.#table} WHERE id = ANY (ARRAY(
          SELECT id FROM ${this.#table} WHERE absolute_at <= $1 AND expires_at <= $2 AND (SELECT free FROM turn)
          ORDER BY absolute_at LIMIT $3 FOR UPDATE SKIP LOCKED
        )) RETURNING id
      ) SELECT count(*) AS count FROM gone`
    const values = [now - this.#retainEndedMs, now, limit, exclusive, this.#table]
    const [row] = await query<{ count: string }>(this.#client, this.#named('prune', text, values))
    return Number(row?.count)
  }

  #named(operation: string, text: string, values: unknown[]): PostgresQuery {
    return this.#prepare ? { name: `sess ${operation} ${this.#table}`, text, values } : { text, values }
  }
}

function toValues(record: SessionRecord): unknown[] {
  const { id, revision, state, subject, createdAt, absoluteAt, lastSeenAt, expiresAt, data, ...rest } = record
  if (unfit(data) || (subject !== null && unfit(subject))) {
    throw new TypeError('postgresStore: `subject` and `data` must not hold a NUL or a lone surrogate.')
  }
  const instants = [createdAt, absoluteAt, lastSeenAt, expiresAt]
  return [id, revision, state, subject, ...instants, data, JSON.stringify(rest)]
}

/** Whether PostgreSQL refuses the text, or the client would send U+FFFD in its place. */
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
