import { ConfigError, type Sessions } from '@sess/core'
import { needsFormToken, verifyForm } from '@sess/core/http'
import type { Context, MiddlewareHandler } from 'hono'

/**
 * Verifies form tokens, `c.var.session.csrfToken()`, where a request needs one: in every form with the profile `'nist'`, else from
 * browsers that do not tell where a request comes from. Use it behind `sess()`, and behind `bodyLimit()`: forms and JSON are
 * read here, and handlers can read them again. What `sess()` refuses by itself needs no second line. Throws a `CsrfError`.
 *
 * @example
 * ```ts
 * app.use(sess(sessions), csrf(sessions))
 * ```
 * @throws {ConfigError} without sessions
 */
export function csrf<Data extends object>(sessions: Sessions<Data>): MiddlewareHandler {
  if (typeof sessions?.open !== 'function')
    throw new ConfigError('csrf(sessions) needs what createSessions() returned.')
  return async (c, next) => {
    const session = sessions.of(c)
    if (needsFormToken(session)) verifyForm(session, await bodyOf(c))
    await next()
  }
}

/** What cannot be parsed has no token in it. */
async function bodyOf(c: Context): Promise<unknown> {
  const type = c.req.header('content-type') ?? ''
  try {
    return /^application\/(?:[^;]*\+)?json\b/i.test(type) ? await c.req.json() : await c.req.parseBody()
  } catch {
    return undefined
  }
}
