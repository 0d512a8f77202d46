import type { Authentication } from './record.ts'

/** What a proof of identity must have been. */
export interface Demand {
  /** It must be younger than this, in ms. */
  readonly maxAgeMs: number
  /** All of these methods must have been used, each within `maxAgeMs`. */
  readonly methods: readonly string[]
  /** At least this level must have been reached, within `maxAgeMs`; null asks for none. */
  readonly level: number | null
}

/** What a proof falls short in. */
export type Lack = 'methods' | 'level' | 'age'

/**
 * What is missing for `demand`, or null if nothing is. Half-open: a proof that is `maxAgeMs` old is too old. Judged as of
 * the request's arrival, so that a slow request does not grow stale under its own feet.
 *
 * @see OWASP ASVS 5.0 7.5.1 and 7.5.3; RFC 9470
 */
export function lacking(auth: Authentication, demand: Demand, arrivedAt: number): Lack | null {
  const { methods, level } = demand
  if (!methods.every((method) => auth.methods.includes(method))) return 'methods'
  if (level !== null && (auth.level === null || auth.level < level)) return 'level'
  const instants = methods.map((method) => auth.usedAt?.[auth.methods.indexOf(method)] ?? auth.at)
  if (level !== null) instants.push(auth.levelAt ?? auth.at)
  return arrivedAt - Math.min(auth.at, ...instants) < demand.maxAgeMs ? null : 'age'
}
