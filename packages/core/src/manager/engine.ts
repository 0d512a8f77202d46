import { KEY_HINT, Keyring, keyId, readKeys } from '../crypto/keyring.ts'
import { DataShape } from '../data/shape.ts'
import { ConfigError } from '../errors.ts'
import type { Policy } from '../kernel/policy.ts'
import { oneOf, readDuration } from './duration.ts'
import { EventHub } from './event-hub.ts'
import { type ClientSettings, readClientSettings } from './fingerprint-options.ts'
import { type Limit, readLimit } from './limits.ts'
import type { ManagerOptions } from './options.ts'
import { readPolicy } from './policy-options.ts'
import { type Clock, type Evicting, type Random, type SessionStore, systemClock, systemRandom } from './ports.ts'
import { CommitQueue } from './queue.ts'

declare const process: { readonly env?: Readonly<Record<string, string | undefined>> } | undefined

/** The options, checked and ready: what every step of the manager works with. */
export interface Engine {
  readonly store: SessionStore
  readonly tokens: Keyring
  /** Public names of the configured keys, in the order of the ring; none where they are drawn at random. */
  readonly keyIds: () => readonly string[]
  /** The keys of a further purpose. */
  readonly keyring: (purpose: string) => Keyring
  readonly policy: Policy
  readonly client: ClientSettings
  readonly shape: DataShape
  readonly clock: Clock
  readonly random: Random
  readonly hub: EventHub
  readonly queue: CommitQueue
  readonly storeTimeoutMs: number
  readonly carry: readonly string[]
  /** Whether sign-ins may be persistent. */
  readonly persistent: boolean
  readonly device: boolean
  readonly limit: Limit | null
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
  checkTypes(options)
  const random = options.random ?? systemRandom
  const storeTimeoutMs = readDuration(options.storeTimeout ?? '2s', 'storeTimeout')
  if (storeTimeoutMs === 0) throw new ConfigError('`storeTimeout` must be longer than 0.')
  const keys = configuredKeys(options, random)
  const keyring = (purpose: string) => new Keyring(keys, purpose)
  const development = typeof process === 'undefined' || process?.env?.NODE_ENV !== 'production'
  const policy = readPolicy(options, storeTimeoutMs)
  const engine: Engine = {
    store: options.store,
    tokens: keyring('token'),
    keyring,
    keyIds: () => (options.keys === undefined ? [] : keys().map(keyId)),
    policy,
    client: readClientSettings(options.fingerprint, policy),
    shape: readShape(options),
    clock: options.clock ?? systemClock,
    random,
    hub: new EventHub(),
    queue: new CommitQueue(),
    storeTimeoutMs,
    carry: readCarry(options.carry),
    device: (options.device ?? false) !== false,
    limit: readLimit(options.limit, options.store),
    persistent: options.persistent !== false,
    onStoreError: oneOf(options.onStoreError, ['fail', 'anonymous'], 'onStoreError'),
    onOverwrite: oneOf(options.onOverwrite, ['event', 'throw'], 'onOverwrite'),
    onServerError: oneOf(options.onServerError, ['drop', 'keep'], 'onServerError'),
    development,
    advise: adviser(development),
  }
  forwardEvictions(engine)
  return engine
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

function checkTypes<Data extends object>({ clock, random, device }: ManagerOptions<Data>): void {
  if (clock !== undefined && typeof clock?.now !== 'function') {
    throw new ConfigError('`clock` must have now(), giving milliseconds, like Date has.')
  }
  if (random !== undefined && typeof random?.bytes !== 'function') {
    throw new ConfigError('`random` must have bytes(size), giving that many random bytes.')
  }
  if (device !== undefined && typeof device !== 'boolean' && typeof device?.describe !== 'function') {
    throw new ConfigError('`device` must be true, false, or { describe: (userAgent) => name }.')
  }
}

function forwardEvictions(engine: Engine): void {
  const store = engine.store as SessionStore & Partial<Evicting>
  if (typeof store.onEvict !== 'function') return
  store.onEvict((handle) => engine.hub.emit({ type: 'evicted', at: engine.clock.now(), handle, subject: null }))
}
