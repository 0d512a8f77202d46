import { encodeBase64url } from '../../crypto/base64url.ts'
import type { Keyring } from '../../crypto/keyring.ts'
import { ConfigError } from '../../errors.ts'
import type { Engine } from '../../manager/engine.ts'
import type { Visit } from '../../manager/visit.ts'
import { type CookiePair, type CookieShape, clearCookie, scanCookies, writeCookie } from '../cookie.ts'
import { cookieHeaderOf } from '../facts.ts'
import { maskSecret, unmaskSecret } from './form-token.ts'
import type { Suspect } from './suspect.ts'

/**
 * Form tokens, stored nowhere: an HMAC over the secret id of the session and the count of its hard rotations, so that they die
 * with a sign-in and a hard rotation and outlive a soft one. Those of visitors are bound to a random cookie instead, which no
 * other host can set, and are good as long as nobody is signed in. @see OWASP Cross-Site Request Forgery Prevention
 */
export class FormTokens {
  readonly #engine: Engine
  readonly #keys: Keyring
  /** Null where sessions do not travel in cookies. */
  readonly #cookie: CookiePair | null

  constructor(engine: Engine, cookie: CookiePair | null) {
    this.#engine = engine
    this.#keys = engine.keyring('csrf')
    this.#cookie = cookie
  }

  /** A token for the forms of this answer, other bytes each time. */
  issue(suspect: Suspect, visit: Visit): string {
    const { signIn, steps, end } = visit.intents
    if (signIn !== null || steps.some(({ type }) => type !== 'lock')) {
      throw new ConfigError(
        'csrfToken() after signIn(), reauthenticate() or a hard rotate() needs `await session.commit()` in between: the token is bound to the new session.',
      )
    }
    const own = end === null ? sessionText(visit) : null
    const secret = this.#keys.sign(own ?? visitorText(this.#visitorSecret(suspect, visit)))
    return maskSecret(secret, this.#engine.random.bytes(32))
  }

  /** Whether a token was made for the session of this request. Compares in constant time. */
  accepts(suspect: Suspect, visit: Visit, token: unknown): boolean {
    const secret = unmaskSecret(token)
    if (secret === null) return false
    const own = sessionText(visit)
    if (own !== null && this.#keys.verify(own, secret) >= 0) return true
    if (visit.record !== null && visit.record.subject !== null) return false
    const visitor = this.#received(suspect)
    return visitor !== null && this.#keys.verify(visitorText(visitor), secret) >= 0
  }

  /** Whether the request carries a visitor's cookie, whatever is in it. */
  marks(suspect: Suspect): boolean {
    return this.#values(suspect).length > 0
  }

  /** The line that sets a visitor's cookie if one was drawn, or clears it where somebody signs in. */
  line(suspect: Suspect, signsIn: boolean): [string, string] | null {
    const shape = this.#shape(suspect)
    if (shape === null) return null
    if (signsIn) return this.marks(suspect) ? ['Set-Cookie', clearCookie(shape)] : null
    return suspect.drawn === null ? null : ['Set-Cookie', writeCookie(shape, suspect.drawn, null)]
  }

  #visitorSecret(suspect: Suspect, visit: Visit): string {
    if (this.#cookie === null)
      throw new ConfigError('csrfToken() has no use with `transport: { header }`: other sites cannot send that header.')
    const known = suspect.drawn ?? this.#received(suspect)
    if (known !== null) return known
    visit.requireToken('csrfToken() for a visitor')
    suspect.drawn = encodeBase64url(this.#engine.random.bytes(32))
    return suspect.drawn
  }

  /** The visitor's secret; null as well if several were sent, for one of them is somebody else's. */
  #received(suspect: Suspect): string | null {
    const [value, ...others] = this.#values(suspect)
    if (value === undefined || others.some((other) => other !== value)) return null
    return /^[A-Za-z0-9_-]{43}$/.test(value) ? value : null
  }

  #values(suspect: Suspect): string[] {
    const shape = this.#shape(suspect)
    return shape === null ? [] : scanCookies(cookieHeaderOf(suspect.facts), shape.name)
  }

  #shape(suspect: Suspect): CookieShape | null {
    return this.#cookie?.[suspect.development ? 'development' : 'secure'] ?? null
  }
}

/** What tokens of a stored session sign; null without one. */
function sessionText({ record, token }: Visit): string | null {
  if (record === null || token === null) return null
  return `sess/csrf/v1.session.${token.sid}.${record.hardRotations}`
}

function visitorText(secret: string): string {
  return `sess/csrf/v1.visitor.${secret}`
}
