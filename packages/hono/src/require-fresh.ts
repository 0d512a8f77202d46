import type { Freshness, Sessions } from '@sess/core'
import { freshnessGuard } from '@sess/core/http'
import type { MiddlewareHandler } from 'hono'

/**
 * A guard for routes: lets requests pass whose user has proved who they are as recently, and as well, as you say. Otherwise
 * it throws a `FreshnessError`, 401, for `app.onError`; without one Hono sends its challenge and problem+json. It looks at
 * `c.var.session`; hand in the `sessions` if yours are elsewhere.
 *
 * @example
 * ```ts
 * app.post('/password', requireFresh('5m'), changePassword)
 * ```
 * @throws {ConfigError} what is demanded cannot be met
 */
export function requireFresh(freshness: Freshness, sessions?: Sessions<object>): MiddlewareHandler {
  const check = freshnessGuard(freshness)
  return async (c, next) => {
    check(sessions === undefined ? c.get('session') : sessions.of(c))
    await next()
  }
}
