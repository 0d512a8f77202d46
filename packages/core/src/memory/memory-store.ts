import { ConfigError } from '../errors.ts'
import type { SessionRecord } from '../kernel/record.ts'
import type {
  Admission,
  Admitted,
  EndingsFeed,
  Evicting,
  Replaced,
  Scannable,
  SessionStore,
  SubjectEntry,
  SubjectIndex,
} from '../manager/ports.ts'
import { makeRoom, type Place } from './admission.ts'
import { Subjects } from './subjects.ts'

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

/** Sessions in this process's memory. */
export interface MemoryStore extends SessionStore, SubjectIndex, EndingsFeed, Evicting, Scannable {}

/** Sessions in this process's memory: for development, tests and single processes whose users may be signed out by a restart. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { max = 100_000 } = options
  if (!Number.isSafeInteger(max) || max < 1) throw new ConfigError('memoryStore: `max` must be a positive integer.')
  return new Memory(max)
}

class Memory implements MemoryStore {
  readonly durable = false
  readonly #max: number
  readonly #records = new Map<string, SessionRecord>()
  readonly #subjects = new Subjects()
  /** Admitted and not created yet, by handle. */
  readonly #announced = new Map<string, Announced>()
  /** Handles of sessions that have to go. */
  readonly #marked = new Set<string>()
  readonly #evictions = new Set<Listener>()
  readonly #endings = new Set<Listener>()
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
    this.#announced.delete(record.id)
    if (record.state === 'ended') this.#over(record)
    else if (record.subject !== null) this.#subjects.add(record.subject, record.id)
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
    if (record.state === 'ended') this.#over(record)
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

  async *listBySubject(subject: string, abandonedBefore: number): AsyncGenerator<SubjectEntry> {
    for (const id of this.#subjects.of(subject)) {
      const record = this.#records.get(id)
      if (record !== undefined) yield { id, record: copy(record) }
      else if (this.#awaited(id, subject, abandonedBefore)) yield { id, record: null }
    }
  }

  async admit(admission: Admission): Promise<Admitted> {
    const { subject, id, at, deadline, abandonedBefore } = admission
    const places = this.#places(subject, abandonedBefore)
    const victims = makeRoom(places, admission)
    for (const victim of victims ?? []) this.#marked.add(victim)
    if (victims !== null && !this.#records.has(id) && !this.#announced.has(id)) {
      this.#announced.set(id, { at, deadline })
      this.#subjects.add(subject, id)
    }
    const evicted = places.filter((place) => this.#marked.has(place.id)).map((place) => place.id)
    return { ok: victims !== null, evicted }
  }

  onEvict(listener: Listener): () => void {
    return subscribe(this.#evictions, listener)
  }

  onEnding(listener: Listener): () => void {
    return subscribe(this.#endings, listener)
  }

  /** Whether an announced session may still be created; if not, it is forgotten. */
  #awaited(id: string, subject: string, abandonedBefore: number): boolean {
    const announced = this.#announced.get(id)
    if (announced !== undefined && announced.at >= abandonedBefore) return true
    this.#forget(id, subject)
    return false
  }

  #places(subject: string, abandonedBefore: number): Place[] {
    const places: Place[] = []
    for (const id of this.#subjects.of(subject)) {
      const record = this.#records.get(id)
      const announced = this.#announced.get(id)
      const marked = this.#marked.has(id)
      if (record !== undefined) places.push({ id, since: record.createdAt, deadline: record.absoluteAt, marked })
      else if (announced !== undefined && this.#awaited(id, subject, abandonedBefore)) {
        places.push({ id, since: announced.at, deadline: announced.deadline, marked })
      }
    }
    return places
  }

  #over({ id, subject }: SessionRecord): void {
    this.#forget(id, subject)
    tell(this.#endings, id)
  }

  #forget(id: string, subject: string | null): void {
    this.#announced.delete(id)
    this.#marked.delete(id)
    if (subject !== null) this.#subjects.remove(subject, id)
  }

  #drop({ id, subject }: SessionRecord): void {
    this.#records.delete(id)
    this.#forget(id, subject)
  }

  /** Drops what has expired among the next few records; the cursor goes round and round. Returns the least of the others. */
  #sweep(count: number): SessionRecord | null {
    let least: SessionRecord | null = null
    for (let looked = 0; looked < count; looked += 1) {
      const record = this.#next()
      if (record === null) break
      if (this.#now >= record.expiresAt) this.#drop(record)
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
    this.#drop(victim)
    if (victim.state !== 'ended') tell(this.#evictions, victim.id)
  }
}

interface Announced {
  readonly at: number
  readonly deadline: number
}

type Listener = (handle: string) => void

function subscribe(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Neither the write nor the other listeners suffer from one that throws. */
function tell(listeners: Set<Listener>, handle: string): void {
  for (const listener of listeners) {
    try {
      listener(handle)
    } catch (error) {
      console.error('sess: a listener of the memory store failed', error)
    }
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
