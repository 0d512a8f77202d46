import { ConfigError, type Session, type Sessions } from '@sess/core'
import { applyHeaders, applyRefusal, finish, type RequestFacts, type ResponseHeaders } from '@sess/core/http'
import type { Context, MiddlewareHandler } from 'hono'

/** Options of {@link sess}. Hono knows neither proxies nor, on some runtimes, the peer, so both are said here. */
export interface SessOptions<Property extends string | false = string | false> {
  /** Name of the variable, default `'session'`; `false` for none, then `sessions.of(c)` is the way. */
  readonly property?: Property
  /** Where clients reach the application, like `'https://shop.example'`. With `https:` every request counts as secure. */
  readonly origin?: string
  /**
   * Exactly one proxy stands in front, and nothing reaches the server past it: the last value of `X-Forwarded-Proto` and of
   * `X-Forwarded-For` is what that proxy has written, and counts. Default false: the headers are ignored.
   */
  readonly trustProxy?: boolean
  /**
   * Address of the peer, like `(c) => getConnInfo(c).remote.address`. Default: as `@hono/node-server`, `Bun.serve` and
   * `Deno.serve` tell it; elsewhere it is unknown, and no request is a developer's own.
   */
  readonly ip?: (c: Context) => string | undefined
}

/** What {@link sess} puts on `c.var`. */
export interface SessEnv<Data extends object, Property extends string | false> {
  Variables: Property extends string ? Record<Property, Session<Data>> : object
}

/**
 * Gives every request a session, `c.var.session`. It is committed after `await next()`, before the response leaves; changes
 * made later, while a body streams, need `await session.commit()`. Errors go to `app.onError`, with their `status`.
 *
 * @example
 * ```ts
 * app.use(sess(sessions))
 * ```
 * @throws {ConfigError} an option that cannot work
 */
export function sess<Data extends object, const Property extends string | false = 'session'>(
  sessions: Sessions<Data>,
  options: SessOptions<Property> = {},
): MiddlewareHandler<SessEnv<Data, Property>> {
  if (typeof sessions?.open !== 'function')
    throw new ConfigError('sess(sessions) needs what createSessions() returned.')
  const factsOf = readOptions(options)
  const property: string | false = options.property ?? 'session'

  return async (c: Context, next) => {
    if (sessions.has(c)) return next()
    if (property !== false && c.get(property) !== undefined) throw taken(property)
    const session = await sessions.open(factsOf(c)).catch((error) => {
      applyRefusal(error, headersOf(c))
      throw error
    })
    sessions.attach(c, session)
    sessions.attach(c.req.raw, session)
    if (property !== false) c.set(property, session)
    await next()
    await commit(c, session)
  }
}

async function commit(c: Context, session: Session<object>): Promise<void> {
  try {
    await finish(session, c.res.status)
  } catch (error) {
    discard(c)
    throw error
  }
  // A 101 belongs to the runtime: it carries no cookie and cannot be rebuilt.
  if (c.res.status !== 101) applyHeaders(session, headersOf(c))
}

/** What describes the page that an error page takes the place of; headers for every page, like those of CORS, stay. */
const PAGE =
  /^(?:content-(?:disposition|encoding|language|length|location|range|type)|etag|last-modified|cache-control|expires|accept-ranges|location|set-cookie)$/

function discard(c: Context): void {
  const headers = new Headers(c.res.headers)
  for (const name of [...headers.keys()]) if (PAGE.test(name)) headers.delete(name)
  c.res.body?.cancel().catch(() => {})
  c.res = undefined // otherwise Hono merges
  c.res = new Response(null, { headers })
}

function readOptions({ origin, trustProxy = false, ip = peerOf }: SessOptions): (c: Context) => RequestFacts {
  if (origin !== undefined && !/^https?:\/\/[^/]+$/.test(origin)) {
    throw new ConfigError(`\`origin\` must be like 'https://shop.example', not '${origin}'.`)
  }
  return (c) => {
    const { method, headers } = c.req.raw
    const forwarded = (name: string) => (trustProxy ? headers.get(name)?.split(',').at(-1)?.trim() : undefined)
    const protocol = origin ?? forwarded('x-forwarded-proto') ?? protocolOf(c)
    return {
      method,
      url: c.req.path,
      headers,
      secure: /^https(?=:|$)/i.test(protocol),
      origin,
      ip: forwarded('x-forwarded-for') ?? ip(c),
      upgrade: method === 'GET' && headers.get('upgrade')?.toLowerCase() === 'websocket',
    }
  }
}

/** What the servers that call `app.fetch(request, env)` put into `env` about the connection. */
interface ServerEnv {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string; readonly encrypted?: boolean } }
  readonly server?: Pick<ServerEnv, 'incoming'>
  readonly remoteAddr?: { readonly hostname?: string }
  requestIP?(request: Request): { readonly address: string } | null
}

function peerOf(c: Context): string | undefined {
  const env: ServerEnv = Object(c.env)
  return incomingOf(env)?.socket?.remoteAddress ?? env.remoteAddr?.hostname ?? env.requestIP?.(c.req.raw)?.address
}

/** On node the connection knows; the url is made of what the client wrote into the request line. */
function protocolOf(c: Context): string {
  const socket = incomingOf(Object(c.env))?.socket
  if (socket !== undefined) return socket.encrypted === true ? 'https' : 'http'
  return c.req.url
}

function incomingOf({ incoming, server }: ServerEnv): ServerEnv['incoming'] {
  return incoming ?? server?.incoming
}

function headersOf(c: Context): ResponseHeaders {
  return {
    get: (name) => c.res.headers.get(name) ?? undefined,
    set: (name, value) => change(c, 'set', name, value),
    append: (name, value) => change(c, 'append', name, value),
  }
}

/** `c.header()` builds the response anew, which is dear; only one that came from elsewhere (`fetch`) cannot be changed. */
function change(c: Context, how: 'set' | 'append', name: string, value: string): void {
  try {
    c.res.headers[how](name, value)
  } catch {
    c.header(name, value, { append: how === 'append' })
  }
}

function taken(property: string): ConfigError {
  return new ConfigError(
    `c.var.${property} is taken, by another session middleware or another sess(). Give this one a name of its own: sess(sessions, { property: 'adminSession' }).`,
  )
}
