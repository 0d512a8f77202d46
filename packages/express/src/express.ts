import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConfigError, type Session, type Sessions } from '@sess/core'
import { holdSession, nodeFacts, refusing } from '@sess/node'

declare global {
  namespace Express {
    interface Request {
      /** The session of this request, opened by `@sess/express`. */
      session: Session
    }
  }
}

/** Options of {@link sess}. */
export interface SessOptions {
  /** Name of the request's property, default `'session'`; `false` for none, then `sessions.of(req)` is the way. */
  readonly property?: string | false
}

/** What is read of an Express request; those of Express 4 and 5 both have it. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string
  /** By the `trust proxy` setting. */
  readonly secure: boolean
  /** By the `trust proxy` setting. */
  readonly ip?: string | undefined
}

/** Middleware for Express 4 and 5. */
export type SessHandler = (req: ExpressRequest, res: ServerResponse, next: (error?: unknown) => void) => void

/**
 * Gives every request a session, `req.session`. It is committed before the first byte of the response leaves, however that
 * is written; changes after that are saved before the end. Whether a request is secure, and from where it comes, is what
 * `trust proxy` makes of it. Errors go to `next(error)` with their `status`.
 *
 * Mount it after CORS and helmet, whose headers an error page must keep, and before compression.
 *
 * @example
 * ```ts
 * app.use(sess(sessions))
 * ```
 * @throws {ConfigError} without sessions
 */
export function sess<Data extends object>(sessions: Sessions<Data>, options: SessOptions = {}): SessHandler {
  if (typeof sessions?.open !== 'function')
    throw new ConfigError('sess(sessions) needs what createSessions() returned.')
  const { property = 'session' } = options

  async function open(req: ExpressRequest, res: ServerResponse, next: (error?: unknown) => void): Promise<void> {
    if (property !== false && property in req) throw taken(property)
    const { originalUrl: url, secure, ip } = req
    const take = holdSession(res, next)
    const session = await sessions.open({ ...nodeFacts(req), url, secure, ip }).catch(refusing(res))
    sessions.attach(req, session)
    if (property !== false) Object.assign(req, { [property]: session })
    take(session)
  }

  return (req, res, next) => {
    if (sessions.has(req)) next()
    else open(req, res, next).then(() => next(), next)
  }
}

function taken(property: string): ConfigError {
  return new ConfigError(
    `req.${property} is taken, by another session middleware or another sess(). Give this one a name of its own: sess(sessions, { property: 'adminSession' }).`,
  )
}
