import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConfigError, type Session, type Sessions } from '@sess/core'
import { finish } from '@sess/core/http'
import { holdSession, nodeFacts, refusing } from '@sess/node'
import type {} from 'koa'

declare module 'koa' {
  interface ExtendableContext {
    /** The session of this request, opened by `@sess/koa`. */
    session: Session
  }
}

/** Options of {@link sess}. */
export interface SessOptions {
  /** Name of the context's property, default `'session'`; `false` for none, then `sessions.of(ctx)` is the way. */
  readonly property?: string | false
}

/** What is read of a Koa context; those of Koa 2 and 3 both have it. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly originalUrl: string
  /** By `app.proxy`. */
  readonly secure: boolean
  /** By `app.proxy`. */
  readonly ip: string
  readonly status: number
  onerror(error: Error): void
}

/** Middleware for Koa 2 and 3. */
export type SessMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>

/**
 * Gives every request a session, `ctx.session`. It is committed after `await next()`, so that a failure reaches the
 * middleware upstream; if a handler throws, writes to `ctx.res` itself or answers with a stream, it is committed before the
 * first byte leaves, with the status that does, and before the end. Whether a request is secure, and from where it comes, is
 * what `app.proxy` makes of it. Errors carry their `status`.
 *
 * @example
 * ```ts
 * app.use(sess(sessions))
 * ```
 * @throws {ConfigError} without sessions
 */
export function sess<Data extends object>(sessions: Sessions<Data>, options: SessOptions = {}): SessMiddleware {
  if (typeof sessions?.open !== 'function')
    throw new ConfigError('sess(sessions) needs what createSessions() returned.')
  const { property = 'session' } = options

  return async (ctx, next) => {
    if (sessions.has(ctx)) return void (await next())
    if (property !== false && property in ctx) throw taken(property)
    const { req, res, originalUrl: url, secure, ip } = ctx
    const take = holdSession(res, (error) => ctx.onerror(error as Error)) // Koa makes an Error of anything
    const session = await sessions.open({ ...nodeFacts(req), url, secure, ip }).catch(refusing(res))
    sessions.attach(ctx, session)
    sessions.attach(req, session)
    if (property !== false) Object.assign(ctx, { [property]: session })
    take(session)
    await next()
    await finish(session, ctx.status)
  }
}

function taken(property: string): ConfigError {
  return new ConfigError(
    `ctx.${property} is taken, by another session middleware or another sess(). Give this one a name of its own: sess(sessions, { property: 'adminSession' }).`,
  )
}
