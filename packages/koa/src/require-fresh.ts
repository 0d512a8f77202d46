import type { Freshness, Sessions } from '@sess/core'
import { freshnessGuard } from '@sess/core/http'
import type { SessMiddleware } from './koa.ts'

/**
 * A guard for routes: lets requests pass whose user has proved who they are as recently, and as well, as you say. Otherwise
 * it throws a `FreshnessError`, which goes to your error handling: 401, with a challenge. It looks at `ctx.session`; hand in
 * the `sessions` if yours are elsewhere.
 *
 * @example
 * ```ts
 * router.post('/password', requireFresh('5m'), changePassword)
 * ```
 * @throws {ConfigError} what is demanded cannot be met
 */
export function requireFresh(freshness: Freshness, sessions?: Sessions<object>): SessMiddleware {
  const check = freshnessGuard(freshness)
  return async (ctx, next) => {
    check(sessions === undefined ? Reflect.get(ctx, 'session') : sessions.of(ctx))
    await next()
  }
}
