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
  /** A separate cookie per embedding site (CHIPS), default false. Needs `sameSite: 'none'`. */
  readonly partitioned?: boolean
  /**
   * A second cookie, `SameSite=Strict`, without which unsafe methods are refused: a browser that follows another site's link is
   * signed in for reading only. Default false; needs `sameSite: 'lax'` and `csrf`. @see RFC 6265bis §8.8.2
   */
  readonly strictWrites?: boolean
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

/** The session cookie, and those that stand beside it. */
export interface CookieSet extends CookiePair {
  /** What form tokens of visitors without a session are bound to; always of this host alone. */
  readonly visitor: CookiePair
  /** See {@link CookieOptions.strictWrites}. */
  readonly write: CookiePair | null
  /** The domain that shares the session cookie, or null. */
  readonly domain: string | null
}

const PREFIXES = ['__Host-Http-', '__Host-', '__Http-', '__Secure-'] as const
/** Octets of name and value that browsers keep. @see RFC 6265bis §5.6 */
const MAX_PAIR = 4096
/** Octets of one attribute's value that browsers look at. @see RFC 6265bis §5.6 */
const MAX_ATTRIBUTE = 1024
/** Browsers cap lifetimes at 400 days. @see RFC 6265bis §5.5 */
const MAX_AGE_SECONDS = 400 * 24 * 60 * 60

/** Checks cookie options; throws a {@link ConfigError} for what a browser would refuse or what would be unsafe. */
export function readCookieOptions(options: CookieOptions = {}): CookieSet {
  if (typeof options !== 'object' || options === null)
    throw new ConfigError("`cookie` must be an object, like { name: 'shop' }.")
  checkNames(options)
  checkPlace(options)
  checkSite(options)
  const { path = '/', domain, sameSite = 'lax', partitioned = false, strictWrites = false } = options
  const { prefix, bare } = readName(options.name ?? 'sid', path, domain)
  const name = `${prefix}${bare}`
  checkSize(name)
  const place = `Path=${path}${domain === undefined ? '' : `; Domain=${domain}`}; Secure; HttpOnly`
  const site = { lax: 'Lax', strict: 'Strict', none: 'None' }[sameSite]
  const embedding = `SameSite=${site}${partitioned ? '; Partitioned' : ''}`
  const local = `HttpOnly; SameSite=${site === 'None' ? 'Lax' : site}`
  return {
    secure: { name, attributes: `${place}; ${embedding}` },
    development: { name: bare, attributes: `Path=${path}; ${local}` },
    visitor: {
      secure: { name: `__Host-Http-${bare}-csrf`, attributes: `Path=/; Secure; HttpOnly; ${embedding}` },
      development: { name: `${bare}-csrf`, attributes: `Path=/; ${local}` },
    },
    write: strictWrites
      ? {
          secure: { name: `${name}-write`, attributes: `${place}; SameSite=Strict` },
          development: { name: `${bare}-write`, attributes: `Path=${path}; HttpOnly; SameSite=Strict` },
        }
      : null,
    domain: domain ?? null,
  }
}

function checkPlace({ path = '/', domain }: CookieOptions): void {
  if (!/^\/[\x20-\x3a\x3c-\x7e]*$/.test(path))
    throw new ConfigError('`cookie.path` must start with "/" and must not contain ";" or control characters.')
  if (domain !== undefined && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(domain)) {
    throw new ConfigError('`cookie.domain` must be a plain domain like "example.com", without a leading dot.')
  }
  if (domain !== undefined && (!domain.includes('.') || /\.\d+$/.test(domain))) {
    throw new ConfigError(
      `\`cookie.domain\`: browsers share no cookie across "${domain}", only across a domain with subdomains, like "example.com".`,
    )
  }
  if (path.length > MAX_ATTRIBUTE || (domain?.length ?? 0) > MAX_ATTRIBUTE) {
    throw new ConfigError(
      `\`cookie.path\` and \`cookie.domain\` must not be longer than ${MAX_ATTRIBUTE} octets; browsers ignore them.`,
    )
  }
}

function checkSite({ sameSite = 'lax', partitioned = false, strictWrites = false }: CookieOptions): void {
  if (!['lax', 'strict', 'none'].includes(sameSite))
    throw new ConfigError("`cookie.sameSite` must be 'lax', 'strict' or 'none'.")
  if (typeof partitioned !== 'boolean' || typeof strictWrites !== 'boolean')
    throw new ConfigError('`cookie.partitioned` and `cookie.strictWrites` must be true or false.')
  if (partitioned && sameSite !== 'none')
    throw new ConfigError(
      "`cookie.partitioned` is for pages embedded in other sites, where cookies arrive only with `sameSite: 'none'`.",
    )
  if (strictWrites && sameSite !== 'lax')
    throw new ConfigError(
      "`cookie.strictWrites` adds a strict cookie to a lax one: it needs `sameSite: 'lax'`, the default.",
    )
}

const NAMES: readonly string[] = [
  'name',
  'path',
  'domain',
  'sameSite',
  'partitioned',
  'strictWrites',
] satisfies (keyof CookieOptions)[]

/** `maxAge` and `secure: false` are what people bring along from elsewhere. */
function checkNames(options: object): void {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name))
  if (unknown === undefined) return
  throw new ConfigError(
    `\`cookie.${unknown}\` is no option. There are: ${NAMES.join(', ')}. Secure and HttpOnly are always set; lifetimes are \`idle\`, \`absolute\` and signIn(…, { persistent: true }).`,
  )
}

function readName(name: string, path: string, domain: string | undefined): { prefix: string; bare: string } {
  if (!/^[!#$%&'*+.^_`|~A-Za-z0-9-]+$/.test(name)) {
    throw new ConfigError("`cookie.name` must be a token: letters, digits and !#$%&'*+-.^_`|~ only.")
  }
  const shared = domain !== undefined || path !== '/'
  const prefix = PREFIXES.find((candidate) => name.toLowerCase().startsWith(candidate.toLowerCase()))
  if (prefix === undefined) return { prefix: shared ? '__Secure-' : '__Host-Http-', bare: name }
  if (!name.startsWith(prefix))
    throw new ConfigError(
      `\`cookie.name\`: write the prefix as ${prefix}; browsers compare it without case, servers with.`,
    )
  if (name === prefix) throw new ConfigError('`cookie.name` consists of a prefix only.')
  const bare = name.slice(prefix.length)
  if (prefix.startsWith('__Host-') && shared) {
    throw new ConfigError(
      `\`cookie.name\`: the prefix ${prefix} allows neither \`domain\` nor a \`path\` other than "/". Use __Secure-${bare}.`,
    )
  }
  return { prefix, bare }
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
