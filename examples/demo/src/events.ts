import { Readable } from 'node:stream'
import { type SessEvent, type Session, SessionEndedError, type Sessions } from '@sess/core'
import { type Html, html } from './html.ts'
import type { DemoData } from './sessions.ts'
import { whyLine } from './why.ts'

interface Entry {
  readonly number: number
  readonly event: SessEvent
}

const KEPT = 50
const HEARTBEAT_MS = 15_000
/** A reader this far behind is cut off; it reconnects and gets what is kept. */
const BACKLOG_CHARACTERS = 64 * 1024

/** Remembers the latest lifecycle events, and streams them to whoever looks on. Events hold no secrets. */
export class EventLog {
  readonly #streams = new Set<Readable>()
  readonly #heartbeat: NodeJS.Timeout
  readonly #unsubscribe: () => void
  #entries: readonly Entry[] = []
  #count = 0

  constructor(sessions: Sessions<DemoData>) {
    this.#unsubscribe = sessions.on('*', (event) => this.#record(event))
    this.#heartbeat = setInterval(() => this.#send(': still here\n\n'), HEARTBEAT_MS).unref()
  }

  /** Number of the latest event. */
  get last(): number {
    return this.#count
  }

  /** How many onlookers there are. */
  get streams(): number {
    return this.#streams.size
  }

  /** The latest events as list items, newest first, with those of one session marked. */
  items(own: string | null): Html[] {
    return this.#entries.map((entry) => eventItem(entry, own)).reverse()
  }

  /**
   * A `text/event-stream` of the events after this number; who is signed in has it for as long as the session may act, and its
   * last word is why it is over. The browser comes again as whoever it is then.
   */
  stream(after: number, session: Session<DemoData>): Readable {
    const { signal } = session
    const over = () => {
      stream.push(overFrame(signal))
      stream.push(null)
      this.#streams.delete(stream)
    }
    const stream = new Readable({
      read() {},
      destroy: (error, done) => {
        this.#streams.delete(stream)
        signal.removeEventListener('abort', over)
        done(error)
      },
    })
    // A locked session is over already, and may look on like a visitor.
    if (session.subject !== null) signal.addEventListener('abort', over, { once: true })
    stream.push('retry: 1000\n\n')
    for (const entry of this.#entries) if (entry.number > after) stream.push(frame(entry))
    this.#streams.add(stream)
    return stream
  }

  close(): void {
    this.#unsubscribe()
    clearInterval(this.#heartbeat)
    for (const stream of this.#streams) stream.push(null)
    this.#streams.clear()
  }

  #record(event: SessEvent): void {
    this.#count += 1
    const entry = { number: this.#count, event }
    this.#entries = [...this.#entries, entry].slice(-KEPT)
    this.#send(frame(entry))
  }

  #send(text: string): void {
    for (const stream of this.#streams) {
      if (stream.readableLength > BACKLOG_CHARACTERS) stream.destroy()
      else stream.push(text)
    }
  }
}

/** Two lines: the reason, and what the page says about it. */
function overFrame({ reason }: AbortSignal): string {
  const why = reason instanceof SessionEndedError ? reason.ending.reason : 'gone'
  return `event: over\ndata: ${why}\ndata: ${whyLine(why)}\n\n`
}

/** @see WHATWG HTML §9.2, server-sent events: a line break would end the data. */
function frame(entry: Entry): string {
  return `id: ${entry.number}\ndata: ${eventItem(entry, null)
    .toString()
    .replace(/\s*[\r\n]\s*/g, ' ')}\n\n`
}

function eventItem({ event }: Entry, own: string | null): Html {
  const at = new Date(event.at)
  const mark = event.handle !== null && event.handle === own && html` class="own"`
  return html`<li data-type="${event.type}" data-handle="${event.handle ?? ''}"${mark}>
<time datetime="${at.toISOString()}">${at.toTimeString().slice(0, 8)}</time>
<b>${event.type}</b>
<span class="who">${event.subject ?? (event.handle === null ? '' : 'visitor')}</span>
<code title="${event.handle ?? ''}">${event.handle?.slice(0, 8)}</code>
<span class="detail">${details(event)}</span>
</li>`
}

/** What an event carries besides who and when. */
function details(event: SessEvent): string {
  return Object.entries(event)
    .filter(([name, value]) => value !== null && !SHOWN_APART.has(name))
    .map(([name, value]) => (NAMED.has(name) ? `${name} ${String(value).slice(0, 8)}` : String(value)))
    .join(' · ')
}

const SHOWN_APART: ReadonlySet<string> = new Set(['type', 'at', 'handle', 'subject'])
/** Details that say nothing without their name. */
const NAMED: ReadonlySet<string> = new Set(['generation', 'replaced'])
