import { idleDeadline } from '../kernel/expire.ts'
import type { Proof } from '../kernel/reauthenticate.ts'
import type { Authentication } from '../kernel/record.ts'
import { settle, start } from './commit.ts'
import { Habits, refuseHabits } from './habits.ts'
import { endWith, rotateSoon, type SignInOptions, signIn, takeStep, update } from './intents.ts'
import type { Previous, Refused } from './load.ts'
import type { Visit } from './visit.ts'

/**
 * The shape of `session.data`, for applications with one kind of session. Declare it once and every `session` is typed:
 *
 * @example
 * ```ts
 * declare module '@sess/core' {
 *   interface SessionData {
 *     cart: string[]
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled by the application's declaration.
export interface SessionData {}

/** {@link SessionData} where the application has declared it, else any keys with unknown values. */
export type DefaultData = keyof SessionData extends never ? Record<string, unknown> : SessionData

/** Options of {@link Session.signIn}, with the carried keys checked against the data's type. */
export type SignIn<Data extends object> = Omit<SignInOptions, 'carry'> & {
  readonly carry?: readonly (keyof Data & string)[]
}

/**
 * The session of one request. Reading is synchronous; `signIn`, `signOut`, `rotate`, `reauthenticate`, `lock` and changes of
 * `data` are intents, visible at once and carried out by one commit before the response leaves.
 */
export class Session<Data extends object = DefaultData> extends Habits {
  readonly #visit: Visit
  readonly #headers: (visit: Visit) => [string, string][]
  #committing: Promise<void> | null = null

  /** Sessions are opened with `sessions.open()`, never constructed. */
  constructor(visit: Visit, headers: (visit: Visit) => [string, string][]) {
    super()
    this.#visit = visit
    this.#headers = headers
  }

  /** `'anonymous'` for visitors and for every refused request. */
  get state(): 'anonymous' | 'authenticated' | 'locked' {
    return this.#look().state
  }

  /** Who is signed in, or null. Null while locked. */
  get subject(): string | null {
    const visit = this.#look()
    return visit.state === 'authenticated' ? visit.subject : null
  }

  /** Who may reopen a locked session with `reauthenticate()`; null unless locked. */
  get lockedSubject(): string | null {
    const visit = this.#look()
    return visit.state === 'locked' ? visit.subject : null
  }

  /** Public name of the stored session, safe to log, list and show; null while nothing is stored. */
  get handle(): string | null {
    return this.#stored()?.id ?? null
  }

  /** Generation of the token, counting rotations; null while nothing is stored. */
  get generation(): number | null {
    return this.#stored()?.generation ?? null
  }

  /** When the session was issued, in ms; null while nothing is stored. */
  get createdAt(): number | null {
    return this.#stored()?.createdAt ?? null
  }

  /** Last activity written down, in ms; behind by at most `touchEvery`. */
  get lastSeenAt(): number | null {
    return this.#stored()?.lastSeenAt ?? null
  }

  /** When the session is over (or locks) if it is not used again, in ms. */
  get idleAt(): number | null {
    const record = this.#stored()
    return record === null ? null : idleDeadline(record, this.#visit.engine.policy)
  }

  /** When the session is over whatever happens, in ms. */
  get absoluteAt(): number | null {
    return this.#stored()?.absoluteAt ?? null
  }

  /** When and how the user proved who they are; null for visitors. */
  get auth(): Authentication | null {
    return this.#stored()?.auth ?? null
  }

  /** Whether the cookie outlives the browser. */
  get persistent(): boolean {
    const visit = this.#look()
    return visit.intents.signIn?.options.persistent ?? this.#stored()?.persistent ?? false
  }

  /** Why this request sees a read-only stand-in and not its session; null normally. */
  get refused(): Refused | null {
    return this.#look().refused
  }

  /** What became of the session that the request's token belonged to, for the page that says why one is signed out. */
  get previous(): Previous | null {
    return this.#look().previous
  }

  /**
   * The application's data: a plain object, deep changes are seen. Parallel requests merge by top-level key; two plain
   * changes of the same key: the later wins. Values must be JSON-safe, or the commit throws a `ValueError`.
   */
  get data(): Partial<Data> {
    // The stored text is the application's own, checked by `schema` where one is given.
    return this.#look().data as Partial<Data>
  }

  /**
   * Changes one key from its old value without ever losing another request's change: on a conflict `updater` runs again on
   * the value that is there. It must be synchronous and free of side effects; returning `undefined` deletes the key.
   */
  update<K extends keyof Data & string>(key: K, updater: (value: Data[K] | undefined) => Data[K] | undefined): void {
    update(this.#look(), key, updater as (value: unknown) => unknown)
  }

  /**
   * Signs `subject` in: a new session with a new token and new deadlines; the current one ends. Of its data only the keys in
   * `carry` are kept, and nothing of another subject's. Throws a `HeadersSentError` once the headers have left.
   */
  signIn(subject: string, options: SignIn<Data> = {}): void {
    if (typeof subject !== 'string' || subject === '') throw new TypeError('signIn(subject) needs a non-empty string.')
    checkCarry(options.carry)
    signIn(this.#look(), subject, options)
  }

  /** Signs out: the session ends for every token of it, and the cookie is cleared. What is written later is a new visitor's. */
  signOut(): void {
    endWith(this.#look(), 'signed-out')
  }

  /**
   * Replaces the token. `hard`: at once, for changes of privilege; no older token acts again. Otherwise like the periodic
   * rotation, and not if the last one is so recent that requests with older tokens may still be on their way.
   */
  rotate(options: { readonly hard?: boolean } = {}): void {
    if (options.hard === true) takeStep(this.#look(), { type: 'rotate' })
    else rotateSoon(this.#look())
  }

  /** Records a fresh proof of identity: rotates hard and opens a locked session. The absolute deadline stays. */
  reauthenticate(proof: Proof): void {
    takeStep(this.#look(), { type: 'reauthenticate', ...proof })
  }

  /** Locks the session: it reads as signed out until `reauthenticate()`, a sign-in or a sign-out. */
  lock(): void {
    takeStep(this.#look(), { type: 'lock' })
  }

  /**
   * Carries out everything pending, now. Adapters do it before the first byte of the response anyway; call it to learn the
   * outcome before you render. Calling it again without changes does nothing; after a failure it rejects again.
   *
   * @throws {StoreUnavailableError} nothing was saved
   * @throws {StoreAmbiguousError} it is unknown whether it was saved
   * @throws {SessionInterruptedError} the session ended or changed hands meanwhile
   * @throws {ValueError} `data` holds what cannot be stored; nothing was changed
   * @throws {HeadersSentError} the change needs a cookie and the headers have left
   */
  async commit(): Promise<void> {
    while (this.#committing !== null) await this.#committing.catch(() => {})
    const visit = this.#visit
    const work = start(visit, visit.draft.changes())
    if (work !== undefined) await this.#during(work)
    else if (visit.failure !== null) throw visit.failure
  }

  /** Header lines the response must carry, after the commit: `Set-Cookie`, `Cache-Control`, `Vary`. */
  toHeaders(): [name: string, value: string][] {
    return this.#headers(this.#visit)
  }

  /** Handle and state only, so that a session that is logged or serialised tells no secret. */
  toJSON(): { readonly handle: string | null; readonly state: string } {
    return { handle: this.#visit.record?.id ?? null, state: this.#visit.state }
  }

  /** What an adapter does with a session; see `finish` in `@sess/core/http`. */
  static finish(session: Session<never>, status: number): Promise<void> | undefined {
    return session.#committing === null ? session.#settle(status) : session.#settleNext(status)
  }

  /** The request state behind a session, for the transport. */
  static visitOf(session: Session<never>): Visit {
    return session.#visit
  }

  #settle(status: number): Promise<void> | undefined {
    const work = settle(this.#visit, status)
    return work === undefined ? undefined : this.#during(work)
  }

  async #settleNext(status: number): Promise<void> {
    while (this.#committing !== null) await this.#committing.catch(() => {})
    await this.#settle(status)
  }

  async #during(work: Promise<void>): Promise<void> {
    this.#committing = work
    try {
      await work
    } finally {
      this.#committing = null
    }
  }

  #look(): Visit {
    this.#visit.read = true
    return this.#visit
  }

  #stored(): Visit['record'] {
    const visit = this.#look()
    const { end, signIn } = visit.intents
    return end !== null || signIn !== null ? null : visit.record
  }
}

function checkCarry(carry: unknown): void {
  if (carry !== undefined && !Array.isArray(carry)) throw new TypeError('signIn(…, { carry }) needs an array of keys.')
}

refuseHabits(Session.prototype)

Object.defineProperty(Session.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Session): string {
    const { handle, state } = this.toJSON()
    return `Session { state: '${state}', handle: ${handle === null ? 'null' : `'${handle}'`} }`
  },
})
