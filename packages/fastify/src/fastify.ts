import { ConfigError, type Session, type Sessions } from '@sess/core'
import { applyHeaders, applyRefusal, finish, type RequestFacts, type ResponseHeaders } from '@sess/core/http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { answerWithProblems } from './require-fresh.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of this request, opened before `onRequest` hooks registered after `@sess/fastify`. */
    readonly session: Session
  }
}

/** Options of {@link sess}. */
export interface SessOptions {
  /** What `createSessions()` returned. */
  readonly sessions: Sessions<object>
  /** Name of the request's property, default `'session'`; `false` for none, then `sessions.of(request)` is the way. */
  readonly property?: string | false
}

/**
 * Gives every request of this Fastify instance, and of those registered below it, a session. It is opened in `onRequest`,
 * committed in `onSend` before the first byte leaves, and what the handler changes after that is saved when the response
 * closes. Whether a request is secure, and from where it comes, is what `trustProxy` makes of it.
 *
 * Errors go to Fastify's error handler with their `statusCode`; those after the headers to `request.log`.
 *
 * @example
 * ```ts
 * await app.register(sess, { sessions })
 * ```
 * @throws {ConfigError} no `sessions`, or the property is taken
 */
export const sess: FastifyPluginAsync<SessOptions> = fp(register, { fastify: '5.x', name: '@sess/fastify' })

async function register(app: FastifyInstance, { sessions, property = 'session' }: SessOptions): Promise<void> {
  if (typeof sessions?.open !== 'function') {
    throw new ConfigError('app.register(sess, { sessions }) needs what createSessions() returned.')
  }
  if (property !== false) decorate(app, property, sessions)

  app.addHook('onRequest', async (request, reply) => {
    if (sessions.has(request)) return
    const session = await sessions.open(factsOf(request)).catch((error) => {
      applyRefusal(error, headersOf(reply))
      throw error
    })
    sessions.attach(request, session)
    sessions.attach(request.raw, session)
    reply.raw.once('close', () => saveLate(session, request, reply))
  })

  answerWithProblems(app)
  app.addHook('onSend', async (request, reply, payload) => {
    if (!sessions.has(request)) return payload
    const session = sessions.of(request)
    const body = payload instanceof Response ? unfold(payload, reply) : payload
    try {
      await finish(session, reply.statusCode)
    } catch (error) {
      discard(reply, body)
      throw error
    }
    applyHeaders(session, headersOf(reply))
    return body
  })
}

function decorate(app: FastifyInstance, property: string, sessions: Sessions<object>): void {
  if (app.hasRequestDecorator(property)) {
    throw new ConfigError(
      `request.${property} is taken, by another session plugin or by sess itself. Register sess once for these routes, or give this instance another name: { sessions, property: 'adminSession' }.`,
    )
  }
  app.decorateRequest(property, {
    getter(this: FastifyRequest) {
      return sessions.of(this)
    },
  })
}

function factsOf(request: FastifyRequest): RequestFacts {
  return {
    method: request.method,
    url: request.originalUrl,
    headers: request.headers,
    secure: request.protocol === 'https',
    ip: request.ip,
  }
}

function headersOf(reply: FastifyReply): ResponseHeaders {
  return {
    get: (name) => {
      const value = reply.getHeader(name)
      return value === undefined ? undefined : String(value)
    },
    set: (name, value) => reply.header(name, value),
    append: (name, value) => {
      // An error in a later onSend hook sends the reply through here again.
      if (![reply.getHeader(name)].flat().includes(value)) reply.header(name, value)
    },
  }
}

/** What Fastify makes of a Web response after `onSend`, done before: the commit needs the status, the cookie the last word. */
function unfold(response: Response, reply: FastifyReply): unknown {
  reply.code(response.status)
  for (const [name, value] of response.headers) reply.header(name, value)
  return response.body
}

/** What describes the page that an error page takes the place of; headers for every page, like those of CORS, stay. */
const PAGE =
  /^(?:content-(?:disposition|encoding|language|length|location|range|type)|etag|last-modified|cache-control|expires|accept-ranges|location|set-cookie)$/

function discard(reply: FastifyReply, body: unknown): void {
  for (const name of Object.keys(reply.getHeaders())) if (PAGE.test(name)) reply.removeHeader(name)
  if (typeof body !== 'object' || body === null) return
  if ('destroy' in body && typeof body.destroy === 'function') body.destroy()
  else if (body instanceof ReadableStream) body.cancel().catch(() => {})
}

/** Changes after the headers, and those of a hijacked reply. Before the headers, `onSend` is still to come. */
async function saveLate(session: Session<object>, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (!reply.raw.headersSent) return
  try {
    applyHeaders(session, { get: () => undefined, set: () => {}, append: () => {} })
    await finish(session, reply.statusCode)
  } catch (error) {
    request.log.error({ err: error }, 'sess: a change after the response headers was not saved')
  }
}
