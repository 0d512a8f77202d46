import type { Keyring } from '../../crypto/keyring.ts'
import type { Token } from '../../crypto/token.ts'
import type { SessionRecord } from '../../kernel/record.ts'
import type { Engine } from '../../manager/engine.ts'
import type { TokenEffect, Visit } from '../../manager/visit.ts'
import { type CookiePair, clearCookie, scanCookies, writeCookie } from '../cookie.ts'
import { cookieHeaderOf, headerOf } from '../facts.ts'
import { isSafe } from './judge.ts'
import type { Suspect } from './suspect.ts'

/**
 * The `SameSite=Strict` cookie beside a lax session cookie. Browsers leave it out of what other sites start, so a request without
 * it may read and not change. Its value follows from the session: nothing is stored. @see RFC 6265bis §8.8.2
 */
export class WriteCookie {
  readonly #keys: Keyring
  readonly #cookie: CookiePair

  constructor(engine: Engine, cookie: CookiePair) {
    this.#keys = engine.keyring('write')
    this.#cookie = cookie
  }

  /** Whether the request may change its session: it has none, or carries the cookie that goes with it. */
  allows(suspect: Suspect, { record, token }: Visit): boolean {
    if (record === null) return true
    const { sid } = token as Token // which the session was opened with
    const { name } = this.#shape(suspect)
    const values = scanCookies(cookieHeaderOf(suspect.facts), name)
    return values.some((value) => this.#keys.verify(text(sid), value) >= 0)
  }

  /**
   * The line that goes out with a token, and clears with it; also where a page that no other site has called up comes without the
   * cookie, so that sessions from before the option was set get theirs.
   */
  line(suspect: Suspect, visit: Visit, effect: TokenEffect | null): [string, string] | null {
    const shape = this.#shape(suspect)
    if (effect?.type === 'clear') return ['Set-Cookie', clearCookie(shape)]
    if (effect?.type === 'send')
      return ['Set-Cookie', writeCookie(shape, this.#value(effect.sid), this.#lifetime(visit, effect.lastsUntil))]
    if (visit.headersSent || !isMissed(suspect, visit) || this.allows(suspect, visit)) return null
    const { persistent, absoluteAt } = visit.record as SessionRecord // without one everything is allowed
    const { sid } = visit.token as Token
    return ['Set-Cookie', writeCookie(shape, this.#value(sid), this.#lifetime(visit, persistent ? absoluteAt : null))]
  }

  #value(sid: string): string {
    return this.#keys.sign(text(sid))
  }

  #lifetime({ engine }: Visit, until: number | null): number | null {
    return until === null ? null : until - engine.clock.now()
  }

  #shape({ development }: Suspect): CookiePair['secure'] {
    return this.#cookie[development ? 'development' : 'secure']
  }
}

/** Whether a strict cookie would have come along, had the browser one. */
function isMissed({ facts }: Suspect, { read }: Visit): boolean {
  return read && isSafe(facts.method ?? 'GET') && headerOf(facts, 'sec-fetch-site') !== 'cross-site'
}

function text(sid: string): string {
  return `sess/write/v1.${sid}`
}
