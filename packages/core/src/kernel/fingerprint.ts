import type { Policy } from './policy.ts'
import type { Fingerprint } from './record.ts'

/** What is compared. `mode` is the other of two systems between which "desktop site" switches one and the same device. */
export type Signal =
  | 'browser'
  | 'os'
  | 'contradiction'
  | 'version'
  | 'mode'
  | 'agent'
  | 'language'
  | 'country'
  | 'asn'
  | 'network'

/** What a score amounts to: nothing, an event, a lock until the user proves who they are, or the end. */
export type Band = 'ok' | 'observe' | 'lock' | 'end'

/** How a changed client is judged. Scores are sums of weights; a threshold of `null` is never reached. */
export interface FingerprintPolicy {
  /** What a change of each signal adds. Of `country`, `asn` and `network` only the heaviest that changed counts. */
  readonly weights: Readonly<Record<Signal, number>>
  /** The same for the application's own signals, by name. */
  readonly marks: Readonly<Record<string, number>>
  readonly observeAt: number
  readonly lockAt: number | null
  readonly endAt: number | null
  /** Only say what would have happened. */
  readonly reportOnly: boolean
  /** On a network that the session has been on, nothing but an event, unless an own signal changed: see {@link fingerprintLevels}. */
  readonly spareKnownNetworks: boolean
}

/** What {@link assess} found. */
export interface Assessment {
  readonly score: number
  /** What differs: signals, names of own signals, `address` for a broken IP binding. */
  readonly reasons: readonly string[]
  readonly band: Band
  /** Whether the band is to be carried out; false under `reportOnly`. */
  readonly enforced: boolean
}

/**
 * The weights decide what cannot happen: everything that changes on an honest client (a newer version, "desktop site", another
 * language, another network, autonomous system or country) adds up to less than a lock, and a lock takes another browser or
 * another operating system, or hints that contradict the User-Agent on top of a change of place.
 */
const WEIGHTS: FingerprintPolicy['weights'] = {
  browser: 60,
  os: 60,
  contradiction: 40,
  version: 20,
  mode: 5,
  agent: 10,
  language: 5,
  country: 25,
  asn: 10,
  network: 5,
}

const standard: FingerprintPolicy = {
  weights: WEIGHTS,
  marks: {},
  observeAt: 20,
  lockAt: 60,
  endAt: null,
  reportOnly: false,
  spareKnownNetworks: true,
}

/**
 * The policies by name. `standard` locks, and spares networks that the session has been on, because developer tools and
 * browsers that pose as others change everything but the network. `observe` is `standard` in words only. `strict` spares
 * nothing, and ends a session whose browser and operating system both changed on another network.
 *
 * @see OWASP Cookie Theft Mitigation Cheat Sheet
 */
export const fingerprintLevels: Readonly<Record<'observe' | 'standard' | 'strict', FingerprintPolicy>> = {
  observe: { ...standard, reportOnly: true },
  standard,
  strict: { ...standard, lockAt: 40, endAt: 125, spareKnownNetworks: false },
}

/** How many places of each kind a session remembers. */
const PLACES = 4
const NOTHING: Assessment = { score: 0, reasons: [], band: 'ok', enforced: false }

/**
 * Compares what a client looks like now with what it looked like when its session was issued. What is absent on either side is
 * neutral. A match proves nothing: this finds thefts, it admits nobody.
 *
 * @see OWASP Session Management Cheat Sheet, Binding the Session ID to Other User Properties
 */
export function assess(
  baseline: Fingerprint | null,
  observed: Fingerprint | null,
  policy: Pick<Policy, 'fingerprint' | 'ipBinding'>,
): Assessment {
  if (baseline === null || observed === null) return NOTHING
  const broken = breaksBinding(baseline, observed, policy.ipBinding)
  const { fingerprint } = policy
  if (fingerprint === null) {
    return broken ? { score: 0, reasons: ['address'], band: 'lock', enforced: true } : NOTHING
  }
  const changes = weigh(baseline, observed, fingerprint)
  if (changes.length === 0 && !broken) return NOTHING
  const score = changes.reduce((sum, [, weight]) => sum + weight, 0)
  const reasons = changes.map(([reason]) => reason)
  const reached = bandOf(score, fingerprint)
  const own = reasons.some((reason) => Object.hasOwn(fingerprint.marks, reason))
  const spared = fingerprint.spareKnownNetworks && !own && onKnownNetwork(baseline, observed)
  const band = spared && reached !== 'ok' ? 'observe' : reached
  if (!broken) return { score, reasons, band, enforced: !fingerprint.reportOnly }
  const ends = band === 'end' && !fingerprint.reportOnly
  return { score, reasons: [...reasons, 'address'], band: ends ? 'end' : 'lock', enforced: true }
}

/**
 * The baseline after an accepted request: a higher version of the same browser and the places it came from are taken in;
 * browser, operating system, language and own signals never. The same object if nothing is new.
 */
export function drift(
  baseline: Fingerprint,
  observed: Fingerprint,
  { ipBinding }: Pick<Policy, 'ipBinding'>,
): Fingerprint {
  const updated = baseline.browser === observed.browser && Number(observed.version) > Number(baseline.version)
  const next = updated ? { ...baseline, version: Number(observed.version) } : baseline
  const { places = [] } = observed
  const known = baseline.places ?? []
  if (ipBinding !== 'off' || places.every((place) => known.includes(place))) return next
  const all = [...known.filter((place) => !places.includes(place)), ...places]
  return { ...next, places: all.filter((place, at) => !isCrowdedOut(all, place, at)) }
}

/** Whether a device shows one of these as "desktop site" and the other otherwise. */
export function isModeOf(os: string, other: string): boolean {
  const pair = `${os} ${other}`
  return pair === 'android linux' || pair === 'linux android' || pair === 'ios macos' || pair === 'macos ios'
}

const NO_CHANGES: readonly (readonly [reason: string, weight: number])[] = []

function weigh(
  baseline: Fingerprint,
  observed: Fingerprint,
  policy: FingerprintPolicy,
): readonly (readonly [reason: string, weight: number])[] {
  const { weights, marks } = policy
  const signals: Signal[] = changedAgent(baseline, observed)
  if (differ(baseline.language, observed.language)) signals.push('language')
  if (differ(baseline.marks?.agent, observed.marks?.agent)) signals.push('agent')
  const place = heaviestMove(baseline, observed, weights)
  if (place !== null) signals.push(place)
  const own = Object.keys(marks).filter((name) => differ(baseline.marks?.[name], observed.marks?.[name]))
  if (signals.length + own.length === 0) return NO_CHANGES
  const changes = [
    ...signals.map((name) => [name, weights[name]] as const),
    ...own.map((name) => [name, Number(marks[name])] as const),
  ]
  return changes.filter(([, weight]) => weight > 0)
}

function changedAgent(baseline: Fingerprint, observed: Fingerprint): Signal[] {
  const signals: Signal[] = []
  const browserChanged = differ(baseline.browser, observed.browser)
  if (browserChanged) signals.push('browser')
  // A browser's own updates only go up; one version back is a staged roll-out.
  else if (Number(observed.version) < Number(baseline.version) - 1) signals.push('version')
  if (baseline.os !== undefined && observed.os !== undefined && baseline.os !== observed.os) {
    signals.push(!browserChanged && isModeOf(baseline.os, observed.os) ? 'mode' : 'os')
  }
  if (observed.contradiction === true && baseline.contradiction !== true) signals.push('contradiction')
  return signals
}

function differ(before: string | undefined, after: string | undefined): boolean {
  return before !== undefined && after !== undefined && before !== after
}

/** A kind of place that the baseline does not know (IPv6 after IPv4) is neutral. */
function heaviestMove(
  { places: known = [] }: Fingerprint,
  { places = [] }: Fingerprint,
  weights: FingerprintPolicy['weights'],
): 'country' | 'asn' | 'network' | null {
  if (places.length === 0) return null
  const left = places.filter(
    (place) => !known.includes(place) && known.some((other) => kindOf(other) === kindOf(place)),
  )
  const moved = left.map((place) => (isNetwork(place) ? 'network' : (kindOf(place) as 'asn' | 'country')))
  return moved.reduce<(typeof moved)[number] | null>(
    (most, next) => (most === null || weights[next] > weights[most] ? next : most),
    null,
  )
}

function bandOf(score: number, { observeAt, lockAt, endAt }: FingerprintPolicy): Band {
  if (endAt !== null && score >= endAt) return 'end'
  if (lockAt !== null && score >= lockAt) return 'lock'
  return score >= observeAt ? 'observe' : 'ok'
}

function onKnownNetwork({ places: known = [] }: Fingerprint, { places = [] }: Fingerprint): boolean {
  return places.some((place) => isNetwork(place) && known.includes(place))
}

/** A request from no known address is not judged, and neither is a session that began at none. */
function breaksBinding(baseline: Fingerprint, observed: Fingerprint, binding: Policy['ipBinding']): boolean {
  if (binding === 'off') return false
  if (binding === 'exact') return differ(baseline.address, observed.address)
  const bound = baseline.places?.filter(isNetwork) ?? []
  const seen = observed.places?.filter(isNetwork) ?? []
  return bound.length > 0 && seen.some((place) => !bound.includes(place))
}

function isCrowdedOut(places: readonly string[], place: string, at: number): boolean {
  return places.slice(at + 1).filter((later) => kindOf(later) === kindOf(place)).length >= PLACES
}

function isNetwork(place: string): boolean {
  return place.startsWith('4.') || place.startsWith('6.')
}

function kindOf(place: string): string {
  return place.slice(0, place.indexOf('.'))
}
