import {
  type HeardEvent,
  isActivity,
  type SessEvent,
  type SessionEventListener,
  type SessionEventType,
} from './events.ts'

/** A listener of any type of event; the hub calls it with no other than it asked for. */
type Listener = SessionEventListener<SessionEventType>

interface Delivery {
  readonly event: SessEvent
  readonly listener: Listener
  /** The listeners it was one of: no more, and it is not called. */
  readonly among: ReadonlySet<Listener>
}

/** For how long listeners run before everything else gets a turn, in ms. */
const SLICE_MS = 10
/** So many deliveries behind, nothing else gets a turn until they are made: memory is bounded, and no event is lost. */
const BACKLOG = 10_000

/** Runs work in a task of its own. Taken when the module is loaded, so that a test's fake timers hold no events up. */
const soon = taskOf(globalThis as Platform)

/** Browsers and Workers have no `setImmediate`. */
interface Platform {
  readonly setImmediate?: (work: () => void) => unknown
}

function taskOf(platform: Platform): (work: () => void) => unknown {
  const later = setTimeout
  return platform.setImmediate ?? ((work) => later(work, 0))
}

/**
 * Fan-out of events, apart from the requests that cause them: listeners run in a task of their own, after the code that is
 * running now has come to a stop. They can neither hold up an answer, nor break a request or another listener.
 */
export class EventHub {
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #running = new Set<Promise<unknown>>()
  #queue: Delivery[] = []
  #next = 0
  #scheduled = false

  on<T extends SessionEventType | '*'>(type: T, listener: SessionEventListener<T>): () => void {
    // One entry per call, so that unsubscribing one leaves others with the same function alone. It gets no other type.
    const own: Listener = (event) => listener(event as HeardEvent<T>)
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(own))
    return () => void listeners.delete(own)
  }

  /** Whether anybody would be told of an event of this type. */
  hears(type: SessionEventType): boolean {
    return this.#listeners.size > 0 && this.#audience(type).some(({ size }) => size > 0)
  }

  emit(event: SessEvent): void {
    if (this.#listeners.size === 0) return
    for (const among of this.#audience(event.type)) {
      for (const listener of among) this.#queue.push({ event, listener, among })
    }
    if (!this.#scheduled && this.#queue.length > 0) this.#schedule()
  }

  /** Makes every delivery that is due, now; resolves when what the listeners returned has settled. */
  async flush(): Promise<void> {
    this.#deliver(Number.POSITIVE_INFINITY)
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #audience(type: SessionEventType): ReadonlySet<Listener>[] {
    const own = this.#listeners.get(type)
    const all = isActivity(type) ? undefined : this.#listeners.get('*')
    return [own, all].filter((listeners) => listeners !== undefined)
  }

  #schedule(): void {
    this.#scheduled = true
    soon(() => {
      this.#scheduled = false
      this.#deliver(SLICE_MS)
      if (this.#queue.length > 0) this.#schedule()
    })
  }

  /** A listener may cause events or flush: queue and place are looked at anew for each delivery. */
  #deliver(sliceMs: number): void {
    const until = performance.now() + sliceMs
    while (this.#next < this.#queue.length) {
      if (performance.now() >= until && this.#queue.length - this.#next < BACKLOG) break
      const { event, listener, among } = this.#queue[this.#next] as Delivery // the loop stops before its end
      this.#next += 1
      if (among.has(listener)) this.#call(listener, event)
    }
    this.#queue = this.#queue.slice(this.#next)
    this.#next = 0
  }

  #call(listener: Listener, event: SessEvent): void {
    const work = callSafely(() => listener(event), `a listener for '${event.type}'`)
    if (work === undefined) return
    this.#running.add(work)
    work.finally(() => this.#running.delete(work))
  }
}

/** Calls a function of the application: what it throws or rejects with goes to the console, and no further. */
export function callSafely(call: () => unknown, name: string): Promise<unknown> | undefined {
  const report = (error: unknown) => console.error(`sess: ${name} failed`, error)
  try {
    const returned = call() as Partial<PromiseLike<unknown>> | undefined | null
    if (typeof returned?.then === 'function') return Promise.resolve(returned).catch(report)
  } catch (error) {
    report(error)
  }
  return undefined
}
