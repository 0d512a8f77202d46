import { mintToken } from '../crypto/token.ts'
import { ConfigError } from '../errors.ts'
import type { Engine } from '../manager/engine.ts'
import type { TokenEffect } from '../manager/visit.ts'
import { Channel } from './channel.ts'
import { readClearSiteData, type SiteData } from './clear-site-data.ts'
import {
  type CookieOptions,
  type CookieSet,
  type CookieShape,
  clearCookie,
  readCookieOptions,
  scanCookies,
  writeCookie,
} from './cookie.ts'
import { FormTokens } from './csrf/form-tokens.ts'
import { CsrfGuard } from './csrf/guard.ts'
import { type CsrfOptions, type CsrfPolicy, type CsrfProfile, readCsrf } from './csrf/options.ts'
import { WriteCookie } from './csrf/write-cookie.ts'
import { cookieHeaderOf, headerOf, isLoopback, isSecure, type RequestFacts } from './facts.ts'

/** How the token travels: in a cookie, or for API and mobile clients in a header of request and response. */
export type Transport = 'cookie' | { readonly header: string }

/** What the transport needs to know. */
export interface TransportOptions {
  readonly cookie?: CookieOptions
  /** Default `'cookie'`. Never in the URL or the body. */
  readonly transport?: Transport
  /**
   * Protection against requests that other sites have a browser make; default `'modern'`, `false` for none. Only cookies need it:
   * with a header as transport there is none.
   */
  readonly csrf?: CsrfProfile | CsrfOptions | false
  /**
   * Has the browser forget what it keeps of the application when a sign-out clears the cookie: `true` for all that can be
   * (`"cache"`, `"cookies"`, `"storage"`; with `cookie.domain` not `"cookies"`), or a choice of these. Default false.
   * @see OWASP ASVS 5.0 14.3.1
   */
  readonly clearSiteData?: boolean | readonly SiteData[]
}

/** How tokens come in and go out, for all requests of one `createSessions()`. */
export class TokenTransport {
  readonly #engine: Engine
  readonly #cookies: CookieSet
  readonly #header: string | null
  readonly #guard: CsrfGuard | null
  readonly #clearSiteData: string | null
  readonly formTokens: FormTokens
  readonly writeCookie: WriteCookie | null

  constructor(engine: Engine, options: TransportOptions) {
    this.#engine = engine
    this.#cookies = readCookieOptions(options.cookie)
    this.#header = readTransport(options.transport)
    const policy = readPolicy(options, this.#cookies, this.#header)
    const { write } = this.#cookies
    this.formTokens = new FormTokens(engine, this.#header === null ? this.#cookies.visitor : null)
    this.writeCookie = write === null ? null : new WriteCookie(engine, write)
    this.#guard = policy === null ? null : new CsrfGuard(engine, policy, this.formTokens, this.writeCookie)
    this.#clearSiteData = readClearSiteData(options.clearSiteData, this.#cookies.domain)
    adviseOn(engine, this.#cookies, policy !== null)
  }

  /** The request header that answers depend on. */
  get varies(): string {
    return this.#header ?? 'Cookie'
  }

  /** The header that carries tokens in place of a cookie, or null. */
  get header(): string | null {
    return this.#header
  }

  get cookies(): CookieSet {
    return this.#cookies
  }

  /** Texts sent as our token; refuses plain http that carries one, and what other sites have a browser send. */
  receive(facts: RequestFacts): { readonly tokens: readonly string[]; readonly channel: Channel } {
    const channel = this.#channel(facts)
    const tokens = this.#texts(facts, channel)
    if (tokens.length > 0) channel.requireSecure()
    this.#guard?.examine(channel, tokens.length > 0)
    return { tokens, channel }
  }

  #texts(facts: RequestFacts, channel: Channel): readonly string[] {
    if (facts.token === undefined && this.#header === null)
      return scanCookies(cookieHeaderOf(facts), this.#shape(channel).name)
    const text = facts.token ?? headerOf(facts, this.#header as string)
    return text === undefined ? [] : [text]
  }

  /** The header lines that carry an effect to the client. */
  send(effect: TokenEffect, channel: Channel): [string, string][] {
    const { clock, tokens } = this.#engine
    const text = effect.type === 'clear' ? '' : mintToken(effect.sid, effect.generation, tokens)
    const forget = effect.type === 'clear' ? this.#clearSiteData : null
    const lines: [string, string][] = forget === null ? [] : [['Clear-Site-Data', forget]]
    if (this.#header !== null) return [[this.#header, text], ...lines]
    const shape = this.#shape(channel)
    if (effect.type === 'clear') return [['Set-Cookie', clearCookie(shape)], ...lines]
    const lifetimeMs = effect.lastsUntil === null ? null : effect.lastsUntil - clock.now()
    return [['Set-Cookie', writeCookie(shape, text, lifetimeMs)]]
  }

  #shape({ development }: Channel): CookieShape {
    return development ? this.#cookies.development : this.#cookies.secure
  }

  #channel(facts: RequestFacts): Channel {
    const security = this.#security(facts)
    if (security === 'development') {
      const { secure, development } = this.#cookies
      this.#engine.advise(
        `plain http on loopback, so the development cookie "${development.name}" is used (no prefix, not Secure). Over https it is "${secure.name}".`,
      )
    }
    return new Channel(this.#engine, this.formTokens, this.#guard, facts, security)
  }

  #security(facts: RequestFacts): 'secure' | 'insecure' | 'development' {
    if (isSecure(facts)) return 'secure'
    return this.#engine.development && isLoopback(facts) ? 'development' : 'insecure'
  }
}

/** What follows from the options together. */
function readPolicy(options: TransportOptions, { write }: CookieSet, header: string | null): CsrfPolicy | null {
  if (header !== null && (options.csrf ?? false) !== false) {
    throw new ConfigError('`csrf` has no use with `transport: { header }`: other sites cannot send that header.')
  }
  const policy = header === null ? readCsrf(options.csrf, write !== null) : null
  if (write === null || policy !== null) return policy
  throw new ConfigError('`cookie.strictWrites` is enforced by `csrf`, in cookies: leave both on.')
}

/** Combinations that work and are seldom meant. */
function adviseOn(engine: Engine, { domain, secure }: CookieSet, guarded: boolean): void {
  if (domain !== null) {
    engine.advise(
      `\`cookie.domain\` shares "${secure.name}" with every subdomain of ${domain}: each can read and replace it, and the __Host- prefix is given up. Leave it out if one host will do.`,
    )
  }
  if (!guarded && secure.attributes.includes('SameSite=None')) {
    engine.advise(
      "`csrf: false` with `sameSite: 'none'`: every site can act in the name of your users. Check `Origin` yourself.",
    )
  }
}

function readTransport(transport: Transport = 'cookie'): string | null {
  if (transport === 'cookie') return null
  if (/^[A-Za-z0-9-]+$/.test(Object(transport).header ?? '')) return transport.header.toLowerCase()
  throw new ConfigError("`transport` must be 'cookie' or { header: 'x-session-token' }.")
}
