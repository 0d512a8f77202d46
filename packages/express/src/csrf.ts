import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConfigError, type Sessions } from '@sess/core'
import { verifyForm } from '@sess/core/http'

/** Middleware for Express 4 and 5. */
export type CsrfHandler = (
  req: IncomingMessage & { readonly body?: unknown },
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Verifies form tokens, `req.session.csrfToken()`, where a request needs one: in every form with the profile `'nist'`, else from
 * browsers that do not tell where a request comes from. Mount it behind `sess()` and the body parsers, multer included; what
 * `sess()` refuses by itself needs no second line. Refusals go to `next(error)`, a `CsrfError`.
 *
 * @example
 * ```ts
 * app.use(sess(sessions), express.urlencoded({ extended: false }), csrf(sessions))
 * ```
 * @throws {ConfigError} without sessions
 */
export function csrf<Data extends object>(sessions: Sessions<Data>): CsrfHandler {
  if (typeof sessions?.open !== 'function')
    throw new ConfigError('csrf(sessions) needs what createSessions() returned.')
  return (req, _res, next) => {
    verifyForm(sessions.of(req), req.body)
    next()
  }
}
