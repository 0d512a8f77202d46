import { mintToken } from '../crypto/token.ts'
import { ConfigError, InsecureError } from '../errors.ts'
import type { Engine } from '../manager/engine.ts'
import { emit } from '../manager/load.ts'
import type { Carrier, TokenEffect, Visit } from '../manager/visit.ts'
import {
  type CookieOptions,
  type CookiePair,
  clearCookie,
  readCookieOptions,
  scanCookies,
  writeCookie,
} from './cookie.ts'
import { cookieHeaderOf, headerOf, isLoopback, isSecure, type RequestFacts } from './facts.ts'

/** How the token travels: in a cookie, or for API and mobile clients in a header of request and response. */
export type Transport = 'cookie' | { readonly header: string }

/** What the transport needs to know. */
export interface TransportOptions {
  readonly cookie?: CookieOptions
  /** Default `'cookie'`. Never in the URL or the body. */
  readonly transport?: Transport
}

/** How tokens come in and go out, for all requests of one `createSessions()`. */
export class TokenTransport {
  readonly #engine: Engine
  readonly #cookies: CookiePair
  readonly #header: string | null

  constructor(engine: Engine, options: TransportOptions) {
    this.#engine = engine
    this.#cookies = readCookieOptions(options.cookie)
    this.#header = readTransport(options.transport)
  }

  /** The request header that answers depend on. */
  get varies(): string {
    return this.#header ?? 'Cookie'
  }

  /** Texts sent as our token; refuses plain http that carries one. */
  receive(facts: RequestFacts): { readonly tokens: readonly string[]; readonly channel: Channel } {
    const channel = this.#channel(facts)
    const tokens = this.#texts(facts, channel)
    if (tokens.length > 0) channel.requireSecure()
    return { tokens, channel }
  }

  #texts(facts: RequestFacts, channel: Channel): readonly string[] {
    if (facts.token === undefined && this.#header === null)
      return scanCookies(cookieHeaderOf(facts), channel.cookieName)
    const text = facts.token ?? headerOf(facts, this.#header as string)
    return text === undefined ? [] : [text]
  }

  /** The header lines that carry an effect to the client. */
  send(effect: TokenEffect, channel: Channel): [string, string] {
    const { clock, tokens } = this.#engine
    const text = effect.type === 'clear' ? '' : mintToken(effect.sid, effect.generation, tokens)
    if (this.#header !== null) return [this.#header, text]
    const shape = channel.development ? this.#cookies.development : this.#cookies.secure
    if (effect.type === 'clear') return ['Set-Cookie', clearCookie(shape)]
    const lifetimeMs = effect.lastsUntil === null ? null : effect.lastsUntil - clock.now()
    return ['Set-Cookie', writeCookie(shape, text, lifetimeMs)]
  }

  #channel(facts: RequestFacts): Channel {
    if (isSecure(facts)) return new Channel(this.#engine, this.#cookies.secure.name, 'secure')
    if (!this.#engine.development || !isLoopback(facts))
      return new Channel(this.#engine, this.#cookies.secure.name, 'insecure')
    const { secure, development } = this.#cookies
    this.#engine.advise(
      `plain http on loopback, so the development cookie "${development.name}" is used (no prefix, not Secure). Over https it is "${secure.name}".`,
    )
    return new Channel(this.#engine, this.#cookies.development.name, 'development')
  }
}

/** The connection of one request, as far as tokens are concerned. */
export class Channel implements Carrier {
  readonly cookieName: string
  readonly #engine: Engine
  readonly #security: 'secure' | 'insecure' | 'development'

  constructor(engine: Engine, cookieName: string, security: 'secure' | 'insecure' | 'development') {
    this.#engine = engine
    this.cookieName = cookieName
    this.#security = security
  }

  get development(): boolean {
    return this.#security === 'development'
  }

  requireSecure(): void {
    if (this.#security !== 'insecure') return
    emit(this.#engine, 'insecure', null, {})
    throw new InsecureError(
      'The request came over plain http, where a session token must not travel. Serve https; behind a proxy that terminates it, tell the framework to trust that proxy (trust proxy, trustProxy, app.proxy).',
    )
  }
}

/** What an answer must carry because of its session, besides the token: see {@link headerLines}. */
export interface Caching {
  /** The answer sets or clears a token: nobody may store it. */
  readonly noStore: boolean
  /** The answer depends on this request header. */
  readonly varies: string | null
}

/** The token line, if one may still leave, and what caches have to know. @see OWASP ASVS 5.0 14.3.2 */
export function headerLines(
  transport: TokenTransport,
  channel: Channel,
  visit: Visit,
): { readonly token: [string, string] | null; readonly caching: Caching } {
  const { effect, engine, read } = visit
  const late = effect?.type === 'send' && effect.until !== null && engine.clock.now() >= effect.until
  const token = effect === null || late ? null : transport.send(effect, channel)
  return { token, caching: { noStore: token !== null, varies: read || token !== null ? transport.varies : null } }
}

function readTransport(transport: Transport = 'cookie'): string | null {
  if (transport === 'cookie') return null
  if (/^[A-Za-z0-9-]+$/.test(Object(transport).header ?? '')) return transport.header.toLowerCase()
  throw new ConfigError("`transport` must be 'cookie' or { header: 'x-session-token' }.")
}
