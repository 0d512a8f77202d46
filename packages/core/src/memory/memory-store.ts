import { ConfigError } from '../errors.ts'
import type { SessionRecord } from '../kernel/record.ts'
import type { Evicting, Replaced, Scannable, SessionStore } from '../manager/ports.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Most records kept, default 100 000. Expired ones make room first, then tombstones, visitors, and the sessions closest to
   * their deadline; dropping one that has not been ended raises `evicted`.
   */
  readonly max?: number
}

/** Records looked at per new session to find expired ones: a constant price instead of a pause. */
const SWEEP = 4
/** Records looked at to choose which one has to go for room. */
const SAMPLE = 2000

/** Sessions in this process's memory: for development, tests and single processes whose users may be signed out by a restart. */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore & Evicting & Scannable {
  const { max = 100_000 } = options
  if (!Number.isSafeInteger(max) || max < 1) throw new ConfigError('memoryStore: `max` must be a positive integer.')
  return new MemoryStore(max)
}

class MemoryStore implements SessionStore, Evicting, Scannable {
  readonly durable = false
  readonly #max: number
  readonly #records = new Map<string, SessionRecord>()
  readonly #listeners = new Set<(handle: string) => void>()
  #cursor: IterableIterator<SessionRecord> = this.#records.values()
  /** The latest instant seen in any record: the store has no clock of its own. */
  #now = 0

  constructor(max: number) {
    this.#max = max
  }

  async get(id: string): Promise<SessionRecord | null> {
    const record = this.#records.get(id)
    return record === undefined ? null : copy(record)
  }

  async create(record: SessionRecord): Promise<boolean> {
    if (this.#records.has(record.id)) return false
    this.#now = Math.max(this.#now, record.createdAt)
    this.#sweep(SWEEP)
    if (this.#records.size >= this.#max) this.#makeRoom()
    this.#records.set(record.id, copy(record))
    return true
  }

  async replace(record: SessionRecord, expected: string): Promise<Replaced> {
    const current = this.#records.get(record.id)
    if (current === undefined) return { ok: false, current: null }
    if (current.revision !== expected) return { ok: false, current: copy(current) }
    this.#now = Math.max(this.#now, record.endedAt ?? record.lastSeenAt)
    const lastSeenAt = Math.max(current.lastSeenAt, record.lastSeenAt)
    const expiresAt = record.state === 'ended' ? record.expiresAt : Math.max(current.expiresAt, record.expiresAt)
    this.#records.set(record.id, { ...copy(record), lastSeenAt, expiresAt })
    return { ok: true }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number): Promise<boolean> {
    const current = this.#records.get(id)
    if (current === undefined || current.state === 'ended') return false
    this.#now = Math.max(this.#now, lastSeenAt)
    this.#records.set(id, {
      ...current,
      lastSeenAt: Math.max(current.lastSeenAt, lastSeenAt),
      expiresAt: Math.max(current.expiresAt, expiresAt),
    })
    return true
  }

  async *scan(): AsyncGenerator<SessionRecord> {
    for (const record of this.#records.values()) yield copy(record)
  }

  onEvict(listener: (handle: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Drops what has expired among the next few records; the cursor goes round and round. Returns the least of the others. */
  #sweep(count: number): SessionRecord | null {
    let least: SessionRecord | null = null
    for (let looked = 0; looked < count; looked += 1) {
      const record = this.#next()
      if (record === null) break
      if (this.#now >= record.expiresAt) this.#records.delete(record.id)
      else if (least === null || precedes(record, least)) least = record
    }
    return least
  }

  #next(): SessionRecord | null {
    let next = this.#cursor.next()
    if (next.done === true) {
      this.#cursor = this.#records.values()
      next = this.#cursor.next()
    }
    return next.done === true ? null : next.value
  }

  #makeRoom(): void {
    const victim = this.#sweep(Math.min(this.#max, SAMPLE))
    if (victim === null || this.#records.size < this.#max) return
    this.#records.delete(victim.id)
    if (victim.state !== 'ended') for (const listener of this.#listeners) listener(victim.id)
  }
}

/** Which of two records goes first for room: tombstones, then visitors, then whoever is closest to their deadline. */
function precedes(one: SessionRecord, other: SessionRecord): boolean {
  const rank = rankOf(one) - rankOf(other)
  return rank === 0 ? one.expiresAt < other.expiresAt : rank < 0
}

function rankOf({ state }: SessionRecord): number {
  if (state === 'ended') return 0
  return state === 'anonymous' ? 1 : 2
}

/** A record of its own, fields that this version does not know included. */
function copy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy) as T
  const result = { ...value } as Record<string, unknown>
  for (const key in result) {
    if (typeof result[key] === 'object') result[key] = copy(result[key])
  }
  // Every field was copied from `value`, so the copy has its type.
  return result as T
}
