import { ConfigError } from '../../errors.ts'
import { display } from '../../manager/duration.ts'
import { hostOf, isSecure, type RequestFacts } from '../facts.ts'

const DEFAULT_PORT: readonly [RegExp, string][] = [
  [/^(https:\/\/.*):443$/, '$1'],
  [/^(http:\/\/.*):80$/, '$1'],
]

/** Scheme, host and port as browsers write them in `Origin`: lower case, default ports left out. @see RFC 6454 §6.2 */
export function normalOrigin(origin: string): string {
  const lower = origin.toLowerCase()
  return DEFAULT_PORT.reduce((text, [pattern, short]) => text.replace(pattern, short), lower)
}

/** Checks a configured origin; `name` is the option to blame. */
export function readOrigin(origin: unknown, name: string, scheme: RegExp = /^[a-z]/i): string {
  const shape = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::\d+)?$/i
  if (typeof origin === 'string' && shape.test(origin) && scheme.test(origin)) return normalOrigin(origin)
  throw new ConfigError(
    `\`${name}\`: ${display(origin)} is no origin. Write scheme, host and port without anything behind, like 'https://shop.example'; other alphabets as browsers send them (xn--…).`,
  )
}

/** The origin of the pages that this request's server sends, or null where nothing tells. */
export function ownOrigin(facts: RequestFacts, configured: string | null): string | null {
  if (configured !== null) return configured
  if (facts.origin !== undefined) return normalOrigin(facts.origin)
  const host = hostOf(facts)
  return host === undefined ? null : normalOrigin(`${isSecure(facts) ? 'https' : 'http'}://${host}`)
}

/** The origin of an absolute address, or null. */
export function originOf(address: string): string | null {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.exec(address)?.[0] ?? null
}
