import type { Freshness, Sessions } from '@sess/core'
import { freshnessGuard } from '@sess/core/http'
import type { SessHandler } from './express.ts'

/**
 * A guard for routes: lets requests pass whose user has proved who they are as recently, and as well, as you say. Otherwise
 * it throws a `FreshnessError`, which goes to your error handler: 401, with a challenge. It looks at `req.session`; hand in
 * the `sessions` if yours are elsewhere.
 *
 * @example
 * ```ts
 * app.post('/password', requireFresh('5m'), changePassword)
 * ```
 * @throws {ConfigError} what is demanded cannot be met
 */
export function requireFresh(freshness: Freshness, sessions?: Sessions<object>): SessHandler {
  const check = freshnessGuard(freshness)
  return (req, _res, next) => {
    check(sessions === undefined ? Reflect.get(req, 'session') : sessions.of(req))
    next()
  }
}
