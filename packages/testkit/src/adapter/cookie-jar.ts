import { equal } from '../case.ts'
import type { Answer } from './client.ts'

/** A Set-Cookie line taken apart. */
export interface SetCookie {
  readonly name: string
  readonly value: string
  /** Attributes by lower-case name; those without a value are `''`. */
  readonly attributes: ReadonlyMap<string, string>
}

/** Takes a Set-Cookie line apart. @see RFC 6265bis §5.6 */
export function parseSetCookie(line: string): SetCookie {
  const [pair = '', ...rest] = line.split(';')
  const [name, value] = split(pair)
  return { name, value, attributes: new Map(rest.map(split).map(([key, text]) => [key.toLowerCase(), text])) }
}

function split(text: string): [string, string] {
  const at = text.indexOf('=')
  return at === -1 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** Why a browser would not keep this cookie, or null. @see RFC 6265bis §4.1.3, §5.7 */
export function refusalOf({ name, value, attributes }: SetCookie, secureOrigin: boolean): string | null {
  const prefix = /^__(?:host-http|host|http|secure)-/i.exec(name)?.[0].toLowerCase() ?? ''
  const host = prefix.startsWith('__host-')
  if (name.length + value.length > 4096) return 'name and value exceed 4096 octets'
  if (prefix !== '' && !attributes.has('secure')) return `${prefix} without Secure`
  if (prefix.endsWith('http-') && !attributes.has('httponly')) return `${prefix} without HttpOnly`
  if (host && attributes.get('path') !== '/') return `${prefix} with another Path than /`
  if (host && attributes.has('domain')) return `${prefix} with a Domain`
  if (attributes.has('secure') && !secureOrigin) return 'Secure over plain http'
  if (attributes.get('samesite')?.toLowerCase() === 'none' && !attributes.has('secure')) {
    return 'SameSite=None without Secure'
  }
  return null
}

/** A cookie store for one origin. Keeps what a browser would keep, and fails on what it would throw away. */
export class CookieJar {
  readonly #cookies = new Map<string, string>()
  readonly #secureOrigin: boolean

  constructor(secureOrigin: boolean) {
    this.#secureOrigin = secureOrigin
  }

  /** Applies the Set-Cookie lines of a response, as a browser does when its head arrives. */
  receive(answer: Answer): void {
    for (const line of answer.cookies) {
      const cookie = parseSetCookie(line)
      equal(refusalOf(cookie, this.#secureOrigin), null, `why a browser refuses the cookie ${cookie.name}`)
      if (cookie.attributes.get('max-age') === '0') this.#cookies.delete(cookie.name)
      else this.#cookies.set(cookie.name, cookie.value)
    }
  }

  get(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  set(name: string, value: string | undefined): void {
    if (value === undefined) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }

  /** The Cookie header's value; `''` without any cookie. */
  toString(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }
}
