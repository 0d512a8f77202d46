import { ConfigError, type Sessions } from '@sess/core'
import { verifyForm } from '@sess/core/http'

/** Middleware for Koa 2 and 3. */
export type CsrfMiddleware = (
  ctx: { readonly request: { readonly body?: unknown } },
  next: () => Promise<unknown>,
) => Promise<void>

/**
 * Verifies form tokens, `ctx.session.csrfToken()`, where a request needs one: in every form with the profile `'nist'`, else from
 * browsers that do not tell where a request comes from. Mount it behind `sess()` and the body parser (`@koa/bodyparser`,
 * `koa-body`, `@koa/multer`); what `sess()` refuses by itself needs no second line. Throws a `CsrfError`.
 *
 * @example
 * ```ts
 * app.use(sess(sessions)).use(bodyParser()).use(csrf(sessions))
 * ```
 * @throws {ConfigError} without sessions
 */
export function csrf<Data extends object>(sessions: Sessions<Data>): CsrfMiddleware {
  if (typeof sessions?.open !== 'function')
    throw new ConfigError('csrf(sessions) needs what createSessions() returned.')
  return async (ctx, next) => {
    verifyForm(sessions.of(ctx), ctx.request.body)
    await next()
  }
}
