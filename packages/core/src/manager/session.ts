import { type ActOptions, actAs, stopActing } from './acting.ts'
import { settle, start } from './commit.ts'
import { verifyCredential } from './credential.ts'
import { flash } from './flash.ts'
import { type Freshness, readFreshness, requireFresh, staleness } from './freshness.ts'
import { refuseHabits } from './habits.ts'
import { endWith, type Reauthentication, rotateSoon, type SignInOptions, signIn, takeStep, update } from './intents.ts'
import { SessionView } from './session-view.ts'
import { takeFlash } from './take-flash.ts'
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
export class Session<Data extends object = DefaultData> extends SessionView {
  readonly #visit: Visit
  readonly #headers: (visit: Visit) => [string, string][]
  #committing: Promise<void> | null = null

  /** Sessions are opened with `sessions.open()`, never constructed. */
  constructor(visit: Visit, headers: (visit: Visit) => [string, string][]) {
    super(visit)
    this.#visit = visit
    this.#headers = headers
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
  reauthenticate(proof: Reauthentication): void {
    takeStep(this.#look(), { type: 'reauthenticate', ...proof })
  }

  /**
   * Whether the credential that the session was signed in with still holds. Pass what `signIn()` would be given as `credential`
   * now; after it, in a list, older forms of the same (a hash about to be upgraded), which give way to it. Otherwise the session
   * is ended at once (`credential`), and reads as signed out. True for a session without a stamp, false where nobody is signed
   * in. Compares in constant time; a match costs no store call.
   *
   * @throws {StoreUnavailableError} the session could not be ended
   */
  verifyCredential(current: string | readonly string[]): Promise<boolean> {
    return verifyCredential(this.#look(), current, () => this.commit())
  }

  /** Locks the session: it reads as signed out until `reauthenticate()`, a sign-in or a sign-out. */
  lock(): void {
    takeStep(this.#look(), { type: 'lock' })
  }

  /**
   * Throws unless the signed-in user has proved who they are as recently, and as well, as you say; a `reauthenticate()` of this
   * request counts. Adapters have it as a guard for routes: `requireFresh('5m')`.
   *
   * @throws {FreshnessError} the proof is too old or not good enough, or there is nobody to give one; `reason` says which
   * @throws {SessionInterruptedError} the request sees a stand-in; loaded again it sees its session
   * @throws {StoreUnavailableError} the request sees a stand-in because the store failed
   */
  requireFresh(freshness: Freshness): void {
    requireFresh(this.#look(), readFreshness(freshness))
  }

  /** Whether {@link Session.requireFresh} would let the request pass. */
  isFresh(freshness: Freshness): boolean {
    return staleness(this.#look(), readFreshness(freshness)) === null
  }

  /**
   * Acts as somebody else: a new session of `subject`, with `actor` set, none of the actor's data, and a deadline of its own
   * (1 hour); the actor's session ends. Whether they may is yours to find out. Throws a `SessionInterruptedError` where nobody
   * is signed in or somebody acts already.
   */
  actAs(subject: string, options: ActOptions = {}): void {
    actAs(this.#look(), subject, options)
  }

  /** Goes back: a new session of the actor's own, with the proofs and the absolute deadline that the former one had. */
  stopActing(): void {
    stopActing(this.#look())
  }

  /**
   * Leaves a message for a later page, under a key: kept until `takeFlash()`, whatever redirects lie in between. It is not part
   * of `data`. Throws a `ValueError` for what cannot be stored.
   */
  flash(key: string, value: unknown): void {
    flash(this.#look(), key, value)
  }

  /**
   * Takes the messages left under a key, oldest first, and resolves once nobody else can: of parallel requests one gets them.
   * What is taken is gone, even if the response is lost. Writes only if there is a message.
   *
   * @throws {StoreUnavailableError} nothing was taken
   * @throws {StoreAmbiguousError} it is unknown whether it was taken
   */
  async takeFlash(key: string): Promise<unknown[]> {
    while (this.#committing !== null) await this.#committing.catch(() => {})
    const taking = takeFlash(this.#look(), key)
    await this.#during(taking.then(() => {}))
    return taking
  }

  /**
   * A token for the forms of this answer, to be sent back in the field `_csrf` or the header `x-csrf-token`; other bytes at each
   * call, all good until the next sign-in, hard rotation or end. A visitor gets a cookie for it and no stored session. Throws a
   * `ConfigError` after `signIn()` or `reauthenticate()` until they are committed, a `HeadersSentError` for new visitors once the
   * headers have left.
   */
  csrfToken(): string {
    const visit = this.#look()
    return visit.carrier.issueFormToken(visit)
  }

  /**
   * Shows by a form token that an own page made the request, where that is in doubt; an adapter's `csrf()` does it with what a
   * body parser has read. Anything but a token of this session throws a `CsrfError`. Does nothing where no token is needed.
   */
  verifyCsrf(token: unknown): void {
    this.#visit.carrier.proveProvenance(this.#visit, token)
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

  /** What an adapter does with a session; see `finish` in `@sess/core/http`. */
  static finish(session: Session<never>, status: number): Promise<void> | undefined {
    return session.#committing === null ? session.#settle(status) : session.#settleNext(status)
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
    return this.#visit.look()
  }
}

refuseHabits(Session.prototype)

Object.defineProperty(Session.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Session): string {
    const { handle, state } = this.toJSON()
    return `Session { state: '${state}', handle: ${handle === null ? 'null' : `'${handle}'`} }`
  },
})
