import type { StandardSchemaV1 } from '@standard-schema/spec'
import { KEY_HINT, type Key, Keyring, readKeys } from '../crypto/keyring.ts'
import { type Codec, DataShape, type OnInvalid } from '../data/shape.ts'
import { ConfigError } from '../errors.ts'
import { defaultPolicy, type Policy } from '../kernel/policy.ts'
import { type Duration, display, readDuration } from './duration.ts'
import { EventHub } from './events.ts'
import { type Clock, type Evicting, type Random, type SessionStore, systemClock, systemRandom } from './ports.ts'
import { CommitQueue } from './queue.ts'

/** What the session manager can be told; the transport's options are in `SessionsOptions`. */
export interface ManagerOptions<Data extends object> {
  /** Where sessions live. Required: there is no silent default. */
  readonly store: SessionStore
  /**
   * Secrets that sign tokens: the first signs, all verify. Required with a durable store; random per process otherwise.
   * To change keys, deploy the new one last everywhere, then move it first; drop the old one after one absolute timeout.
   */
  readonly keys?: Key | readonly Key[]
  /** Idle timeout, default `'30m'`; `false` for none. It may fire up to `touchEvery` early. @see OWASP ASVS 5.0 7.3.1 */
  readonly idle?: Duration | false
  /** Absolute timeout, default `'24h'`. Only signing in again makes a new one. @see OWASP ASVS 5.0 7.3.2 */
  readonly absolute?: Duration
  /** How often a signed-in session's token is replaced while it is used, default `'15m'`; `false` for never. */
  readonly rotateEvery?: Duration | false
  /** How long a replaced token keeps working once its successor was seen, default `'60s'`, at least 2 × clockSkew + storeTimeout. */
  readonly overlap?: Duration
  /** Activity is written down at most this often, default a thirtieth of `idle` (15 minutes without one). */
  readonly touchEvery?: Duration
  /** How far the clocks of your processes may disagree, default `'5s'`. */
  readonly clockSkew?: Duration
  /** How long the reason of an ended session is remembered, default `'24h'`. */
  readonly retainEnded?: Duration
  /** How long one store call may take, default `'2s'`. A commit takes at most twice that. */
  readonly storeTimeout?: Duration
  /** What idling does to a signed-in session: end it (default), or lock it until one reauthentication. @see NIST SP 800-63B-4 §2.2.3 */
  readonly onIdle?: 'end' | 'lock'
  /** What a changed browser family or operating system does: nothing, an event (default), an event and a lock, or an end. */
  readonly fingerprint?: 'off' | 'observe' | 'lock' | 'end'
  /** Keep IP address and User-Agent of the sign-in as a label for lists of sessions, default false. */
  readonly device?: boolean
  /** Keys of the data that survive a sign-in, default none. */
  readonly carry?: readonly NoInfer<keyof Data & string>[]
  /** When a request cannot load its session: `'fail'` with a 503 (default), or go on as a read-only `'anonymous'` stand-in. */
  readonly onStoreError?: 'fail' | 'anonymous'
  /** Two requests plainly assigned the same key: the later one wins (default, an event), or gets an `SessionInterruptedError`. */
  readonly onOverwrite?: 'event' | 'throw'
  /** A response of 500 and above: drop data, sign-in and reauthentication (default), or `'keep'` them. */
  readonly onServerError?: 'drop' | 'keep'
  /** Any Standard Schema (zod, valibot, arktype …) that data must fit, synchronously. */
  readonly schema?: StandardSchemaV1<unknown, Data>
  /** What to do with stored data that does not fit the schema, default `'throw'` where it is read. */
  readonly onInvalid?: OnInvalid
  /** Version of the data's shape; older data goes through `migrate` when it is read. */
  readonly version?: number
  readonly migrate?: (data: Record<string, unknown>, from: number) => Record<string, unknown>
  /** How values become text, default JSON. */
  readonly codec?: Codec
  readonly clock?: Clock
  readonly random?: Random
}

declare const process: { readonly env?: Readonly<Record<string, string | undefined>> } | undefined

/** The options, checked and ready: what every step of the manager works with. */
export interface Engine {
  readonly store: SessionStore
  readonly tokens: Keyring
  readonly policy: Policy
  readonly shape: DataShape
  readonly clock: Clock
  readonly random: Random
  readonly hub: EventHub
  readonly queue: CommitQueue
  readonly storeTimeoutMs: number
  readonly carry: readonly string[]
  readonly device: boolean
  readonly onStoreError: 'fail' | 'anonymous'
  readonly onOverwrite: 'event' | 'throw'
  readonly onServerError: 'drop' | 'keep'
  /** NODE_ENV is not production. */
  readonly development: boolean
  /** Says something to the developer, once. */
  readonly advise: (message: string) => void
}

/** Checks the options; throws {@link ConfigError} for what cannot work or cannot be secure. */
export function createEngine<Data extends object>(options: ManagerOptions<Data>): Engine {
  checkStore(options.store)
  const random = options.random ?? systemRandom
  const storeTimeoutMs = readDuration(options.storeTimeout ?? '2s', 'storeTimeout')
  if (storeTimeoutMs === 0) throw new ConfigError('`storeTimeout` must be longer than 0.')
  const development = typeof process === 'undefined' || process?.env?.NODE_ENV !== 'production'
  const engine: Engine = {
    store: options.store,
    tokens: new Keyring(configuredKeys(options, random), 'token'),
    policy: readPolicy(options, storeTimeoutMs),
    shape: readShape(options),
    clock: options.clock ?? systemClock,
    random,
    hub: new EventHub(),
    queue: new CommitQueue(),
    storeTimeoutMs,
    carry: readCarry(options.carry),
    device: options.device ?? false,
    onStoreError: oneOf(options.onStoreError, ['fail', 'anonymous'], 'onStoreError'),
    onOverwrite: oneOf(options.onOverwrite, ['event', 'throw'], 'onOverwrite'),
    onServerError: oneOf(options.onServerError, ['drop', 'keep'], 'onServerError'),
    development,
    advise: adviser(development),
  }
  forwardEvictions(engine)
  return engine
}

function readPolicy<Data extends object>(options: ManagerOptions<Data>, storeTimeoutMs: number): Policy {
  const absoluteMs = readDuration(options.absolute ?? defaultPolicy.absoluteMs, 'absolute')
  const idleMs = options.idle === false ? null : readDuration(options.idle ?? Math.min(1_800_000, absoluteMs), 'idle')
  const overlapMs = readDuration(options.overlap ?? defaultPolicy.overlapMs, 'overlap')
  const clockSkewMs = readDuration(options.clockSkew ?? defaultPolicy.clockSkewMs, 'clockSkew')
  if (absoluteMs === 0) throw new ConfigError('`absolute` must be longer than 0.')
  if (idleMs === 0) throw new ConfigError('`idle` must be longer than 0; use `false` for no idle timeout.')
  if (idleMs !== null && idleMs > absoluteMs) throw new ConfigError('`idle` must not be longer than `absolute`.')
  if (overlapMs < 2 * clockSkewMs + storeTimeoutMs) {
    throw new ConfigError(
      `\`overlap\` (${overlapMs} ms) must be at least 2 × clockSkew + storeTimeout (${2 * clockSkewMs + storeTimeoutMs} ms), or requests in flight during a rotation would be taken for theft.`,
    )
  }
  const touchEveryMs =
    options.touchEvery === undefined
      ? Math.floor((idleMs ?? 27_000_000) / 30)
      : readDuration(options.touchEvery, 'touchEvery')
  if (idleMs !== null && touchEveryMs >= idleMs) throw new ConfigError('`touchEvery` must be shorter than `idle`.')
  return {
    idleMs,
    absoluteMs,
    rotateEveryMs:
      options.rotateEvery === false
        ? null
        : readDuration(options.rotateEvery ?? (defaultPolicy.rotateEveryMs as number), 'rotateEvery'),
    overlapMs,
    touchEveryMs,
    clockSkewMs,
    retainEndedMs: readDuration(options.retainEnded ?? defaultPolicy.retainEndedMs, 'retainEnded'),
    onIdle: oneOf(options.onIdle, ['end', 'lock'], 'onIdle'),
    fingerprint: oneOf(options.fingerprint, ['observe', 'off', 'lock', 'end'], 'fingerprint'),
  }
}

/** Configured keys are checked at once; those of a store without memory are drawn when they are first needed. */
function configuredKeys<Data extends object>(
  options: ManagerOptions<Data>,
  random: Random,
): () => readonly Uint8Array[] {
  if (options.keys !== undefined) {
    const keys = readKeys(options.keys)
    return () => keys
  }
  if (!options.store.durable) return () => [random.bytes(32)]
  throw new ConfigError(
    `\`keys\` is required with a durable store: without it every restart would sign everybody out. ${KEY_HINT}`,
  )
}

function checkStore(store: SessionStore | undefined): void {
  const methods = ['get', 'create', 'replace', 'touch'] as const
  const missing = methods.filter((method) => typeof store?.[method] !== 'function')
  if (missing.length > 0) {
    throw new ConfigError(
      `\`store\` is not a session store: ${missing.map((method) => `${method}()`).join(', ')} missing. Use memoryStore() or one of the @sess/store-* packages.`,
    )
  }
}

function readShape<Data extends object>(options: ManagerOptions<Data>): DataShape {
  const { codec, schema, version, migrate } = options
  const onInvalid = oneOf(options.onInvalid, ['throw', 'drop', 'end'], 'onInvalid')
  if (codec !== undefined && (typeof codec.stringify !== 'function' || typeof codec.parse !== 'function')) {
    throw new ConfigError('`codec` must have stringify() and parse(), like JSON has.')
  }
  if (schema !== undefined && typeof schema['~standard']?.validate !== 'function') {
    throw new ConfigError('`schema` must be a Standard Schema, as zod, valibot and arktype make them.')
  }
  if (version !== undefined && (!Number.isSafeInteger(version) || version < 1)) {
    throw new ConfigError('`version` must be a positive integer; data without one counts as version 0.')
  }
  if (migrate !== undefined && version === undefined)
    throw new ConfigError('`migrate` needs a `version` to migrate to.')
  return new DataShape({ ...options, onInvalid })
}

function readCarry(carry: readonly string[] = []): readonly string[] {
  if (Array.isArray(carry) && carry.every((key) => typeof key === 'string')) return [...carry]
  throw new ConfigError("`carry` must be an array of keys of the session's data, like ['cart'].")
}

function adviser(development: boolean): (message: string) => void {
  const said = new Set<string>()
  return (message) => {
    if (!development || said.has(message)) return
    said.add(message)
    console.warn(`sess: ${message}`)
  }
}

/** The first of `allowed` is the default. */
function oneOf<const T extends string>(value: T | undefined, allowed: readonly [T, ...T[]], name: string): T {
  if (value === undefined) return allowed[0]
  if (allowed.includes(value)) return value
  throw new ConfigError(`\`${name}\` is ${display(value)}; use one of: ${allowed.join(', ')}.`)
}

function forwardEvictions(engine: Engine): void {
  const store = engine.store as SessionStore & Partial<Evicting>
  if (typeof store.onEvict !== 'function') return
  store.onEvict((handle) => engine.hub.emit({ type: 'evicted', at: engine.clock.now(), handle, subject: null }))
}
