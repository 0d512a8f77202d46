import type {
  Admission,
  Admitted,
  EndingsFeed,
  PruneOptions,
  ReadOptions,
  Replaced,
  SessionRecord,
  SubjectEntry,
  WriteOptions,
} from '@sess/core'
import { ConfigError } from '@sess/core'
import * as kit from '@sess/core/store'
import { type EndingsOptions, endingsFeed } from './endings.ts'
import { type PostgresClient, query } from './query.ts'
import { literal, type PostgresTable, quoted } from './table.ts'

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends PostgresTable, kit.TableStoreOptions {
  /** Whether statements have names, so that each connection prepares them once. Default true; `false` for poolers that lose them. */
  readonly prepare?: boolean
  /**
   * Tells of endings in other processes, so that the store has `onEnding`. Each process that ends sessions must be given it,
   * since the writes that end one notify only then. Default: nobody is told.
   */
  readonly endings?: EndingsOptions
}

/** Sessions in PostgreSQL. */
export interface PostgresStore extends kit.TableStore {}

/**
 * Sessions in a table of PostgreSQL 12 or later, made by {@link migrate}. The pool or client stays yours, and must not be
 * inside a transaction. `durability: 'replicated'` is what `synchronous_commit` makes of every commit on your server.
 *
 * Rejects with what the client rejects with, and with a TypeError for a `subject` or `data` with a NUL or a lone surrogate,
 * which PostgreSQL cannot keep.
 *
 * @throws ConfigError for an unusable client, name or number
 */
export function postgresStore(
  client: PostgresClient,
  options: PostgresStoreOptions & { readonly endings: EndingsOptions },
): PostgresStore & EndingsFeed
export function postgresStore(client: PostgresClient, options?: PostgresStoreOptions): PostgresStore
export function postgresStore(client: PostgresClient, options: PostgresStoreOptions = {}): PostgresStore {
  const { table = 'sess_sessions', endings } = options
  if (endings === undefined) return new RowStore(client, options, null)
  // Schemas share it: at worst, handles come that nobody here knows.
  const channel = `${table}_ended`
  return Object.assign(new RowStore(client, options, channel), endingsFeed(endings.client, channel))
}

/** Records that are read at a time. */
const PAGE = 500
const COLUMNS = kit.columns.join(', ')

class RowStore implements PostgresStore {
  readonly durable = true
  readonly #client: PostgresClient
  readonly #table: string
  readonly #admit: string
  readonly #prefix: string | null
  readonly #retainEndedMs: number
  /** What a write returns: that it was made. If it stored an ending, this tells of it. */
  readonly #written: string

  constructor(client: PostgresClient, options: PostgresStoreOptions, channel: string | null) {
    if (typeof client?.query !== 'function') throw new ConfigError('postgresStore: pass a pool or client of pg.')
    this.#client = client
    this.#table = quoted(options)
    this.#admit = quoted(options, '_admit')
    this.#retainEndedMs = kit.readRetainEnded('postgresStore', options)
    const told = (to: string) => `, CASE WHEN state = 'ended' THEN pg_notify(${literal(to)}, id) END AS told`
    this.#written = `RETURNING id${channel === null ? '' : told(channel)}`
    const prefix = channel === null ? 'sess' : 'tell'
    // The server cuts off longer names, and might then take one for another.
    const fits = new TextEncoder().encode(`${prefix} replace ${this.#table}`).length <= 63
    this.#prefix = options.prepare !== false && fits ? prefix : null
  }

  async get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    const text = `SELECT ${COLUMNS} FROM ${this.#table} WHERE id = $1`
    const [row] = await this.#query<kit.Row>('get', text, [id], options)
    return kit.fromRow(row)
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    const filled = kit.columns.map((column) => `${column} = EXCLUDED.${column}`)
    const text = `INSERT INTO ${this.#table} AS place (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      ON CONFLICT (id) DO UPDATE SET ${filled} WHERE place.state = 'reserved' ${this.#written}`
    return (await this.#query('create', text, kit.toValues(record, refuse), options)).length > 0
  }

  async replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const text = `WITH written AS (
        UPDATE ${this.#table} SET revision = $1, state = $2, subject = $3, created_at = $4, absolute_at = $5,
          last_seen_at = GREATEST(last_seen_at, $6),
          expires_at = CASE WHEN $2 = 'ended' THEN $7 ELSE GREATEST(expires_at, $7) END, data = $8, rest = $9
        WHERE id = $10 AND revision = $11 AND state <> 'reserved' ${this.#written}
      )
      SELECT false AS ok, ${COLUMNS} FROM ${this.#table} WHERE id = $10 AND NOT EXISTS (SELECT FROM written)
      UNION ALL SELECT true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, id FROM written`
    const values = [...kit.toValues(record, refuse), expected]
    const [row] = await this.#query<kit.Row & { ok: boolean }>('replace', text, values, options)
    if (row?.ok === true) return { ok: true }
    // The SELECT sees what was there when the statement began: the expected revision, if its UPDATE had to wait for the
    // writer that got in first. Only then is a second look needed.
    if (row?.revision === expected) return { ok: false, current: await this.get(record.id, options) }
    return { ok: false, current: kit.fromRow(row) }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    const text = `UPDATE ${this.#table}
      SET last_seen_at = GREATEST(last_seen_at, $2), expires_at = GREATEST(expires_at, $3)
      WHERE id = $1 AND state NOT IN ('ended', 'reserved') RETURNING id`
    return (await this.#query('touch', text, [id, lastSeenAt, expiresAt], options)).length > 0
  }

  scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    const text = `SELECT ${COLUMNS} FROM ${this.#table} WHERE id > $1 ORDER BY id LIMIT ${PAGE}`
    return kit.recordsOf(PAGE, (after) => this.#query<kit.Row>('scan', text, [after?.id ?? ''], options))
  }

  async *listBySubject(subject: string, abandonedBefore: number, options?: ReadOptions): AsyncGenerator<SubjectEntry> {
    refuse({ subject })
    const text = `SELECT ${COLUMNS} FROM ${this.#table}
      WHERE subject = $1 AND id > $2
        AND state <> 'ended' AND (state <> 'reserved' OR created_at >= $3) ORDER BY id LIMIT ${PAGE}`
    const values = (after?: kit.Row) => [subject, after?.id ?? '', abandonedBefore]
    yield* kit.entriesOf(PAGE, (after) => this.#query<kit.Row>('list', text, values(after), options))
  }

  async admit(admission: Admission, options?: WriteOptions): Promise<Admitted> {
    const { subject, victims } = admission
    refuse({ subject })
    const asked = JSON.stringify({ ...admission, named: [...new Set(victims)] })
    const text = `CALL ${this.#admit}($1, NULL)`
    const [row] = await this.#query<{ answer: string }>('admit', text, [asked], options)
    // What the procedure builds.
    return JSON.parse(row?.answer ?? '') as Admitted
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
    const [row] = await this.#query<{ count: string }>('prune', text, values)
    return Number(row?.count)
  }

  #query<Result>(operation: string, text: string, values: unknown[], options?: ReadOptions): Promise<Result[]> {
    const name = this.#prefix === null ? {} : { name: `${this.#prefix} ${operation} ${this.#table}` }
    return query<Result>(this.#client, { ...name, text, values }, options)
  }
}

/** What PostgreSQL refuses, or the client would send as U+FFFD. */
const refuse = kit.refusing('postgresStore', /[\0\p{Surrogate}]/u)
