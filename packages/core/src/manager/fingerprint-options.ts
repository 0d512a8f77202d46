import { ConfigError } from '../errors.ts'
import { type FingerprintPolicy, fingerprintLevels, type Signal } from '../kernel/fingerprint.ts'
import type { Policy } from '../kernel/policy.ts'
import { display, oneOf } from './duration.ts'

/** What is known about the network of an address. */
export interface NetworkInfo {
  /** Autonomous system. */
  readonly asn?: number | string
  /** ISO 3166 code. */
  readonly country?: string
  /** The address is shared by the users of a relay or VPN (iCloud Private Relay …): only its country is compared. */
  readonly relay?: boolean
}

/** Looks an address up, in a MaxMind database for instance. What it throws or rejects with counts as knowing nothing. */
export type Locate = (ip: string) => NetworkInfo | null | undefined | Promise<NetworkInfo | null | undefined>

/** A signal of the application's own: a header that a trusted proxy sets, and removes if a client sent it. */
export interface OwnSignal {
  /** Name of the request header, e.g. `'x-ja4'`. */
  readonly header: string
  /** What a change adds to the score; from 60 on it locks by itself under `'standard'`. */
  readonly weight: number
}

/** How a changed client is judged: a level, and what is to differ from it. */
export interface FingerprintOptions {
  /** Where to start from, default `'observe'` (with `preset: 'highValue'`: `'standard'`). */
  readonly level?: 'observe' | 'standard' | 'strict'
  /** Only events that say what would have happened; default true for `'observe'`, false for the others. */
  readonly reportOnly?: boolean
  /** What a change of each signal adds to the score; 0 leaves a signal out. */
  readonly weights?: Partial<Readonly<Record<Signal, number>>>
  /** Score from which on an event is raised, default 20. */
  readonly observeAt?: number
  /** Score from which on the session is locked until a `reauthenticate()`, default 60 (`'strict'`: 40); `false` for never. */
  readonly lockAt?: number | false
  /** Score from which on the session is ended, default `false` (`'strict'`: 125). */
  readonly endAt?: number | false
  /** Nothing but an event where the session has been on the network (IPv4 /24, IPv6 /64) before, default true (`'strict'`: false). */
  readonly spareKnownNetworks?: boolean
  /**
   * Gives the autonomous system and the country of an address. A promise is never waited for: what it resolves to counts from
   * the next request of this address on. 1000 answers are kept for as long as the process lives.
   */
  readonly locate?: Locate
  /** Signals of your own, by name. */
  readonly signals?: Readonly<Record<string, OwnSignal>>
}

/** What is collected of each request. */
export interface ClientSettings {
  readonly locate: Locate | null
  /** Header by name of the signal. */
  readonly headers: Readonly<Record<string, string>>
  /** The fingerprint is on: what the browser says about itself, and own signals. */
  readonly portrait: boolean
  /** How much of the address is looked at. */
  readonly address: 'nothing' | 'network' | 'whole'
  /** Features that have to be digested could make a difference by themselves. */
  readonly digestsMatter: boolean
}

const NAMES: Readonly<Record<keyof FingerprintOptions, null>> = {
  level: null,
  reportOnly: null,
  weights: null,
  observeAt: null,
  lockAt: null,
  endAt: null,
  spareKnownNetworks: null,
  locate: null,
  signals: null,
}

/** The policy that a level or options stand for; null for `'off'`. Options without a level start from `usual`. */
export function readFingerprint(
  option: FingerprintOptions | 'off' | 'observe' | 'standard' | 'strict' | undefined,
  usual: FingerprintPolicy,
): FingerprintPolicy | null {
  if (option === undefined) return usual
  if (typeof option !== 'object' || option === null) {
    const level = oneOf(option, ['observe', 'standard', 'strict', 'off'], 'fingerprint')
    return level === 'off' ? null : fingerprintLevels[level]
  }
  checkNames(option)
  const { level } = option
  const base =
    level === undefined
      ? usual
      : fingerprintLevels[oneOf(level, ['observe', 'standard', 'strict'], 'fingerprint.level')]
  const policy: FingerprintPolicy = {
    weights: { ...base.weights, ...option.weights },
    marks: Object.fromEntries(Object.entries(option.signals ?? {}).map(([name, { weight }]) => [name, weight])),
    observeAt: option.observeAt ?? base.observeAt,
    lockAt: option.lockAt === false ? null : (option.lockAt ?? base.lockAt),
    endAt: option.endAt === false ? null : (option.endAt ?? base.endAt),
    reportOnly: option.reportOnly ?? base.reportOnly,
    spareKnownNetworks: option.spareKnownNetworks ?? base.spareKnownNetworks,
  }
  checkNumbers(policy)
  return policy
}

/** What requests have to be asked for under this policy. */
export function readClientSettings(
  option: FingerprintOptions | string | undefined,
  { fingerprint: policy, ipBinding }: Pick<Policy, 'fingerprint' | 'ipBinding'>,
): ClientSettings {
  const { locate, signals = {} }: FingerprintOptions = typeof option === 'object' && option !== null ? option : {}
  const { network, country, asn, agent } = policy?.weights ?? { network: 0, country: 0, asn: 0, agent: 0 }
  const own = Object.values(policy?.marks ?? {}).reduce((sum, weight) => sum + weight, 0)
  const place = locate === undefined ? network : Math.max(network, country, asn)
  return {
    locate: locate ?? null,
    headers: Object.fromEntries(Object.entries(signals).map(([name, { header }]) => [name, header.toLowerCase()])),
    portrait: policy !== null,
    address: ipBinding === 'exact' ? 'whole' : policy === null && ipBinding === 'off' ? 'nothing' : 'network',
    digestsMatter: ipBinding !== 'off' || (policy !== null && place + agent + own >= policy.observeAt),
  }
}

function checkNames(options: FingerprintOptions): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name))
  if (unknown !== undefined) {
    throw new ConfigError(`\`fingerprint.${unknown}\` is no option. There are: ${Object.keys(NAMES).join(', ')}.`)
  }
  if (options.locate !== undefined && typeof options.locate !== 'function') {
    throw new ConfigError('`fingerprint.locate` must be a function of an address that gives { asn, country }.')
  }
  const signals = Object.keys(fingerprintLevels.standard.weights)
  for (const name of Object.keys(options.weights ?? {})) {
    if (!signals.includes(name))
      throw new ConfigError(`\`fingerprint.weights.${name}\` is no signal. There are: ${signals.join(', ')}.`)
  }
  for (const [name, signal] of Object.entries(options.signals ?? {})) {
    if ([...signals, 'address'].includes(name))
      throw new ConfigError(`\`fingerprint.signals.${name}\`: the name is taken; use another.`)
    if (!/^[A-Za-z0-9-]+$/.test(Object(signal).header ?? ''))
      throw new ConfigError(`\`fingerprint.signals.${name}.header\` must be the name of a request header.`)
  }
}

function checkNumbers({ weights, marks, observeAt, lockAt, endAt }: FingerprintPolicy): void {
  const numbers = { ...prefixed('weights', weights), ...prefixed('signals', marks), observeAt, lockAt, endAt }
  for (const [name, value] of Object.entries(numbers)) {
    if (value === null || (Number.isFinite(value) && (value as number) >= 0)) continue
    throw new ConfigError(`\`fingerprint.${name}\` is ${display(value)}; use a number from 0 up.`)
  }
  const rising = [0.001, observeAt, ...[lockAt, endAt].filter((step) => step !== null)]
  if (rising.every((step, at) => at === 0 || step >= (rising[at - 1] as number))) return
  throw new ConfigError(
    '`fingerprint`: `observeAt` must be above 0, and `lockAt` and `endAt` must not be below what comes before them.',
  )
}

function prefixed(prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]))
}
