/** Where headers are read from: Web `Headers`, or an object with lower-case names as Node has it. */
export type HeaderSource = { get(name: string): string | null } | NodeHeaders

type NodeHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * What a server knows about one request. A Web `Request` is one; adapters build it from their framework.
 * With `cookie` or `token` alone the caller vouches for the connection.
 */
export interface RequestFacts {
  /** In capitals. Without it the request counts as GET, unless its `Origin` says that it comes from elsewhere. */
  readonly method?: string
  /** Path, or absolute URL; with Web `Headers`, `https:` in front makes the request secure. */
  readonly url?: string
  readonly headers?: HeaderSource
  /** The Cookie header, where there are no `headers`. */
  readonly cookie?: string | undefined
  /** The bare token, where neither cookies nor headers carry it. */
  readonly token?: string | undefined
  /** Whether the client reached the server over https, as far as the proxies in between are trusted. */
  readonly secure?: boolean
  /** Where browsers reach the server, like `'https://shop.example'`. Default: what Host and `secure` say. */
  readonly origin?: string | undefined
  /** Address of the client, as far as the proxies in between are trusted. An unknown one is not loopback. */
  readonly ip?: string | undefined
  /** The answer cannot set anything: a WebSocket upgrade, a background job. */
  readonly upgrade?: boolean
}

/** One header of the request, lists joined as the protocol joins them. */
export function headerOf(facts: RequestFacts, name: string): string | undefined {
  const source = facts.headers
  if (source === undefined) return undefined
  // In the order of what is usual: Node's object, where a header may be called `get`.
  const value = (source as NodeHeaders)[name]
  if (typeof value === 'string') return value
  if (isHeaders(source)) return source.get(name) ?? undefined
  return value?.join(name === 'cookie' ? '; ' : ', ')
}

/** The Cookie header, from wherever the caller has it. */
export function cookieHeaderOf(facts: RequestFacts): string {
  return String(facts.cookie ?? headerOf(facts, 'cookie') ?? '')
}

/** Whether the client reached the server over https. Where nothing is said about the connection, the caller vouches for it. */
export function isSecure(facts: RequestFacts): boolean {
  if (facts.secure !== undefined) return facts.secure
  if (facts.headers === undefined) return true
  // Only a Web `Request` vouches for its url; elsewhere it is what the client wrote into the request line.
  return isHeaders(facts.headers) && (facts.url?.startsWith('https:') ?? false)
}

/**
 * Whether this is a developer's own browser: host and peer are loopback, and no proxy has passed the request on. A proxy on
 * the same machine sends a loopback Host by default, so its headers count as a no.
 */
export function isLoopback(facts: RequestFacts): boolean {
  const host = headerOf(facts, 'host') ?? authorityOf(facts.headers) ?? ''
  return isLoopbackHost(host) && isLoopbackAddress(facts.ip ?? '') && !isForwarded(facts.headers)
}

/** Host and port that the client addressed, or undefined where neither headers nor an absolute URL of a Web `Request` tell. */
export function hostOf(facts: RequestFacts): string | undefined {
  const host = headerOf(facts, 'host') ?? authorityOf(facts.headers)
  if (host !== undefined || facts.headers === undefined || !isHeaders(facts.headers)) return host
  return /^https?:\/\/([^/?#@]+)(?:[/?#]|$)/i.exec(facts.url ?? '')?.[1]
}

/** HTTP/2 has this in place of Host; Web `Headers` refuse to be asked for it. */
function authorityOf(source: HeaderSource | undefined): string | undefined {
  if (source === undefined || isHeaders(source)) return undefined
  return source[':authority']?.toString()
}

function isLoopbackHost(host: string): boolean {
  return /^(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host)
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address)
}

/** Headers that a proxy leaves behind. Where the names cannot be listed, the usual ones are asked for. */
const PROXY = /^(?:forwarded|via|x-real-ip|x-forwarded.*)$/i
const USUAL = [
  'forwarded',
  'via',
  'x-real-ip',
  ...['', '-for', '-proto', '-host', '-port', '-server', '-prefix'].map((part) => `x-forwarded${part}`),
]

function isForwarded(source: HeaderSource | undefined): boolean {
  if (source === undefined) return false
  if (!isHeaders(source)) return Object.keys(source).some((name) => PROXY.test(name))
  const { keys } = source as { keys?(): Iterable<string> }
  if (typeof keys !== 'function') return USUAL.some((name) => source.get(name) !== null)
  return [...keys.call(source)].some((name) => PROXY.test(name))
}

function isHeaders(source: HeaderSource): source is { get(name: string): string | null } {
  return typeof source.get === 'function'
}
