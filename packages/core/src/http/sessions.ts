import { ConfigError, NotMountedError } from '../errors.ts'
import { createEngine, type Engine } from '../manager/engine.ts'
import type { SessionEventListener, SessionEventType } from '../manager/events.ts'
import { type Arrival, load } from '../manager/load.ts'
import type { ManagerOptions } from '../manager/options.ts'
import { type DefaultData, Session } from '../manager/session.ts'
import { Visit } from '../manager/visit.ts'
import { answerLines } from './answer.ts'
import { TokenTransport, type TransportOptions } from './carrier.ts'
import { reduceUserAgent } from './client.ts'
import { headerOf, type RequestFacts } from './facts.ts'

/** Everything `createSessions()` can be told. Only `store` is required. */
export interface SessionsOptions<Data extends object = DefaultData> extends ManagerOptions<Data>, TransportOptions {
  /** Whether requests count as activity, default true. A function decides per request: `(facts) => facts.url !== '/poll'`. */
  readonly touch?: boolean | ((facts: RequestFacts) => boolean)
}

/**
 * Sessions of one application: open them, find them, listen to what happens to them. Holds no global state; several with
 * different cookie names live side by side.
 */
export class Sessions<Data extends object = DefaultData> {
  readonly #engine: Engine
  readonly #transport: TokenTransport
  readonly #touch: boolean | ((facts: RequestFacts) => boolean)
  readonly #opened = new WeakMap<object, Session<Data>>()

  /** Use {@link createSessions}. */
  constructor(options: SessionsOptions<Data>) {
    checkNames(options)
    this.#engine = createEngine(options)
    this.#transport = new TokenTransport(this.#engine, options)
    this.#touch = readTouch(options.touch)
  }

  /**
   * Opens the session of a request: verifies its token, reads the store once (not at all for visitors and forgeries) and
   * judges it. Then read and change the session, `await session.commit()`, and send `session.toHeaders()`.
   *
   * @throws {StoreUnavailableError} the store failed and `onStoreError` is `'fail'`
   * @throws {InsecureError} plain http that carries the cookie
   * @throws {CsrfError} an unsafe request of another site's page
   */
  async open(facts: RequestFacts): Promise<Session<Data>> {
    if (typeof facts !== 'object' || facts === null) {
      throw new ConfigError('sessions.open(facts) needs an object, like { cookie } or { headers, secure, ip }.')
    }
    const { tokens, channel } = this.#transport.receive(facts)
    const arrival = this.#arrival(facts, tokens)
    const visit = new Visit(this.#engine, arrival, channel, await load(this.#engine, arrival))
    return new Session<Data>(visit, (current) => answerLines(this.#transport, channel, current))
  }

  /**
   * The session that an adapter opened for this request: pass what your framework hands you (`req`, `request`, `ctx`, `c`).
   *
   * @throws {NotMountedError} none was opened
   */
  of(request: object): Session<Data> {
    const session = this.#opened.get(request)
    if (session === undefined) throw new NotMountedError()
    return session
  }

  /** Whether a session was opened for this request. */
  has(request: object): boolean {
    return this.#opened.has(request)
  }

  /** Makes a session findable with {@link Sessions.of}; for adapters. */
  attach(request: object, session: Session<Data>): void {
    this.#opened.set(request, session)
  }

  /** Calls `listener` for each event of this type, `'*'` for all. Returns the function that unsubscribes. */
  on<T extends SessionEventType>(type: T | '*', listener: SessionEventListener<T>): () => void {
    // A listener for one type is only ever called with that type.
    return this.#engine.hub.on(type, listener as SessionEventListener)
  }

  #arrival(facts: RequestFacts, tokens: readonly string[]): Arrival {
    const { policy, device } = this.#engine
    const userAgent = policy.fingerprint === 'off' && !device ? undefined : headerOf(facts, 'user-agent')
    const label = {
      ...(facts.ip === undefined ? {} : { ip: facts.ip }),
      ...(userAgent === undefined ? {} : { userAgent }),
    }
    return {
      tokens,
      fingerprint: policy.fingerprint === 'off' ? null : reduceUserAgent(userAgent),
      device: device ? label : null,
      upgrade: facts.upgrade ?? false,
      passive: !(typeof this.#touch === 'function' ? this.#touch(facts) : this.#touch),
    }
  }
}

/**
 * Sets up sessions.
 *
 * @example
 * ```ts
 * const sessions = createSessions({ store: memoryStore() })
 * ```
 * @throws {ConfigError} for options that cannot work or cannot be secure
 */
export function createSessions<Data extends object = DefaultData>(options: SessionsOptions<Data>): Sessions<Data> {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError(
      'createSessions(options) needs an object with at least a `store`, like { store: memoryStore() }.',
    )
  }
  return new Sessions<Data>(options)
}

/** All there are; a name more or less does not compile. */
const NAMES: Readonly<Record<keyof SessionsOptions, true>> = {
  store: true,
  keys: true,
  idle: true,
  absolute: true,
  rotateEvery: true,
  overlap: true,
  touchEvery: true,
  clockSkew: true,
  retainEnded: true,
  storeTimeout: true,
  onIdle: true,
  fingerprint: true,
  device: true,
  carry: true,
  onStoreError: true,
  onOverwrite: true,
  onServerError: true,
  schema: true,
  onInvalid: true,
  version: true,
  migrate: true,
  codec: true,
  clock: true,
  random: true,
  cookie: true,
  transport: true,
  csrf: true,
  clearSiteData: true,
  touch: true,
}

/** A misspelt timeout must not be no timeout. */
function checkNames(options: object): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name))
  if (unknown === undefined) return
  throw new ConfigError(`\`${unknown}\` is no option of createSessions(). There are: ${Object.keys(NAMES).join(', ')}.`)
}

function readTouch(touch: SessionsOptions['touch'] = true): boolean | ((facts: RequestFacts) => boolean) {
  if (typeof touch === 'boolean' || typeof touch === 'function') return touch
  throw new ConfigError('`touch` must be true, false, or a function of the request.')
}
