import { ConfigError } from '../errors.ts'
import type { EventHub } from './event-hub.ts'
import type { HeardEvent, SessionEventType } from './events.ts'

/** Options of `sessions.events()`. */
export interface EventsOptions {
  /** Ends the iteration when it aborts; what is waiting is given up. */
  readonly signal?: AbortSignal
  /** Most events that wait for a slow reader, default 1000. One more, and the oldest goes. */
  readonly max?: number
}

/** An event of a stream. `dropped` says how many were lost right before it because the reader was too slow; normally 0. */
export type StreamedEvent<T extends SessionEventType | '*' = '*'> = HeardEvent<T> & { readonly dropped: number }

/** Events as an async iterator, heard from the moment it was made until it is returned or its signal aborts. */
export class EventStream<T extends SessionEventType | '*'> implements AsyncIterableIterator<StreamedEvent<T>> {
  readonly #max: number
  readonly #stop: () => void
  readonly #readers: ((result: IteratorResult<StreamedEvent<T>>) => void)[] = []
  #waiting: HeardEvent<T>[] = []
  #dropped = 0
  #over = false

  constructor(hub: EventHub, type: T, { signal, max = 1000 }: EventsOptions) {
    if (!Number.isSafeInteger(max) || max < 1) throw new ConfigError('events(…, { max }) must be a positive integer.')
    this.#max = max
    const unsubscribe = hub.on(type, (event) => this.#push(event))
    const end = () => this.#end()
    this.#stop = () => {
      unsubscribe()
      signal?.removeEventListener('abort', end)
    }
    if (signal?.aborted === true) this.#end()
    else signal?.addEventListener('abort', end)
  }

  async next(): Promise<IteratorResult<StreamedEvent<T>>> {
    if (this.#over) return { done: true, value: undefined }
    const event = this.#waiting.shift()
    if (event === undefined) return new Promise((resolve) => this.#readers.push(resolve))
    return { done: false, value: this.#counted(event) }
  }

  async return(): Promise<IteratorResult<StreamedEvent<T>>> {
    this.#end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #push(event: HeardEvent<T>): void {
    const reader = this.#readers.shift()
    if (reader !== undefined) return void reader({ done: false, value: this.#counted(event) })
    this.#waiting.push(event)
    if (this.#waiting.length <= this.#max) return
    this.#waiting.shift()
    this.#dropped += 1
  }

  #counted(event: HeardEvent<T>): StreamedEvent<T> {
    const dropped = this.#dropped
    this.#dropped = 0
    return { ...event, dropped }
  }

  #end(): void {
    this.#over = true
    this.#stop()
    this.#waiting = []
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined })
  }
}
