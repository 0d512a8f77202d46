import { createHash } from 'node:crypto'
import type { Admission, Admitted, ReadOptions, Replaced, SessionRecord, SubjectEntry, WriteOptions } from '@sess/core'
import { ConfigError, type EndingsFeed, type Scannable, type SessionStore, type SubjectIndex } from '@sess/core'
import { refusing } from '@sess/core/store'
import { pages, type RedisClient, run } from './client.ts'
import { type EndingsOptions, endingsFeed } from './endings.ts'
import { type ReplicationOptions, replicatedWrites } from './replication.ts'
import { handles } from './scan.ts'
import * as scripts from './scripts.ts'
import * as subjects from './subject-scripts.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** What keys and the channel begin with; default `'sess:'`. A session's key is the prefix and its 43-character handle. */
  readonly prefix?: string
  /**
   * Makes endings, hard rotations and sign-ins wait for replicas, so that a failover does not undo them; too few in time:
   * {@link StoreAmbiguousError}. Default: none, and a failover may lose the last writes.
   */
  readonly replicated?: ReplicationOptions
  /**
   * Makes the store an {@link EndingsFeed}. Default: it is none. Every store publishes endings on the channel
   * `<prefix>ended`, with this option or without.
   */
  readonly endings?: EndingsOptions
}

/** Sessions in Redis. */
export interface RedisStore extends SessionStore, SubjectIndex, Scannable {}

/**
 * Sessions in Redis or Valkey, standalone or Cluster: one hash per session, which expires by itself, and one script and
 * round trip per operation; one more for `create()` of a session with a subject. Rejects with the client's own errors.
 *
 * @throws ConfigError when an option cannot work
 */
export function redisStore(
  client: RedisClient,
  options: RedisStoreOptions & { readonly endings: EndingsOptions },
): RedisStore & EndingsFeed
export function redisStore(client: RedisClient, options?: RedisStoreOptions): RedisStore
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): RedisStore {
  const { prefix = 'sess:', replicated, endings } = options
  const clients = [client, replicated?.client, endings?.client].filter((each) => each !== undefined)
  if (new Set(clients).size < clients.length) {
    throw new ConfigError(
      'redisStore: `replicated.client` and `endings.client` must each be another client: `duplicate()`.',
    )
  }
  const store = new HashStore(client, prefix, replicated === undefined ? undefined : replicatedWrites(replicated))
  return endings === undefined ? store : Object.assign(store, endingsFeed(endings.client, `${prefix}ended`))
}

class HashStore implements RedisStore {
  readonly durable = true
  readonly #client: RedisClient
  readonly #prefix: string
  readonly #replicated: ReturnType<typeof replicatedWrites> | undefined

  constructor(client: RedisClient, prefix: string, replicated: ReturnType<typeof replicatedWrites> | undefined) {
    this.#client = client
    this.#prefix = prefix
    this.#replicated = replicated
  }

  async get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    options?.signal?.throwIfAborted()
    return decode(id, await run(this.#client, scripts.get, [this.#prefix + id], []))
  }

  async create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    const { id, subject, state, createdAt, absoluteAt } = record
    if (subject !== null && state !== 'ended') {
      const args = [id, String(createdAt), String(absoluteAt)]
      await this.#write(subjects.announce, this.#subjectKey(subject), args, options)
    }
    return (await this.#put(record, options)) === 1
  }

  async replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const reply = await this.#put(record, options, expected)
    return reply === 1 ? { ok: true } : { ok: false, current: decode(record.id, reply) }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    const args = [String(lastSeenAt), String(expiresAt)]
    return (await this.#write(scripts.touch, this.#prefix + id, args, options)) === 1
  }

  async *listBySubject(subject: string, abandonedBefore: number, options?: ReadOptions): AsyncGenerator<SubjectEntry> {
    options?.signal?.throwIfAborted()
    const key = this.#subjectKey(subject)
    const seen = new Set<string>()
    for await (const page of pages<[id: string, announced: string]>(this.#client, subjects.page, [key])) {
      const read = page.map(async ([id, announced]) => ({ id, announced, record: await this.get(id, options) }))
      const over: string[] = []
      const listed: SubjectEntry[] = []
      for (const { id, announced, record } of await Promise.all(read)) {
        const isOver = record === null ? Number(announced) < abandonedBefore : record.state === 'ended'
        if (isOver) over.push(id)
        else if (!seen.has(id)) listed.push({ id, record })
        seen.add(id)
      }
      if (over.length > 0) await run(this.#client, subjects.forget, [key], [String(abandonedBefore), ...over])
      yield* listed
    }
  }

  async admit(admission: Admission, options?: WriteOptions): Promise<Admitted> {
    const { subject, id, at, deadline, limit, uncounted, victims } = admission
    const args = [id, String(at), String(deadline), String(limit), JSON.stringify(uncounted), JSON.stringify(victims)]
    const reply = await this.#write(subjects.admit, this.#subjectKey(subject), args, options)
    const [admitted, evicted] = reply as [number, string[]] // What the script answers.
    return { ok: admitted === 1, evicted }
  }

  async *scan(options?: ReadOptions): AsyncGenerator<SessionRecord> {
    for await (const ids of handles(this.#client, this.#prefix)) {
      for (const record of await Promise.all(ids.map((id) => this.get(id, options)))) if (record !== null) yield record
    }
  }

  #put(record: SessionRecord, options: WriteOptions | undefined, ...expected: string[]): Promise<unknown> {
    const args = [...encode(record), `${this.#prefix}ended`, ...expected]
    return this.#write(scripts.put, this.#prefix + record.id, args, options)
  }

  async #write(script: scripts.Script, key: string, args: string[], options?: WriteOptions): Promise<unknown> {
    options?.signal?.throwIfAborted()
    const replicated = options?.durability === 'replicated' ? this.#replicated : undefined
    return replicated?.(script, key, args, options?.signal) ?? run(this.#client, script, [key], args)
  }

  /** Longer than any session's key. A digest, so that any text will do; of UTF-16, so that no two texts have the same. */
  #subjectKey(subject: string): string {
    return `${this.#prefix}subject:${createHash('sha256').update(subject, 'utf16le').digest('base64url')}`
  }
}

const refuse = refusing('redisStore', /\p{Surrogate}/u)

/** The six fields of the hash, and the id. `data` has a field of its own: carried unread, it is not parsed. */
function encode({ id, revision, state, lastSeenAt, expiresAt, data, ...rest }: SessionRecord): string[] {
  refuse({ data })
  return [revision, state, String(lastSeenAt), String(expiresAt), data, JSON.stringify(rest), id]
}

function decode(id: string, reply: unknown): SessionRecord | null {
  // What the scripts answer: six texts, or six times nothing.
  const [revision, state, lastSeenAt, expiresAt, data, rest] = reply as (string | null)[]
  if (revision === null || revision === undefined) return null
  const instants = { lastSeenAt: Number(lastSeenAt), expiresAt: Number(expiresAt) }
  // `encode` took the record apart, and JSON kept its fields.
  return { ...JSON.parse(rest ?? ''), id, revision, state, ...instants, data } as SessionRecord
}
