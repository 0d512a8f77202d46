import type {
  EndingsFeed,
  Evicting,
  Prunable,
  ReadOptions,
  Replaced,
  Scannable,
  SessionRecord,
  SessionStore,
  SubjectEntry,
  SubjectIndex,
  WriteOptions,
} from '@sess/core'
import { type Gate, Held } from './gate.ts'

type Calls = Record<PortOperation, number> & Partial<Record<IndexOperation, number>>
type PortOperation = 'get' | 'create' | 'replace' | 'touch'
type IndexOperation = 'admit' | 'listBySubject'

/** An operation of the store port, or of the index of subjects where the store has one. */
export type StoreOperation = PortOperation | IndexOperation

/** One call that reached the store, as {@link UnreliableStore.log} keeps it. */
export interface StoreCall {
  readonly operation: StoreOperation
  /** Id of the record; for `listBySubject` the subject. */
  readonly id: string
  /** What was to be written, for `create` and `replace`; else null. */
  readonly record: SessionRecord | null
  readonly durability: 'replicated' | null
  /** Whether the underlying store has done it, whatever the caller was told. */
  readonly applied: boolean
  /** What the caller was told so far. */
  readonly answer: 'none' | 'resolved' | 'rejected'
}

/** Which calls a command is for. */
export interface Which {
  /** How many calls, default 1. `Infinity`: until {@link UnreliableStore.reset}. */
  readonly times?: number
  /** Only calls for which this is true; default all. Others neither count nor suffer. */
  readonly when?: (call: StoreCall) => boolean
}

/** Runs beside a call, with the underlying store: its own operations are neither counted nor disturbed. */
export type Hook = (store: SessionStore, call: StoreCall) => unknown

/** Powers that a store may have beyond the port. */
type Powers = SubjectIndex & EndingsFeed & Scannable & Prunable & Evicting
type Fault = <T>(apply: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>
type Entry = { -readonly [K in keyof StoreCall]: StoreCall[K] }

interface Command<Act> {
  readonly operation: StoreOperation | 'any'
  readonly when: (call: StoreCall) => boolean
  readonly act: Act
  left: number
}

/**
 * A store that fails on command, counts and remembers. It passes everything through until told otherwise. Every command is
 * for the next matching call; faults of one operation are used up in the order given, one per call. A {@link before} and an
 * {@link after} hook may go with a fault: `after` and `loseAcknowledgement` together are a lost answer with another writer
 * between.
 *
 * It has the powers that the underlying store has. Commands are for the port and for the index of subjects, where a list
 * suffers as a whole; `scan`, `prune` and the feeds go straight through.
 */
export class UnreliableStore implements SessionStore, Partial<Powers> {
  declare readonly listBySubject?: SubjectIndex['listBySubject']
  declare readonly admit?: SubjectIndex['admit']
  declare readonly onEnding?: EndingsFeed['onEnding']
  declare readonly onEvict?: Evicting['onEvict']
  declare readonly scan?: Scannable['scan']
  declare readonly prune?: Prunable['prune']
  readonly #store: SessionStore
  #faults: Command<Fault>[] = []
  #before: Command<Hook>[] = []
  #after: Command<Hook>[] = []
  #log: Entry[] = []

  constructor(store: SessionStore & Partial<Powers>) {
    this.#store = store
    for (const power of ['onEnding', 'onEvict', 'scan', 'prune'] as const) {
      if (typeof store[power] === 'function') Object.assign(this, { [power]: store[power].bind(store) })
    }
    const { listBySubject, admit } = store
    if (listBySubject === undefined || admit === undefined) return
    this.listBySubject = (subject, abandonedBefore, options) =>
      this.#list(subject, options, () => listBySubject.call(store, subject, abandonedBefore, options))
    this.admit = (admission, options) =>
      this.#call(entry('admit', admission.id, null, options), options, () => admit.call(store, admission, options))
  }

  get durable(): boolean {
    return this.#store.durable
  }

  /** Calls so far, by operation; `admit` and `listBySubject` only once there was one. */
  get calls(): Readonly<Calls> {
    const counts: Calls = { get: 0, create: 0, replace: 0, touch: 0 }
    for (const { operation } of this.#log) counts[operation] = (counts[operation] ?? 0) + 1
    return counts
  }

  /** Calls so far, oldest first. */
  get log(): readonly StoreCall[] {
    return this.#log
  }

  /** Forgets all commands, counts and the log. Calls behind a gate stay there until it opens. */
  reset(): void {
    this.#faults = []
    this.#before = []
    this.#after = []
    this.#log = []
  }

  /** Rejects before anything is applied. */
  fail(operation: StoreOperation | 'any', which: Which = {}): void {
    this.#fault(operation, which, () => Promise.reject(new Error('unreliable store: failed')))
  }

  /** Applies the call and then rejects: the writer cannot know. */
  loseAcknowledgement(operation: StoreOperation | 'any', which: Which = {}): void {
    this.#fault(operation, which, async (apply) => {
      await apply()
      throw new Error('unreliable store: applied, acknowledgement lost')
    })
  }

  /** Never applies and never answers, but rejects when the call's AbortSignal aborts. */
  hang(operation: StoreOperation | 'any', which: Which = {}): void {
    this.#fault(operation, which, (_apply, signal) => untilAborted(signal))
  }

  /** Neither applies nor answers until the gate opens. An AbortSignal does not call it back: it is on its way. */
  hold(operation: StoreOperation | 'any', which: Which = {}): Gate {
    const gate = new Held()
    this.#fault(operation, which, (apply) => gate.pass(apply))
    return gate
  }

  /** Rejects now and applies when the gate opens: a write that overtakes what followed it. */
  applyLate(operation: StoreOperation | 'any', which: Which = {}): Gate {
    const gate = new Held()
    this.#fault(operation, which, (apply) => {
      // Nobody waits for this answer any more: the caller has been told that it failed.
      gate.pass(apply).catch(() => {})
      return Promise.reject(new Error('unreliable store: failed, applied late'))
    })
    return gate
  }

  /** Runs `hook`, and waits for it, right before a call is applied: another writer in between, or a delay. */
  before(operation: StoreOperation | 'any', hook: Hook, which: Which = {}): void {
    this.#before.push(command(operation, which, hook))
  }

  /** Runs `hook`, and waits for it, when a call has been applied and not yet answered. */
  after(operation: StoreOperation | 'any', hook: Hook, which: Which = {}): void {
    this.#after.push(command(operation, which, hook))
  }

  get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    return this.#call(entry('get', id, null, options), options, () => this.#store.get(id, options))
  }

  create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    return this.#call(entry('create', record.id, record, options), options, () => this.#store.create(record, options))
  }

  replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    const call = entry('replace', record.id, record, options)
    return this.#call(call, options, () => this.#store.replace(record, expected, options))
  }

  touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    const call = entry('touch', id, null, options)
    return this.#call(call, options, () => this.#store.touch(id, lastSeenAt, expiresAt, options))
  }

  async *#list(
    subject: string,
    options: ReadOptions | undefined,
    forward: () => AsyncIterable<SubjectEntry>,
  ): AsyncGenerator<SubjectEntry> {
    const collect = async (): Promise<SubjectEntry[]> => {
      const entries: SubjectEntry[] = []
      for await (const each of forward()) entries.push(each)
      return entries
    }
    yield* await this.#call(entry('listBySubject', subject, null, options), options, collect)
  }

  #fault(operation: StoreOperation | 'any', which: Which, act: Fault): void {
    this.#faults.push(command(operation, which, act))
  }

  async #call<T>(call: Entry, options: WriteOptions | undefined, forward: () => Promise<T>): Promise<T> {
    const before = take(this.#before, call)
    const after = take(this.#after, call)
    const fault = take(this.#faults, call)
    this.#log.push(call)
    const apply = async (): Promise<T> => {
      await before?.(this.#store, call)
      const result = await forward()
      call.applied = true
      await after?.(this.#store, call)
      return result
    }
    try {
      const result = await (fault === undefined ? apply() : fault(apply, options?.signal))
      call.answer = 'resolved'
      return result
    } catch (error) {
      call.answer = 'rejected'
      throw error
    }
  }
}

function command<Act>(operation: StoreOperation | 'any', which: Which, act: Act): Command<Act> {
  return { operation, when: which.when ?? (() => true), act, left: which.times ?? 1 }
}

function take<Act>(commands: readonly Command<Act>[], call: StoreCall): Act | undefined {
  const fits = ({ operation, left }: Command<Act>) => left > 0 && (operation === 'any' || operation === call.operation)
  const found = commands.find((each) => fits(each) && each.when(call))
  if (found !== undefined) found.left -= 1
  return found?.act
}

function entry(operation: StoreOperation, id: string, record: SessionRecord | null, options?: WriteOptions): Entry {
  // Records are plain data, and the log must show them as they were when the call came.
  const copied = record === null ? null : structuredClone(record)
  return { operation, id, record: copied, durability: options?.durability ?? null, applied: false, answer: 'none' }
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason)
    else signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
