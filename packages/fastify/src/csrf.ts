import { ConfigError, type Sessions } from '@sess/core'
import { verifyForm } from '@sess/core/http'
import type { FastifyRequest } from 'fastify'

/** A hook for `preValidation` or `preHandler`. */
export type CsrfHook = (request: FastifyRequest) => Promise<void>

/**
 * Verifies form tokens, `request.session.csrfToken()`, where a request needs one: in every form with the profile `'nist'`, else
 * from browsers that do not tell where a request comes from. Add it after `@fastify/formbody` and `@fastify/multipart` (with
 * `attachFieldsToBody`); what the plugin `sess` refuses by itself needs no second line. Throws a `CsrfError`. In `preHandler` a
 * schema may have removed the field before.
 *
 * @example
 * ```ts
 * app.addHook('preValidation', csrf(sessions))
 * ```
 * @throws {ConfigError} without sessions
 */
export function csrf<Data extends object>(sessions: Sessions<Data>): CsrfHook {
  if (typeof sessions?.open !== 'function')
    throw new ConfigError('csrf(sessions) needs what createSessions() returned.')
  return async (request) => verifyForm(sessions.of(request), request.body)
}
