import { idleDeadline } from '../kernel/expire.ts'
import type { SessionRecord } from '../kernel/record.ts'
import { touch } from '../kernel/touch.ts'
import { type Ending, type EndingReason, endingOf } from './ending.ts'
import type { Engine } from './engine.ts'
import type { SessEvent } from './events.ts'
import { emit, reportFailure } from './load.ts'
import type { EndingsFeed, ReadOptions } from './ports.ts'
import { callStore, withBudget } from './store-gate.ts'
import { letGo } from './timers.ts'

/** Somebody who wants to know when a session is over. */
export interface Watching {
  /** The session is over; called once. */
  end(ending: Ending): void
  /** Whether anybody can still hear it. */
  heard(): boolean
  /** Counts as activity, as long as it watches. */
  readonly keepAlive: boolean
}

/** How often watched sessions are looked at: what deadlines are late by, and endings in other processes where no feed tells. */
const TICK_MS = 400
/** How often a store is read that tells by itself, for what was said while its connection was lost. */
const FEED_POLL_MS = 10_000
/** How many records are read at a time. */
const PARALLEL = 16

/** A session that somebody watches. */
class Watched {
  readonly id: string
  readonly watching: Set<Watching> = new Set()
  /** As it was last read. */
  record: SessionRecord | null = null
  /** When it has to be read whatever anybody says, by the clock. What has not been read yet is due. */
  dueAt: number = Number.NEGATIVE_INFINITY
  /** Somebody said that it is over, and at the next tick it is read once more. */
  hinted = false

  constructor(id: string) {
    this.id = id
  }

  get keepAlive(): boolean {
    for (const { keepAlive } of this.watching) if (keepAlive) return true
    return false
  }
}

/**
 * Tells when sessions are over: at once for what this process ends, soon for what others do. Whatever it is told is a hint;
 * the record decides, and a store that fails has ended nothing. One timer for all; it keeps no process alive, and nothing
 * runs while nobody watches.
 */
export class Watcher {
  readonly #engine: Engine
  readonly #watched = new Map<string, Watched>()
  readonly #owed = new Set<Watched>()
  #reading = 0
  #polledAt = 0
  #failing = false
  #stops: (() => void)[] = []

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Watches the session of this handle from now on; the function that stops it. */
  watch(id: string, watching: Watching): () => void {
    if (this.#watched.size === 0) this.#start()
    const watched = this.#watched.get(id) ?? new Watched(id)
    this.#watched.set(id, watched)
    watched.watching.add(watching)
    this.#ask(watched)
    return () => this.#release(watched, watching)
  }

  #release(watched: Watched, watching: Watching): void {
    watched.watching.delete(watching)
    if (watched.watching.size === 0 && this.#watches(watched)) this.#forget(watched)
  }

  #watches(watched: Watched): boolean {
    return this.#watched.get(watched.id) === watched
  }

  #forget(watched: Watched): void {
    this.#watched.delete(watched.id)
    this.#owed.delete(watched)
    if (this.#watched.size === 0) for (const stop of this.#stops.splice(0)) stop()
  }

  #start(): void {
    const { hub, store } = this.#engine
    const { onEnding } = store as typeof store & Partial<EndingsFeed>
    const pollMs = onEnding === undefined ? 0 : FEED_POLL_MS
    const timer = setInterval(() => this.#tick(pollMs), TICK_MS)
    letGo(timer)
    this.#polledAt = performance.now()
    this.#stops = [
      () => clearInterval(timer),
      hub.on('ended', (event) => this.#told(event, event.reason)),
      hub.on('evicted', (event) => this.#told(event, 'gone')),
      hub.on('locked', ({ handle }) => this.#hint(handle)),
    ]
    if (onEnding !== undefined) this.#stops.push(onEnding.call(store, (handle) => this.#hint(handle)))
  }

  /** This process has done it itself. */
  #told({ handle, subject, at }: SessEvent, reason: EndingReason): void {
    const watched = this.#find(handle)
    if (watched !== undefined) this.#end(watched, { handle: watched.id, subject, reason, at })
  }

  /** Looks now, and once more at the next tick: a hint may come before what it tells of can be read. */
  #hint(handle: string | null): void {
    const watched = this.#find(handle)
    if (watched === undefined) return
    watched.hinted = true
    this.#ask(watched)
  }

  #find(handle: string | null): Watched | undefined {
    return this.#watched.get(handle as string) // null is no key
  }

  #tick(pollMs: number): void {
    const now = this.#engine.clock.now()
    const polls = performance.now() - this.#polledAt >= pollMs
    if (polls) this.#polledAt = performance.now()
    for (const watched of this.#watched.values()) {
      for (const watching of watched.watching) if (!watching.heard()) this.#release(watched, watching)
      if (polls || watched.hinted || now >= watched.dueAt) this.#ask(watched)
      watched.hinted = false
    }
  }

  #ask(watched: Watched): void {
    this.#owed.add(watched)
    this.#readNext()
  }

  #readNext(): void {
    for (const watched of this.#owed) {
      if (this.#reading >= PARALLEL) return
      this.#owed.delete(watched)
      if (!this.#watches(watched)) continue
      this.#reading += 1
      void this.#look(watched).finally(() => {
        this.#reading -= 1
        this.#readNext()
      })
    }
  }

  /** Reads one record, and judges it. */
  async #look(watched: Watched): Promise<void> {
    const { clock, policy } = this.#engine
    const { id } = watched
    // Written once, so it needs no reading.
    if (watched.record !== null && clock.now() >= watched.record.absoluteAt) {
      return this.#end(watched, endingOf(id, watched.record, policy, clock.now()) as Ending) // past its deadline
    }
    const read = await this.#call('get', watched.record, (options) => this.#engine.store.get(id, options))
    if (read === undefined || !this.#watches(watched)) return
    const ending = endingOf(id, read, policy, clock.now())
    if (ending !== null) return this.#end(watched, ending)
    watched.record = read as SessionRecord // one that is missing has ended
    if (watched.keepAlive) await this.#keepAlive(watched, watched.record)
    watched.dueAt = this.#dueAt(watched, watched.record)
  }

  /** Counts the watching as activity, as often as requests would be. */
  async #keepAlive(watched: Watched, record: SessionRecord): Promise<void> {
    const { clock, policy, store } = this.#engine
    const now = clock.now()
    if (now - record.lastSeenAt < policy.touchEveryMs) return
    const next = touch(record, policy, now)
    const { lastSeenAt, expiresAt } = next
    const there = await this.#call('touch', record, (options) => store.touch(record.id, lastSeenAt, expiresAt, options))
    if (there === true) {
      watched.record = next
      emit(this.#engine, 'touched', next, {})
    } else if (there === false) watched.hinted = true
  }

  #dueAt({ keepAlive }: Watched, record: SessionRecord): number {
    const { policy } = this.#engine
    const deadline = idleDeadline(record, policy)
    return keepAlive ? Math.min(deadline, record.lastSeenAt + policy.touchEveryMs) : deadline
  }

  /** One store call. Undefined when it failed, which is told once until one succeeds again. */
  async #call<T>(
    operation: string,
    record: SessionRecord | null,
    call: (options: ReadOptions) => Promise<T>,
  ): Promise<T | undefined> {
    const engine = this.#engine
    try {
      const answer = await withBudget(engine.storeTimeoutMs, (budget) => callStore(engine, budget, operation, call))
      this.#failing = false
      return answer
    } catch (error) {
      if (!this.#failing) reportFailure(engine, operation, record, false, error)
      this.#failing = true
      return undefined
    }
  }

  #end(watched: Watched, ending: Ending): void {
    this.#forget(watched)
    for (const watching of watched.watching) watching.end(ending)
  }
}

const watchers = new WeakMap<Engine, Watcher>()

/** The one that watches for these sessions. */
export function watcherOf(engine: Engine): Watcher {
  const watcher = watchers.get(engine) ?? new Watcher(engine)
  watchers.set(engine, watcher)
  return watcher
}
