import { NotMountedError } from '../errors.ts'
import { type Freshness, readFreshness } from '../manager/freshness.ts'
import type { Session } from '../manager/session.ts'

/**
 * The decision behind an adapter's `requireFresh()`: a function that takes whatever stands where the session is expected, and
 * throws what `session.requireFresh()` throws.
 *
 * @throws {ConfigError} what is demanded cannot be met: at once, where the guard is made
 */
export function freshnessGuard(freshness: Freshness): (session: unknown) => void {
  readFreshness(freshness)
  return (session) => {
    const { requireFresh } = Object(session) as Partial<Session>
    if (typeof requireFresh !== 'function') throw new NotMountedError()
    requireFresh.call(session, freshness)
  }
}
