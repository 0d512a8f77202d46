import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { ConfigError, CsrfError, FreshnessError, type Session, type Sessions } from '@sess/core'
import { applyHeaders, applyRefusal, finish, type ResponseHeaders } from '@sess/core/http'
import { type ConnectionOptions, checkConnection, nodeFacts } from './connection.ts'
import { hold } from './hold.ts'

/** Options of {@link sess}. */
export interface SessOptions<Req = IncomingMessage, Res = ServerResponse> extends ConnectionOptions {
  /**
   * Answers when the session cannot be opened or committed, or the handler fails; the default sends a plain text with the
   * error's `status`, or 500, and for a `FreshnessError` its challenge and problem+json. With `res.headersSent` nothing can be answered any more: destroy the response.
   */
  readonly onError?: (error: unknown, req: Req, res: Res) => void
}

/** What {@link sess} runs for each request; `sessions.of(req)` finds the session as well. */
export type Handler<Data extends object, Req, Res> = (req: Req, res: Res, session: Session<Data>) => unknown

/**
 * Makes a listener for `node:http`, `node:https` and `node:http2` servers out of a handler that needs sessions. The session
 * is open before the handler runs, and committed before the first byte leaves; later changes are saved before the end.
 *
 * @example
 * ```ts
 * createServer(sess(sessions, (req, res, session) => {
 *   res.end(`Hello ${session.subject ?? 'stranger'}`)
 * }))
 * ```
 * @throws {ConfigError} an option that cannot work
 */
export function sess<
  Data extends object,
  Req extends IncomingMessage | Http2ServerRequest = IncomingMessage,
  Res extends ServerResponse | Http2ServerResponse = ServerResponse,
>(
  sessions: Sessions<Data>,
  handler: Handler<Data, Req, Res>,
  options: SessOptions<Req, Res> = {},
): (req: Req, res: Res) => void {
  if (typeof sessions?.open !== 'function')
    throw new ConfigError('sess(sessions) needs what createSessions() returned.')
  const { onError = answerError } = checkConnection(options)

  async function serve(req: Req, res: Res, fail: (error: unknown) => void): Promise<void> {
    const take = holdSession(res, fail)
    const session = await sessions.open(nodeFacts(req, options)).catch(refusing(res))
    sessions.attach(req, session)
    take(session)
    await handler(req, res, session)
  }

  return (req, res) => {
    const fail = (error: unknown) => onError(error, req, res)
    serve(req, res, fail).catch(fail)
  }
}

/**
 * Opens the session of a WebSocket upgrade, for `server.on('upgrade', …)`. The handshake cannot carry a cookie, so nothing
 * rotates, and signing in throws; data, signing out and locking work with `await session.commit()`.
 *
 * Browsers send cookies along from other sites' pages, so a foreign `Origin` is refused, unless `csrf.origins` names it.
 * When the session ends, so should the connection: `session.signal` aborts, and lives as long as `req` or its socket.
 *
 * @throws {CsrfError} a page of another origin opened the socket
 * @throws {StoreUnavailableError} the store failed
 * @throws {InsecureError} plain http that carries the cookie
 */
export async function openUpgrade<Data extends object>(
  sessions: Sessions<Data>,
  req: IncomingMessage,
  options: ConnectionOptions = {},
): Promise<Session<Data>> {
  const session = await sessions.open({ ...nodeFacts(req, options), upgrade: true })
  sessions.attach(req, session)
  sessions.attach(req.socket, session)
  return session
}

/**
 * Holds a response for a session that is still to be opened: returns the function that takes it. It is committed before the
 * first byte leaves, its cookie put on the response, and what changes later saved before the end. `fail` gets what goes
 * wrong: with `res.headersSent` false it can still answer. For adapters; call it before anything is awaited.
 */
export function holdSession(
  res: ServerResponse | Http2ServerResponse,
  fail: (error: unknown) => void,
): (session: Session<object>) => void {
  let opened: Session<object> | undefined
  const settle = (status: number) => (opened === undefined ? undefined : finish(opened, status))
  hold(res, {
    commit: settle,
    headers: (held) => {
      if (opened !== undefined) applyHeaders(opened, headersOf(held))
    },
    finish: () => settle(res.statusCode),
    fail: (error) => {
      const late = res.headersSent
      fail(error)
      if (late && !res.writableEnded) res.destroy()
    },
  })
  // The client went away in the middle: there was no end() to wait for.
  res.once('close', () => {
    if (res.headersSent && !res.writableEnded) settle(res.statusCode)?.catch(fail)
  })
  return (session) => {
    opened = session
  }
}

/**
 * For the `catch` of `sessions.open()`: keeps caches from storing the answer to a request that another site may have made,
 * whoever answers it, and hands the error on. For adapters.
 */
export function refusing(res: ServerResponse | Http2ServerResponse): (error: unknown) => never {
  return (error) => {
    applyRefusal(error, headersOf(res as ServerResponse)) // the compat response has the same methods
    throw error
  }
}

function headersOf(res: ServerResponse): ResponseHeaders {
  return {
    get: (name) => res.getHeader(name)?.toString(),
    set: (name, value) => res.setHeader(name, value),
    append: (name, value) => {
      // Whoever calls toHeaders() too has set it already.
      if (![res.getHeader(name)].flat().includes(value)) res.appendHeader(name, value)
    },
  }
}

function answerError(error: unknown, _req: unknown, res: ServerResponse | Http2ServerResponse): void {
  const { status, expose, message } = Object(error) as Record<string, unknown>
  const code = typeof status === 'number' && status >= 400 && status <= 599 ? status : 500
  if (code >= 500) console.error(error)
  if (res.headersSent) return void res.destroy()
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  if (error instanceof CsrfError) for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value)
  res.statusCode = code
  if (error instanceof FreshnessError) return void answerProblem(error, res)
  res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.end(expose === true ? String(message) : (STATUS_CODES[code] ?? ''))
}

function answerProblem(error: FreshnessError, res: ServerResponse | Http2ServerResponse): void {
  for (const [name, value] of Object.entries(error.headers)) res.setHeader(name, value)
  res.setHeader('Content-Type', 'application/problem+json')
  res.end(JSON.stringify(error.toProblem()))
}
