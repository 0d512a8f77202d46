import {
  type Clock,
  createSessions,
  type RequestFacts,
  type SessEvent,
  type Session,
  type Sessions,
  type SessionsOptions,
} from '@sess/core'
import { ScriptedStore } from './scripted-store.ts'

export const START: number = Date.UTC(2026, 0, 1)
export const SECOND = 1000
export const MINUTE: number = 60 * SECOND
export const HOUR: number = 60 * MINUTE
export const COOKIE = '__Host-Http-sid'

export type Data = Record<string, unknown>

export class MovableClock implements Clock {
  instant: number = START

  now(): number {
    return this.instant
  }

  advance(ms: number): void {
    this.instant += ms
  }
}

/** One browser: keeps the cookie that answers set. */
export class Browser {
  readonly #sessions: Sessions<Data>
  cookie: string | null = null

  constructor(sessions: Sessions<Data>) {
    this.#sessions = sessions
  }

  open(facts: RequestFacts = {}): Promise<Session<Data>> {
    const headers = { ...facts.headers, ...(this.cookie === null ? {} : { cookie: `${COOKIE}=${this.cookie}` }) }
    return this.#sessions.open({ secure: true, ...facts, headers })
  }

  /** Takes in what the answer sets. */
  receive(session: Session<Data>): void {
    const value = cookieOf(session)
    if (value !== null) this.cookie = value === '' ? null : value
  }

  /** One whole request: open, handle, commit, answer. */
  async request(handle: (session: Session<Data>) => unknown = () => {}, facts?: RequestFacts): Promise<Session<Data>> {
    const session = await this.open(facts)
    await handle(session)
    await session.commit()
    this.receive(session)
    return session
  }

  /** Another browser with the same cookie. */
  copy(): Browser {
    const other = new Browser(this.#sessions)
    other.cookie = this.cookie
    return other
  }
}

/** The value that the answer's Set-Cookie line gives our cookie: '' clears it, null leaves it alone. */
export function cookieOf(session: Session<Data>): string | null {
  const lines = session.toHeaders().filter(([name]) => name === 'Set-Cookie')
  if (lines.length > 1) throw new Error('more than one Set-Cookie line')
  return lines[0]?.[1].split(';')[0]?.split('=')[1] ?? null
}

export interface Scenario {
  readonly store: ScriptedStore
  readonly clock: MovableClock
  readonly sessions: Sessions<Data>
  readonly browser: Browser
  /** The events so far, delivered ones and those about to be. */
  readonly events: SessEvent[]
  /** Forgets the events so far and returns their types. */
  drainEvents(): string[]
}

/** Sessions on a scripted store and a movable clock, and one browser. */
export function setUp(options: Partial<SessionsOptions<Data>> = {}): Scenario {
  const store = new ScriptedStore()
  const clock = new MovableClock()
  const sessions = createSessions<Data>({ store, clock, ...options })
  const heard: SessEvent[] = []
  sessions.on('*', (event) => heard.push(event))
  const drainEvents = () => {
    void sessions.flushEvents()
    return heard.splice(0).map((event) => event.type)
  }
  return { store, clock, sessions, browser: new Browser(sessions), events: upToDate(sessions, heard), drainEvents }
}

/** The same list, to which everything that has happened is added before it is looked at or emptied. */
export function upToDate<T extends object>(sessions: Sessions<Data>, heard: T): T {
  return new Proxy(heard, {
    get(target, property) {
      void sessions.flushEvents()
      return Reflect.get(target, property)
    },
    set(target, property, value) {
      void sessions.flushEvents()
      return Reflect.set(target, property, value)
    },
  })
}

/** The same with somebody signed in, and no store calls or events noted yet. */
export async function signedIn(options: Partial<SessionsOptions<Data>> = {}, subject = 'ada'): Promise<Scenario> {
  const scenario = setUp(options)
  await scenario.browser.request((session) => session.signIn(subject))
  scenario.store.drain()
  scenario.drainEvents()
  return scenario
}

/** What a promise rejects with; fails if it does not. */
export async function failure(work: Promise<unknown>): Promise<Error & { code?: string; reason?: string }> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('expected a rejection')
}
