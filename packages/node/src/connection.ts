import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { ConfigError } from '@sess/core'
import type { RequestFacts } from '@sess/core/http'

/** Where the server stands; node:http knows neither proxies nor its own address. */
export interface ConnectionOptions {
  /** Where clients reach the server, like `'https://shop.example'`. With `https:` every request counts as secure. */
  readonly origin?: string
  /**
   * Exactly one proxy stands in front, and nothing reaches the server past it: the last value of `X-Forwarded-Proto` and of
   * `X-Forwarded-For` is what that proxy has written, and counts. Default false: the headers are ignored.
   */
  readonly trustProxy?: boolean
}

/**
 * What `sessions.open()` wants to know about a node request. Adapters put in what their framework knows better:
 * `{ ...nodeFacts(req), secure: req.secure, ip: req.ip }`.
 *
 * @throws {ConfigError} `origin` is none
 */
export function nodeFacts(req: IncomingMessage | Http2ServerRequest, options: ConnectionOptions = {}): RequestFacts {
  const { method = 'GET', url = '/', headers, socket } = req
  const { origin, trustProxy = false } = checkConnection(options)
  const forwarded = (name: string) => (trustProxy ? headers[name]?.toString().split(',').at(-1)?.trim() : undefined)
  // Only TLS sockets have it.
  const connection = (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
  const protocol = origin ?? forwarded('x-forwarded-proto') ?? connection
  return {
    method,
    url,
    headers,
    secure: /^https(?=:|$)/i.test(protocol),
    origin,
    ip: forwarded('x-forwarded-for') ?? socket.remoteAddress,
  }
}

/** Refuses an `origin` that is none; returns the options. */
export function checkConnection<Options extends ConnectionOptions>(options: Options): Options {
  const { origin } = options
  if (origin === undefined || /^https?:\/\/[^/]+$/.test(origin)) return options
  throw new ConfigError(`\`origin\` must be like 'https://shop.example', not '${origin}'.`)
}
