import {
  ConfigError,
  type ReadOptions,
  type Replaced,
  type Scannable,
  type SessionRecord,
  type SessionStore,
  type WriteOptions,
} from '@sess/core'
import { type RedisClient, run } from './client.ts'
import { Replication, type ReplicationOptions } from './replication.ts'
import { handles } from './scan.ts'
import * as scripts from './scripts.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** What keys begin with; default `'sess:'`. A session's key is the prefix and its 43-character handle. */
  readonly prefix?: string
  /**
   * Makes endings, hard rotations and sign-ins wait for replicas, so that a failover does not undo them; too few in time:
   * {@link StoreAmbiguousError}. Default: none, and a failover may lose the last writes.
   */
  readonly replicated?: ReplicationOptions
}

/** Sessions in Redis. */
export interface RedisStore extends SessionStore, Scannable {}

/**
 * Sessions in Redis or Valkey, standalone or Cluster: one hash per session, which expires by itself, and one script and
 * round trip per operation. Rejects with the client's own errors.
 *
 * @throws ConfigError when an option cannot work
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): RedisStore {
  const { prefix = 'sess:', replicated } = options
  // The types are no help in plain JavaScript, and one client for both is an easy mistake.
  if (replicated !== undefined && (replicated.client as RedisClient | undefined) === client) {
    throw new ConfigError('redisStore: `replicated.client` must be another client: WAIT holds up its connection.')
  }
  return new HashStore(client, prefix, replicated === undefined ? null : new Replication(replicated))
}

class HashStore implements RedisStore {
  readonly durable = true
  readonly #client: RedisClient
  readonly #prefix: string
  readonly #replication: Replication | null

  constructor(client: RedisClient, prefix: string, replication: Replication | null) {
    this.#client = client
    this.#prefix = prefix
    this.#replication = replication
  }

  async get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    options?.signal?.throwIfAborted()
    return decode(id, await run(this.#client, scripts.get, this.#prefix + id, []))
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    return (await this.#write(scripts.create, record.id, encode(record), options)) === 1
  }

  async replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const reply = await this.#write(scripts.replace, record.id, [...encode(record), expected], options)
    return reply === 1 ? { ok: true } : { ok: false, current: decode(record.id, reply) }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    return (await this.#write(scripts.touch, id, [String(lastSeenAt), String(expiresAt)], options)) === 1
  }

  async *scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    for await (const ids of handles(this.#client, this.#prefix)) {
      for (const record of await Promise.all(ids.map((id) => this.get(id, options)))) if (record !== null) yield record
    }
  }

  async #write(script: scripts.Script, id: string, args: string[], options?: WriteOptions): Promise<unknown> {
    options?.signal?.throwIfAborted()
    const key = this.#prefix + id
    if (this.#replication === null || options?.durability !== 'replicated') return run(this.#client, script, key, args)
    return this.#replication.write(script, key, args, options.signal)
  }
}

/** The six fields of the hash. `data` has one of its own: carried unread, it is not parsed. */
function encode(record: SessionRecord): string[] {
  const { id: _, revision, state, lastSeenAt, expiresAt, data, ...rest } = record
  if (/\p{Surrogate}/u.test(data))
    throw new TypeError('redisStore: a lone surrogate in the data would not survive UTF-8.')
  return [revision, state, String(lastSeenAt), String(expiresAt), data, JSON.stringify(rest)]
}

function decode(id: string, reply: unknown): SessionRecord | null {
  // What the scripts answer: six texts, or six times nothing.
  const [revision, state, lastSeenAt, expiresAt, data, rest] = reply as (string | null)[]
  if (revision === null || revision === undefined) return null
  const instants = { lastSeenAt: Number(lastSeenAt), expiresAt: Number(expiresAt) }
  // `encode` took the record apart, and JSON kept its fields.
  return { ...JSON.parse(rest ?? ''), id, revision, state, ...instants, data } as SessionRecord
}
