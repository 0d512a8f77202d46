import { AsyncLocalStorage } from 'node:async_hooks'
import type { Session, Sessions } from '@sess/core'
import type { Action, Plan } from './scenario.ts'
import { type Answer, type Asked, type Call, connection } from './storage.ts'
import { Timers } from './timers.ts'
import { Bytes, type Core, cookieHeader, type Data, options, SUBJECT } from './world.ts'

/** Something that a request of a process is told, and when. */
export type Told = { readonly request: number; readonly now: number } & (
  | { readonly kind: 'arrives'; readonly cookie: string | null }
  /** A slow handler is done with whatever it did. */
  | { readonly kind: 'goes on' }
  /** A pause between two attempts is over. */
  | { readonly kind: 'waited' }
  | { readonly kind: 'answer'; readonly nth: number; readonly value: Answer }
  | { readonly kind: 'error'; readonly nth: number; readonly message: string }
  /** A store call takes longer than the manager waits. */
  | { readonly kind: 'time-out'; readonly nth: number }
)

/** How far a request has come, seen from outside. */
export interface Progress {
  /** It sits in a slow handler. */
  readonly paused: boolean
  /** It pauses between two attempts. */
  readonly waits: boolean
  readonly opened: Pick<Session, 'handle' | 'subject' | 'refused'> | null
  /** Its handler has done what it came for. */
  readonly intended: boolean
  readonly committed: Pick<Session, 'handle' | 'generation'> | null
  /** Code of the error it was answered with, or its message where it has none. */
  readonly error: string | null
  /** Headers of its answer. */
  readonly headers: readonly (readonly [string, string])[] | null
}

/** A request that has not arrived. */
export const nowhere: Progress = {
  paused: false,
  waits: false,
  opened: null,
  intended: false,
  committed: null,
  error: null,
  headers: null,
}

/** Which request runs. There is one for all processes, because Node asks every one at every promise. */
const running = new AsyncLocalStorage<number>()

type Changing<T> = { -readonly [K in keyof T]: T[K] }

interface Pending {
  readonly call: Call
  readonly resolve: (value: Answer) => void
  readonly reject: (error: Error) => void
}

/** In ms: timers that are no longer are pauses between two attempts. */
const PAUSE = 40
/** In ms: timers that are no longer end with the patience that the manager has with one store call. */
const PATIENCE = 2000

/** A server process with the real session manager. Nothing happens in it but what it is told, one thing after the other. */
export class Process {
  readonly #plans: ReadonlyMap<number, Plan>
  readonly #sessions: Sessions<Data>
  readonly #timers: Timers
  readonly #bytes = new Bytes()
  readonly #asked = new Map<number, number>()
  readonly #pending: Pending[] = []
  readonly #progress = new Map<number, Changing<Progress>>()
  readonly #resume = new Map<number, () => void>()
  #now = 0

  constructor(core: Core, plans: ReadonlyMap<number, Plan>) {
    this.#plans = plans
    this.#timers = new Timers(running)
    for (const request of plans.keys()) this.#progress.set(request, { ...nowhere })
    this.#sessions = core.createSessions<Data>({
      ...options,
      store: connection((asked) => this.#ask(asked)),
      clock: { now: () => this.#now },
      random: { bytes: (size) => this.#bytes.of(this.#current(), size) },
    })
  }

  /** Store calls that wait for an answer. */
  get calls(): Call[] {
    return this.#pending.map(({ call }) => call)
  }

  progressOf(request: number): Progress {
    const progress = this.#progress.get(request) ?? nowhere
    return { ...progress, waits: progress.headers === null && this.#timers.due(request, PAUSE).length > 0 }
  }

  /** Tells it one thing, and lets it do all that follows. */
  async hear(told: Told): Promise<void> {
    this.#now = told.now
    const restore = this.#timers.install()
    try {
      running.run(told.request, () => this.#react(told))
      await quiet()
    } finally {
      restore()
    }
  }

  #react(told: Told): void {
    const { request } = told
    switch (told.kind) {
      case 'arrives':
        void this.#serve(request, told.cookie)
        break
      case 'goes on':
        this.#resume.get(request)?.()
        break
      case 'waited':
        this.#timers.due(request, PAUSE)[0]?.fire()
        break
      case 'answer':
        this.#settle(request, told.nth)?.resolve(told.value)
        break
      case 'error':
        this.#settle(request, told.nth)?.reject(new Error(told.message))
        break
      case 'time-out':
        this.#settle(request, told.nth)
        for (const timer of this.#timers.due(request, PATIENCE)) timer.fire()
    }
  }

  async #serve(request: number, cookie: string | null): Promise<void> {
    // Every request has a plan, and a progress that the constructor made.
    const plan = this.#plans.get(request) as Plan
    const progress = this.#progress.get(request) as Changing<Progress>
    try {
      const session = await this.#sessions.open({ cookie: cookieHeader(cookie) })
      progress.opened = { handle: session.handle, subject: session.subject, refused: session.refused }
      if (plan.slow === true) await this.#pause(request, progress)
      act(session, plan.action, request)
      progress.intended = true
      await session.commit()
      progress.committed = { handle: session.handle, generation: session.generation }
      progress.headers = session.toHeaders()
    } catch (error) {
      const { code, message } = error as { readonly code?: string; readonly message?: string }
      progress.error = code ?? String(message)
      progress.headers = []
    }
  }

  async #pause(request: number, progress: Changing<Progress>): Promise<void> {
    progress.paused = true
    await new Promise<void>((resolve) => this.#resume.set(request, resolve))
    progress.paused = false
  }

  #ask(asked: Asked): Promise<Answer> {
    const request = this.#current()
    const nth = this.#asked.get(request) ?? 0
    this.#asked.set(request, nth + 1)
    return new Promise((resolve, reject) => {
      this.#pending.push({ call: { ...asked, request, nth }, resolve, reject })
    })
  }

  #settle(request: number, nth: number): Pending | undefined {
    const found = this.#pending.find(({ call }) => call.request === request && call.nth === nth)
    if (found !== undefined) this.#pending.splice(this.#pending.indexOf(found), 1)
    return found
  }

  #current(): number {
    return running.getStore() ?? -1
  }
}

/** What a handler does. */
function act(session: Session<Data>, action: Action, request: number): void {
  if (action === 'write') session.data[`w${request}`] = request
  if (action === 'update') session.update('n', (n) => (n ?? 0) + 1)
  if (action === 'sign-in') session.signIn(SUBJECT)
  if (action === 'sign-out') session.signOut()
  if (action === 'reauthenticate') session.reauthenticate({ method: 'password' })
  if (action === 'lock') session.lock()
}

/** Resolves when every promise that can go on has done so: nothing here waits for anything but us. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
