import type { FingerprintPolicy } from '../kernel/fingerprint.ts'
import { showDuration } from '../manager/duration.ts'
import type { Engine } from '../manager/engine.ts'
import { type Preset, type Shortfall, shortfalls } from '../manager/presets.ts'
import type { TokenTransport } from './carrier.ts'
import type { CookiePair } from './cookie.ts'
import type { CsrfProfile } from './csrf/options.ts'
import { type Deviation, deviationsOf } from './deviations.ts'

/** A duration for programs and for people. `null` and `'none'`: there is none. */
export interface Span {
  readonly ms: number | null
  readonly text: string
}

/** A cookie as it is set. */
export interface DescribedCookie {
  readonly name: string
  /** What follows the value; a `Max-Age` comes on top with `persistent: true`. */
  readonly attributes: string
  readonly purpose: string
  readonly when: string
}

/** Protection against requests of other sites, as it is in force. */
export interface DescribedCsrf {
  readonly profile: CsrfProfile
  /** Where browsers reach the application; null: taken from the adapter or the request. */
  readonly origin: string | null
  /** Further origins whose pages may send unsafe requests. */
  readonly origins: readonly string[]
  /** What becomes of requests with our cookie that do not tell where they come from. */
  readonly missing: 'token' | 'allow' | 'deny'
  /** Where form tokens are looked for. */
  readonly header: string
  readonly field: string
  readonly isolation: 'off' | 'same-origin' | 'same-site'
  /** Whether some requests may go unchecked. */
  readonly exempt: boolean
  /** Nothing is refused, only told. */
  readonly reportOnly: boolean
  /** Unsafe requests need the SameSite=Strict cookie as well. */
  readonly strictWrites: boolean
}

/** One use of cryptography. */
export interface CryptographyUse {
  readonly purpose: string
  readonly algorithm: string
  readonly bits: number
  /** What it is keyed with. */
  readonly key: string
}

/**
 * A configuration, explained: plain and JSON-safe, for audits, start-up logs and status pages. No key and no secret is in it.
 *
 * @see OWASP ASVS 5.0 7.1.1, 11.1.2
 */
export interface Description {
  readonly preset: Preset | null
  readonly times: Readonly<
    Record<
      | 'idle'
      | 'absolute'
      | 'persistentIdle'
      | 'persistentAbsolute'
      | 'rotateEvery'
      | 'overlap'
      | 'touchEvery'
      | 'clockSkew'
      | 'retainEnded'
      | 'storeTimeout',
      Span
    >
  >
  readonly onIdle: 'end' | 'lock'
  readonly onStoreError: 'fail' | 'anonymous'
  readonly client: {
    /** How a changed client is judged, or null. */
    readonly fingerprint: FingerprintPolicy | null
    readonly ipBinding: 'off' | 'prefix' | 'exact'
    /** What is stored about clients, erased when a session ends. */
    readonly kept: readonly string[]
  }
  readonly transport: 'cookie' | { readonly header: string }
  readonly cookies: readonly DescribedCookie[]
  /** Null where nothing is checked: with `csrf: false`, and where tokens travel in a header. */
  readonly csrf: DescribedCsrf | null
  /** Ids of the configured keys, made so that a key cannot be told from its id: the first signs, all verify. */
  readonly keys: { readonly origin: 'configured' | 'random per process'; readonly ids: readonly string[] }
  readonly cryptography: readonly CryptographyUse[]
  readonly store: {
    readonly durable: boolean
    /** What it can do beyond the contract. */
    readonly powers: readonly ('subjects' | 'endings' | 'scan' | 'prune' | 'evicts')[]
  }
  /** What keeps this configuration from each preset's bounds; empty: nothing does. */
  readonly shortOf: Readonly<Record<Preset, readonly Shortfall[]>>
  readonly deviations: readonly Deviation[]
}

/** Explains a configuration. */
export function describe(engine: Engine, transport: TokenTransport, preset: Preset | undefined): Description {
  const { policy, onStoreError } = engine
  const { fingerprint, ipBinding, onIdle } = policy
  const ids = engine.keyIds()
  const { header } = transport
  const shortOf = (name: Preset) => shortfalls(name, policy)
  return {
    preset: preset ?? null,
    times: timesOf(engine),
    onIdle,
    onStoreError,
    client: { fingerprint: fingerprint === null ? null : copyOf(fingerprint), ipBinding, kept: keptOf(engine) },
    transport: header === null ? 'cookie' : { header },
    cookies: header === null ? cookiesOf(engine, transport) : [],
    csrf: csrfOf(transport),
    keys: { origin: ids.length === 0 ? 'random per process' : 'configured', ids },
    cryptography: cryptographyOf(engine),
    store: { durable: engine.store.durable, powers: powersOf(engine) },
    shortOf: { aal1: shortOf('aal1'), aal2: shortOf('aal2'), aal3: shortOf('aal3'), highValue: shortOf('highValue') },
    deviations: deviationsOf(engine, transport),
  }
}

function copyOf(policy: FingerprintPolicy): FingerprintPolicy {
  return { ...policy, weights: { ...policy.weights }, marks: { ...policy.marks } }
}

function timesOf({ policy, storeTimeoutMs }: Engine): Description['times'] {
  return {
    idle: span(policy.idleMs),
    absolute: span(policy.absoluteMs),
    persistentIdle: span(policy.persistentIdleMs),
    persistentAbsolute: span(policy.persistentAbsoluteMs),
    rotateEvery: span(policy.rotateEveryMs),
    overlap: span(policy.overlapMs),
    touchEvery: span(policy.touchEveryMs),
    clockSkew: span(policy.clockSkewMs),
    retainEnded: span(policy.retainEndedMs),
    storeTimeout: span(storeTimeoutMs),
  }
}

function span(ms: number | null): Span {
  return { ms, text: ms === null ? 'none' : showDuration(ms) }
}

function keptOf({ policy, client, device }: Engine): string[] {
  const kept: string[] = []
  if (client.portrait) kept.push('browser family, major version, operating system class and primary language')
  if (client.address !== 'nothing') kept.push('keyed digests of the last networks (IPv4 /24, IPv6 /64)')
  if (client.locate !== null) kept.push('keyed digests of the last autonomous systems and countries')
  if (client.address === 'whole') kept.push('keyed digest of the IP address')
  const own = Object.keys(policy.fingerprint?.marks ?? {})
  if (client.portrait) kept.push(['keyed digests of unknown User-Agents', ...own].join(', '))
  if (device) kept.push('IP address, User-Agent and name of the sign-in, in clear')
  return kept
}

function cookiesOf({ development }: Engine, { cookies }: TokenTransport): DescribedCookie[] {
  const pairs: readonly (readonly [CookiePair | null, string])[] = [
    [cookies, 'the session token'],
    [cookies.write, 'shows that an own page made the request'],
    [cookies.visitor, 'what form tokens of visitors without a session are bound to'],
  ]
  return pairs.flatMap(([pair, purpose]) => {
    if (pair === null) return []
    const secure = { ...pair.secure, purpose, when: 'https' }
    return development ? [secure, { ...pair.development, purpose, when: 'plain http on loopback' }] : [secure]
  })
}

function csrfOf({ csrf }: TokenTransport): DescribedCsrf | null {
  if (csrf === null) return null
  return { ...csrf, origins: [...csrf.origins], exempt: csrf.exempt !== null }
}

function cryptographyOf({ client }: Engine): CryptographyUse[] {
  const uses: CryptographyUse[] = [
    { purpose: 'session ids', algorithm: 'CSPRNG', bits: 256, key: 'none' },
    { purpose: 'subkeys', algorithm: 'HKDF-SHA-256', bits: 256, key: '`keys`' },
    { purpose: 'tokens', algorithm: 'HMAC-SHA-256', bits: 256, key: 'subkey sess/token/v1' },
    { purpose: 'store keys and handles', algorithm: 'SHA-256 of the session id', bits: 256, key: 'none' },
    { purpose: 'ids of keys', algorithm: 'HMAC-SHA-256, cut', bits: 48, key: 'subkey sess/key-id/v1' },
    { purpose: 'form tokens', algorithm: 'HMAC-SHA-256', bits: 256, key: 'subkey sess/csrf/v1' },
    { purpose: 'credential stamps', algorithm: 'HKDF- and HMAC-SHA-256', bits: 256, key: 'the session id' },
  ]
  if (client.address === 'nothing') return uses
  return [...uses, { purpose: 'features of clients', algorithm: 'HMAC-SHA-256, cut', bits: 96, key: 'the session id' }]
}

function powersOf({ store }: Engine): Description['store']['powers'] {
  const methods = { subjects: 'listBySubject', endings: 'onEnding', scan: 'scan', prune: 'prune', evicts: 'onEvict' }
  const powers = Object.keys(methods) as (keyof typeof methods)[] // its own
  return powers.filter((power) => methods[power] in store)
}
