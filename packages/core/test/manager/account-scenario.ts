import {
  createSessions,
  type RequestFacts,
  type SessEvent,
  type Session,
  type Sessions,
  type SessionsOptions,
} from '@sess/core'
import { IndexedStore } from './indexed-store.ts'
import { Browser, type Data, MovableClock, upToDate } from './scenario.ts'

type Options = Partial<SessionsOptions<Data>>
export type SignInOptions = NonNullable<Parameters<Session<Data>['signIn']>[1]>

export const KEY: string = 'p7Qx2mW9aZ4tR8vB1nC6yK3dF5gH0jL_sE-uIoTqXwM'
export const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0'

export interface Accounts {
  readonly store: IndexedStore
  readonly clock: MovableClock
  readonly sessions: Sessions<Data>
  readonly events: SessEvent[]
  /** Forgets the events so far and returns them. */
  drainEvents(): SessEvent[]
  /** A further process on the same store; its clock may run elsewhere. */
  process(options?: Options): Sessions<Data>
  /** A client that has signed in. */
  signIn(subject?: string, options?: SignInOptions, facts?: RequestFacts): Promise<Device>
}

/** A client and the handle of its session. */
export interface Device {
  readonly browser: Browser
  readonly handle: string
}

/** Sessions on a store with an index, and a movable clock. */
export function accounts(options: Options = {}): Accounts {
  const store = new IndexedStore()
  const clock = new MovableClock()
  const process = (others: Options = {}) => createSessions<Data>({ store, clock, keys: KEY, ...options, ...others })
  const sessions = process()
  const heard: SessEvent[] = []
  sessions.on('*', (event) => heard.push(event))
  const events = upToDate(sessions, heard)
  return {
    store,
    clock,
    sessions,
    events: upToDate(sessions, events),
    drainEvents: () => upToDate(sessions, events).splice(0),
    process,
    signIn: (subject, how, facts) => signIn(sessions, subject, how, facts),
  }
}

export async function signIn(
  sessions: Sessions<Data>,
  subject = 'ada',
  options: SignInOptions = {},
  facts: RequestFacts = {},
): Promise<Device> {
  const browser = new Browser(sessions)
  const session = await browser.request((current) => current.signIn(subject, options), facts)
  return { browser, handle: session.handle as string }
}

/** What an async iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** Handles of the live sessions of a subject. */
export async function handles(sessions: Sessions<Data>, subject = 'ada'): Promise<string[]> {
  return (await all(sessions.list(subject))).map(({ handle }) => handle)
}
