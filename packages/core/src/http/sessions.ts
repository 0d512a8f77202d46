import { ConfigError, NotMountedError } from '../errors.ts'
import type { Ending } from '../manager/ending.ts'
import { createEngine, type Engine } from '../manager/engine.ts'
import { EventStream, type EventsOptions, type StreamedEvent } from '../manager/event-stream.ts'
import type { SessionEventListener, SessionEventType } from '../manager/events.ts'
import { type OnEndedOptions, onEnded } from '../manager/live.ts'
import { type Arrival, emit, type Loaded, load } from '../manager/load.ts'
import type { ManagerOptions } from '../manager/options.ts'
import type { Preset } from '../manager/presets.ts'
import { type DefaultData, Session } from '../manager/session.ts'
import { timeOpening } from '../manager/timing.ts'
import { Visit } from '../manager/visit.ts'
import { Accounts } from './accounts.ts'
import { answerLines } from './answer.ts'
import { TokenTransport, type TransportOptions } from './carrier.ts'
import { ClientReader } from './client.ts'
import { type Description, describe } from './describe.ts'
import { deviceNamer, MAX_USER_AGENT } from './device-name.ts'
import { headerOf, type RequestFacts } from './facts.ts'
import { GuessCounter, type GuessingOptions } from './guessing.ts'

/** Everything `createSessions()` can be told. Only `store` is required. */
export interface SessionsOptions<Data extends object = DefaultData> extends ManagerOptions<Data>, TransportOptions {
  /** Whether requests count as activity, default true. A function decides per request: `(facts) => facts.url !== '/poll'`. */
  readonly touch?: boolean | ((facts: RequestFacts) => boolean)
  /** When many different forged or unknown tokens of one client raise a `guessing` event. Nothing is refused for it. */
  readonly guessing?: GuessingOptions
}

/** A request, as far as it is looked at here; the symbol is one of this library. */
interface Carrying<Data extends object> {
  [opened: symbol]: Session<Data> | undefined
}

/**
 * Sessions of one application: open them, find them, listen to what happens to them. Holds no global state; several with
 * different cookie names live side by side.
 */
export class Sessions<Data extends object = DefaultData> extends Accounts {
  readonly #engine: Engine
  readonly #transport: TokenTransport
  readonly #preset: Preset | undefined
  readonly #clients: ClientReader
  readonly #guesses: GuessCounter
  readonly #touch: boolean | ((facts: RequestFacts) => boolean)
  /** Where requests keep their session. A WeakMap costs up to ten times as much, most of it in collections. */
  readonly #opened = Symbol('sess.session')

  /** Use {@link createSessions}. */
  constructor(options: SessionsOptions<Data>) {
    checkNames(options)
    const engine = createEngine(options)
    super(engine, deviceNamer(options.device))
    this.#engine = engine
    this.#transport = new TokenTransport(this.#engine, options)
    this.#preset = options.preset
    this.#clients = new ClientReader(this.#engine.client)
    this.#guesses = new GuessCounter(options.guessing)
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
    const loaded = await this.#load(arrival)
    const visit = new Visit(this.#engine, arrival, channel, loaded)
    if (tokens.length > 0 && loaded.record === null && loaded.refused === null) this.#guessed(facts, tokens)
    return new Session<Data>(visit, (current) => answerLines(this.#transport, channel, current))
  }

  /**
   * The session that an adapter opened for this request: pass what your framework hands you (`req`, `request`, `ctx`, `c`).
   *
   * @throws {NotMountedError} none was opened
   */
  of(request: object): Session<Data> {
    const session = (request as Carrying<Data>)[this.#opened]
    if (session === undefined) throw new NotMountedError()
    return session
  }

  /** Whether a session was opened for this request. */
  has(request: object): boolean {
    return (request as Carrying<Data>)[this.#opened] !== undefined
  }

  /** Makes a session findable with {@link Sessions.of}; for adapters. It is kept on the request, which must not be frozen. */
  attach(request: object, session: Session<Data>): void {
    const carrying = request as Carrying<Data>
    carrying[this.#opened] = session
  }

  /**
   * Calls `listener` for each event of this type; `'*'` stands for all but those of ordinary requests (`ActivityEventType`).
   * It is called soon after, in order and outside the request, which never waits for it. Returns the function that
   * unsubscribes.
   */
  on<T extends SessionEventType | '*'>(type: T, listener: SessionEventListener<T>): () => void {
    return this.#engine.hub.on(type, listener)
  }

  /**
   * The same as an async iterator, from this call on: `for await (const event of sessions.events('ended'))`. A reader that is
   * too slow loses the oldest events; `event.dropped` says how many.
   *
   * @throws {ConfigError} `max` is no positive integer
   */
  events<T extends SessionEventType | '*' = '*'>(
    type: T = '*' as T, // the default of T
    options: EventsOptions = {},
  ): AsyncIterableIterator<StreamedEvent<T>> {
    return new EventStream(this.#engine.hub, type, options)
  }

  /**
   * Calls `listener` once when the session of this handle is over: ended here or in another process, replaced, past its idle
   * or absolute deadline, locked, or gone from the store; at once for what this process does, else within a second. Rotation
   * is no end. Returns the function that stops watching; call it when the listener is no longer needed.
   *
   * @throws {ConfigError} `handle` is no handle: `session.handle` is null while nothing is stored
   */
  onEnded(handle: string, listener: (ending: Ending) => unknown, options: OnEndedOptions = {}): () => void {
    return onEnded(this.#engine, handle, listener, options)
  }

  /**
   * Tells the listeners now of everything that has happened, and resolves when what they returned has settled. For where
   * nothing runs after the response (`ctx.waitUntil(sessions.flushEvents())` on Workers), before a process ends, and for tests.
   */
  flushEvents(): Promise<void> {
    return this.#engine.hub.flush()
  }

  /**
   * Explains this configuration: times, cookies, ids of the keys in use, cryptography, what the store can do, and where it
   * deviates from NIST SP 800-63B-4 and OWASP ASVS. Plain and JSON-safe, without secrets.
   */
  describe(): Description {
    return describe(this.#engine, this.#transport, this.#preset)
  }

  #load(arrival: Arrival): Promise<Loaded> {
    return timeOpening(this.#engine, () => load(this.#engine, arrival))
  }

  #guessed(facts: RequestFacts, tokens: readonly string[]): void {
    const found = this.#guesses.note(facts, tokens.join(), this.#engine.clock.now())
    if (found !== null) emit(this.#engine, 'guessing', null, found)
  }

  #arrival(facts: RequestFacts, tokens: readonly string[]): Arrival {
    const { device } = this.#engine
    const userAgent = device ? headerOf(facts, 'user-agent') : undefined
    const label = {
      ...(facts.ip === undefined ? {} : { ip: facts.ip }),
      ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, MAX_USER_AGENT) }),
    }
    return {
      tokens,
      client: this.#clients.read(facts),
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
  preset: true,
  idle: true,
  absolute: true,
  persistent: true,
  rotateEvery: true,
  overlap: true,
  touchEvery: true,
  clockSkew: true,
  retainEnded: true,
  storeTimeout: true,
  onIdle: true,
  fingerprint: true,
  ipBinding: true,
  device: true,
  limit: true,
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
  guessing: true,
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
