import { TOKEN_LENGTH } from '../crypto/token.ts'
import { ConfigError, CookieTooLargeError } from '../errors.ts'

/** The session cookie. The defaults are the strictest that a browser enforces: `__Host-Http-sid; Path=/; Secure; HttpOnly; SameSite=Lax`. */
export interface CookieOptions {
  /**
   * Name, default `'sid'`. The strongest prefix that fits is put in front (`__Host-Http-`, with `domain` or `path` `__Secure-`);
   * a name that starts with a prefix is taken as it is, and checked. @see RFC 6265bis §4.1.3
   */
  readonly name?: string
  /** Default `'/'`. */
  readonly path?: string
  /** Share the cookie with all subdomains of this domain: any of them can then read and set it. Default: this host only. */
  readonly domain?: string
  /** Default `'lax'`. `'none'` for embedding in other sites; combine it with `partitioned`. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** A separate cookie per embedding site (CHIPS), default false. */
  readonly partitioned?: boolean
}

/** A cookie as it is written: name, and everything behind the value. */
export interface CookieShape {
  readonly name: string
  readonly attributes: string
}

/** The production cookie, and the one for plain http on loopback (no prefix, not Secure). */
export interface CookiePair {
  readonly secure: CookieShape
  readonly development: CookieShape
}

const PREFIXES = ['__Host-Http-', '__Host-', '__Http-', '__Secure-'] as const
/** Octets of name and value that browsers keep. @see RFC 6265bis §5.6 */
const MAX_PAIR = 4096
/** Octets of one attribute's value that browsers look at. @see RFC 6265bis §5.6 */
const MAX_ATTRIBUTE = 1024
/** Browsers cap lifetimes at 400 days. @see RFC 6265bis §5.5 */
const MAX_AGE_SECONDS = 400 * 24 * 60 * 60

/** Checks cookie options; throws a {@link ConfigError} for what a browser would refuse or what would be unsafe. */
export function readCookieOptions(options: CookieOptions): CookiePair {
  const { path = '/', domain, sameSite = 'lax', partitioned = false } = options
  const shared = domain !== undefined || path !== '/'
  const { prefix, bare } = readName(options.name ?? 'sid', shared)
  if (prefix.startsWith('__Host-') && shared) {
    throw new ConfigError(
      `\`cookie.name\`: the prefix ${prefix} allows neither \`domain\` nor a \`path\` other than "/". Use __Secure-${bare}.`,
    )
  }
  if (!/^\/[\x20-\x3a\x3c-\x7e]*$/.test(path))
    throw new ConfigError('`cookie.path` must start with "/" and must not contain ";" or control characters.')
  if (domain !== undefined && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(domain)) {
    throw new ConfigError('`cookie.domain` must be a plain domain like "example.com", without a leading dot.')
  }
  if (path.length > MAX_ATTRIBUTE || (domain?.length ?? 0) > MAX_ATTRIBUTE) {
    throw new ConfigError(
      `\`cookie.path\` and \`cookie.domain\` must not be longer than ${MAX_ATTRIBUTE} octets; browsers ignore them.`,
    )
  }
  if (!['lax', 'strict', 'none'].includes(sameSite))
    throw new ConfigError("`cookie.sameSite` must be 'lax', 'strict' or 'none'.")
  const name = `${prefix}${bare}`
  checkSize(name)
  const place = `Path=${path}${domain === undefined ? '' : `; Domain=${domain}`}`
  const site = { lax: 'Lax', strict: 'Strict', none: 'None' }[sameSite]
  return {
    secure: { name, attributes: `${place}; Secure; HttpOnly; SameSite=${site}${partitioned ? '; Partitioned' : ''}` },
    development: { name: bare, attributes: `Path=${path}; HttpOnly; SameSite=${site === 'None' ? 'Lax' : site}` },
  }
}

function readName(name: string, shared: boolean): { prefix: string; bare: string } {
  if (!/^[!#$%&'*+.^_`|~A-Za-z0-9-]+$/.test(name)) {
    throw new ConfigError("`cookie.name` must be a token: letters, digits and !#$%&'*+-.^_`|~ only.")
  }
  const prefix = PREFIXES.find((candidate) => name.toLowerCase().startsWith(candidate.toLowerCase()))
  if (prefix === undefined) return { prefix: shared ? '__Secure-' : '__Host-Http-', bare: name }
  if (!name.startsWith(prefix))
    throw new ConfigError(
      `\`cookie.name\`: write the prefix as ${prefix}; browsers compare it without case, servers with.`,
    )
  if (name === prefix) throw new ConfigError('`cookie.name` consists of a prefix only.')
  return { prefix, bare: name.slice(prefix.length) }
}

function checkSize(name: string): void {
  if (name.length + TOKEN_LENGTH <= MAX_PAIR) return
  throw new CookieTooLargeError(
    `The cookie name has ${name.length} octets; with the token it exceeds the ${MAX_PAIR} that browsers keep.`,
  )
}

/**
 * Values of the cookies called `name`, at most three, in the order sent. The header is scanned, not parsed: other cookies
 * may be malformed. Names compare with case, values are taken literally. @see RFC 6265bis §4.2, §5.4
 */
export function scanCookies(header: string, name: string): string[] {
  const values: string[] = []
  const needle = `${name}=`
  for (let at = header.indexOf(needle); at !== -1 && values.length < 3; at = header.indexOf(needle, at + 1)) {
    if (!startsPair(header, at)) continue
    const end = header.indexOf(';', at)
    values.push(header.slice(at + needle.length, end === -1 ? undefined : end).trim())
  }
  return values
}

function startsPair(header: string, at: number): boolean {
  let before = at - 1
  while (header[before] === ' ' || header[before] === '\t') before -= 1
  return before < 0 || header[before] === ';'
}

/** A Set-Cookie line. `lifetimeMs` makes the cookie outlive the browser, for at most 400 days. */
export function writeCookie(shape: CookieShape, value: string, lifetimeMs: number | null): string {
  if (lifetimeMs === null) return `${shape.name}=${value}; ${shape.attributes}`
  const seconds = Math.min(Math.max(Math.floor(lifetimeMs / 1000), 0), MAX_AGE_SECONDS)
  return `${shape.name}=${value}; ${shape.attributes}; Max-Age=${seconds}`
}

/** A Set-Cookie line that has the browser forget the cookie: same name and place, empty, past. */
export function clearCookie(shape: CookieShape): string {
  return `${shape.name}=; ${shape.attributes}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`
}
