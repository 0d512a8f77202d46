import { ConfigError } from '../errors.ts'
import { type Duration, readDuration } from '../manager/duration.ts'

/** Options of {@link hsts}. */
export interface HstsOptions {
  /** How long browsers insist on https, default `'730d'`; at least a year. @see OWASP ASVS 5.0 3.4.1 */
  readonly maxAge?: Duration
  /** Default true: a subdomain over plain http could set cookies for its parents. */
  readonly includeSubDomains?: boolean
  /** Consent to the list that browsers are shipped with; hard to undo. Default false. */
  readonly preload?: boolean
}

/**
 * The value of a `Strict-Transport-Security` header: browsers then never speak plain http to this host again. Send it with every
 * https answer; over plain http it is ignored. @see RFC 6797 §6.1
 *
 * @example
 * ```ts
 * res.setHeader('Strict-Transport-Security', hsts())
 * ```
 * @throws {ConfigError} less than a year, or `preload` without subdomains
 */
export function hsts(options: HstsOptions = {}): string {
  const { maxAge = '730d', includeSubDomains = true, preload = false } = options
  const seconds = Math.floor(readDuration(maxAge, 'maxAge') / 1000)
  if (seconds < 365 * 24 * 60 * 60) throw new ConfigError("hsts(): `maxAge` must be at least a year, '365d'.")
  if (preload && !includeSubDomains) throw new ConfigError('hsts(): `preload` needs `includeSubDomains`.')
  return `max-age=${seconds}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`
}
