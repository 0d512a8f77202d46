import { Readable } from 'node:stream'
import {
  createSessions,
  memoryStore,
  type SessEvent,
  type Session,
  type SessionEventType,
  type SessionRecord,
  type SessionStore,
  type Sessions,
  type SessionsOptions,
} from '@sess/core'
import { type Case, equal } from '../case.ts'
import { FakeClock } from '../fake-clock.ts'
import { UnreliableStore } from '../unreliable-store.ts'
import { Browser, type Origin } from './browser.ts'
import { quietly } from './quiet.ts'
import type { AdapterRequest, AdapterSubject, Handle, Reply, Served, ServeOptions } from './subject.ts'

/** One promise of an adapter. */
export type AdapterCase = Case<AdapterSubject>

/** What every instance of an app signs with, so that they understand each other's tokens. */
export const KEY: Uint8Array = Uint8Array.from({ length: 32 }, (_, at) => (at * 37 + 11) % 256)

/** How long a case may take; most need a few milliseconds, on a busy machine the longest need seconds. */
const CASE_MS = 60_000

/** What a case needs that is out of the ordinary. */
export interface Setup {
  /** Options for `createSessions()`, over the kit's store and clock. */
  readonly options?: Partial<SessionsOptions>
  readonly serve?: Partial<ServeOptions>
  /** Calls that hang are soon given up: the kit's own store answers at once, others over a network. */
  readonly impatient?: true
}

/** What a request runs on the server. Returning no reply is answered with 200 and `ok`. */
export type Handler = (session: Session, request: AdapterRequest) => unknown

/** A reply with defaults: 200, no headers, no body. */
export function reply(
  parts: Partial<Omit<Reply, 'body'>> & { readonly body?: string | AsyncIterable<string> | null },
): Reply {
  const { status = 200, headers = [], body = null } = parts
  return { status, headers, body: typeof body === 'string' || body === null ? body : Readable.from(body) }
}

/** A case that must hold, on an application of its own. */
export function must(id: string, title: string, run: (app: App) => Promise<void>, setup: Setup = {}): AdapterCase {
  return { id: `adapter/${id}`, title, level: 'must', run: (subject) => quietly(() => withApp(subject, setup, run)) }
}

/** A case that should hold. */
export function should(id: string, title: string, run: (app: App) => Promise<void>, setup: Setup = {}): AdapterCase {
  return { ...must(id, title, run, setup), level: 'should' }
}

async function withApp(subject: AdapterSubject, setup: Setup, run: (app: App) => Promise<void>): Promise<void> {
  const app = new App(subject, setup)
  try {
    await app.start(setup.serve)
    await within(CASE_MS, run(app))
  } finally {
    await app.close()
  }
}

/** Fails a case that waits for ever, so that its server is closed whatever the runner does about time. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the case is still waiting after ${ms} ms`)), ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** A server with the adapter under test, its clock and its store. Requests bring the handler they want to run. */
export class App {
  readonly subject: AdapterSubject
  readonly clock: FakeClock = new FakeClock()
  /** The records themselves; reading them here disturbs and counts nothing. */
  readonly records: SessionStore
  readonly store: UnreliableStore
  readonly sessions: Sessions
  readonly #events: SessEvent[] = []
  readonly #handlers = new Map<string, Handler>()
  readonly #servers: Served[] = []

  constructor(subject: AdapterSubject, setup: Setup) {
    this.subject = subject
    const { store: open = memoryStore } = subject
    this.records = open()
    this.store = new UnreliableStore(this.records)
    const patience = setup.impatient === true && { storeTimeout: subject.store === undefined ? 150 : 600 }
    this.sessions = this.instance({ ...patience, ...setup.options })
    this.sessions.on('*', (event) => this.#events.push(event))
  }

  /** Sessions on this app's clock and store, as a further process has them. */
  instance(options: Partial<SessionsOptions> = {}): Sessions {
    return createSessions({ store: this.store, clock: this.clock, keys: [KEY], ...options })
  }

  /** Starts a server; the address. */
  async start(options: Partial<ServeOptions> = {}, sessions: Sessions = this.sessions): Promise<string> {
    const complete = { trustProxy: false, path: '', second: null, guard: null, forms: false, ...options }
    const served = await this.subject.serve(sessions, this.#handle, complete)
    this.#servers.push(served)
    return served.url
  }

  /** A client without cookies. */
  browser(origin: Partial<Origin> = {}): Browser {
    const [server] = this.#servers
    return new Browser({ url: server?.url ?? '', secure: false, headers: [], ...origin }, this.register)
  }

  /** A client that has signed in. */
  async signedIn(subject = 'ada', origin: Partial<Origin> = {}): Promise<Browser> {
    const browser = this.browser(origin)
    const answer = await browser.visit((session) => session.signIn(subject))
    equal(answer.status, 200, 'status of the sign-in')
    return browser
  }

  /** The stored record of a handle. */
  async record(handle: string | null): Promise<SessionRecord | null> {
    return handle === null ? null : await this.records.get(handle)
  }

  /** The events so far. */
  get events(): readonly SessEvent[] {
    void this.sessions.flushEvents()
    return this.#events
  }

  /** The events of one type so far. */
  heard<T extends SessionEventType>(type: T): SessEvent<T>[] {
    // An event of that type is one of that shape; TypeScript does not narrow a union by a generic.
    return this.events.filter((event) => event.type === type) as SessEvent<T>[]
  }

  /** Makes a handler reachable; the path. */
  readonly register = (handler: Handler): string => {
    const path = `/h/${this.#handlers.size}`
    this.#handlers.set(path, handler)
    return path
  }

  readonly #handle: Handle = async (session, request) => {
    const path = /\/h\/\d+/.exec(request.url)?.[0] ?? ''
    const handler = this.#handlers.get(path)
    if (handler === undefined) return reply({ status: 404, body: 'no such handler' })
    const made = await handler(session, request)
    return isReply(made) ? made : reply({ headers: [['Content-Type', 'text/plain; charset=utf-8']], body: 'ok' })
  }

  async close(): Promise<void> {
    this.store.reset()
    await Promise.all(this.#servers.map((server) => server.close()))
  }
}

function isReply(made: unknown): made is Reply {
  return typeof made === 'object' && made !== null && 'status' in made && 'body' in made
}
