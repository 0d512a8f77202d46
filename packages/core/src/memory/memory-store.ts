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
import { expiryOf, type PackedRecord, pack, packTouched, rankOf, TOMBSTONE, unpack } from './packed-record.ts'
import { Shards } from './shards.ts'
import { Subjects } from './subjects.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Most records kept, default 100 000. Expired ones make room first, then tombstones, visitors, and the sessions closest to
   * their deadline, out of a sample of 500; dropping one that has not been ended raises `evicted`. Somebody signed in with
   * 100 characters of data takes about 400 bytes.
   */
  readonly max?: number
}

/** Records looked at per new session to find expired ones: however many there are, that is no pause. */
const SWEEP = 4
/** Records looked at to choose which one has to go for room. */
const SAMPLE = 500

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
  readonly #records: Shards<PackedRecord>
  readonly #subjects: Subjects
  /** Admitted and not created yet, by handle. */
  readonly #announced = new Map<string, Announced>()
  /** Handles of sessions that have to go. */
  readonly #marked = new Set<string>()
  readonly #evictions = new Set<Listener>()
  readonly #endings = new Set<Listener>()
  #cursor: Iterator<[string, PackedRecord]>
  /** The latest instant seen in any record: the store has no clock of its own. */
  #now = 0

  constructor(max: number) {
    this.#max = max
    this.#records = new Shards(max)
    this.#subjects = new Subjects(max)
    this.#cursor = this.#records[Symbol.iterator]()
  }

  async get(id: string): Promise<SessionRecord | null> {
    return this.#read(id)
  }

  async create(record: SessionRecord): Promise<boolean> {
    const { id, state } = record
    if (this.#records.has(id)) return false
    this.#now = Math.max(this.#now, record.createdAt)
    this.#sweep(SWEEP)
    if (this.#records.size >= this.#max) this.#makeRoom()
    const packed = pack(record)
    this.#records.set(id, packed)
    this.#announced.delete(id)
    // The subject as unpacked is no part of a larger text that it would keep.
    const { subject } = unpack(id, packed)
    if (state === 'ended') this.#over(id, subject)
    else if (subject !== null) this.#subjects.add(subject, id)
    return true
  }

  async replace(record: SessionRecord, expected: string): Promise<Replaced> {
    const { id, state, subject } = record
    const current = this.#read(id)
    if (current?.revision !== expected) return { ok: false, current }
    this.#now = Math.max(this.#now, record.endedAt ?? record.lastSeenAt)
    const lastSeenAt = Math.max(current.lastSeenAt, record.lastSeenAt)
    const expiresAt = state === 'ended' ? record.expiresAt : Math.max(current.expiresAt, record.expiresAt)
    this.#records.set(id, pack({ ...record, lastSeenAt, expiresAt }))
    if (state === 'ended') this.#over(id, subject)
    return { ok: true }
  }

  async touch(id: string, lastSeenAt: number, expiresAt: number): Promise<boolean> {
    const current = this.#records.get(id)
    if (current === undefined || rankOf(current) === TOMBSTONE) return false
    this.#now = Math.max(this.#now, lastSeenAt)
    this.#records.set(id, packTouched(current, lastSeenAt, expiresAt))
    return true
  }

  async *scan(): AsyncGenerator<SessionRecord> {
    for (const [id, packed] of this.#records) yield unpack(id, packed)
  }

  async *listBySubject(subject: string, abandonedBefore: number): AsyncGenerator<SubjectEntry> {
    for (const id of this.#subjects.of(subject)) {
      const record = this.#read(id)
      if (record !== null) yield { id, record }
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
      const record = this.#read(id)
      const announced = this.#announced.get(id)
      const marked = this.#marked.has(id)
      if (record !== null) places.push({ id, since: record.createdAt, deadline: record.absoluteAt, marked })
      else if (announced !== undefined && this.#awaited(id, subject, abandonedBefore)) {
        places.push({ id, since: announced.at, deadline: announced.deadline, marked })
      }
    }
    return places
  }

  #read(id: string): SessionRecord | null {
    const packed = this.#records.get(id)
    return packed === undefined ? null : unpack(id, packed)
  }

  #over(id: string, subject: string | null): void {
    this.#forget(id, subject)
    tell(this.#endings, id)
  }

  #forget(id: string, subject: string | null): void {
    this.#announced.delete(id)
    this.#marked.delete(id)
    if (subject !== null) this.#subjects.remove(subject, id)
  }

  #drop(id: string, packed: PackedRecord): void {
    this.#records.delete(id)
    this.#forget(id, unpack(id, packed).subject)
  }

  /** Drops what has expired among the next few records; the cursor goes round and round. Returns the least of the others. */
  #sweep(count: number): Candidate | null {
    let least: Candidate | null = null
    for (let looked = 0; looked < count; looked += 1) {
      const next = this.#next()
      if (next === null) break
      const [id, packed] = next
      const candidate = { id, packed, rank: rankOf(packed), expiresAt: expiryOf(packed) }
      if (this.#now >= candidate.expiresAt) this.#drop(id, packed)
      else if (least === null || precedes(candidate, least)) least = candidate
    }
    return least
  }

  #next(): [string, PackedRecord] | null {
    let next = this.#cursor.next()
    if (next.done === true) {
      this.#cursor = this.#records[Symbol.iterator]()
      next = this.#cursor.next()
    }
    return next.done === true ? null : next.value
  }

  #makeRoom(): void {
    const victim = this.#sweep(Math.min(this.#max, SAMPLE))
    if (victim === null || this.#records.size < this.#max) return
    this.#drop(victim.id, victim.packed)
    if (victim.rank !== TOMBSTONE) tell(this.#evictions, victim.id)
  }
}

/** A record that may have to go for room. */
interface Candidate {
  readonly id: string
  readonly packed: PackedRecord
  readonly rank: number
  readonly expiresAt: number
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
function precedes(one: Candidate, other: Candidate): boolean {
  return one.rank === other.rank ? one.expiresAt < other.expiresAt : one.rank < other.rank
}
