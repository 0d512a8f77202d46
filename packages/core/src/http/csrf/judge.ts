import { headerOf, type RequestFacts } from '../facts.ts'
import type { CsrfPolicy } from './options.ts'
import { originOf, ownOrigin } from './origin.ts'

/**
 * What the browser says about where an unsafe request comes from: `own`, from `elsewhere` by `Sec-Fetch-Site` or by its
 * origin, or nothing at all.
 */
export type Provenance = 'own' | 'other-site' | 'other-origin' | 'unknown'

/** Whether requests of this method change nothing. TRACE and unknown ones do not count. @see RFC 9110 §9.2.1 */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/**
 * Judges an unsafe request. Another origin of the same site is another origin; values of `Sec-Fetch-Site` that are not known
 * are refused. @see Fetch Metadata Request Headers §2.4
 */
export function judgeProvenance(facts: RequestFacts, policy: CsrfPolicy): Provenance {
  const origin = headerOf(facts, 'origin')
  if (origin !== undefined && policy.origins.has(origin)) return 'own'
  const site = headerOf(facts, 'sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'own' : 'other-site'
  if (origin !== undefined) return origin === ownOrigin(facts, policy.origin) ? 'own' : 'other-origin'
  const referer = originOf(headerOf(facts, 'referer') ?? '')
  if (referer === null) return 'unknown'
  return referer === ownOrigin(facts, policy.origin) || policy.origins.has(referer) ? 'own' : 'other-origin'
}

/**
 * Judges a handshake, or a request whose method nobody told: browsers send `Origin` with every WebSocket and every unsafe
 * request, so what has none is taken for a page that is called up.
 */
export function judgeHandshake(facts: RequestFacts, policy: CsrfPolicy): Provenance {
  return headerOf(facts, 'origin') === undefined ? 'own' : judgeProvenance(facts, policy)
}

/**
 * Whether what depends on the session may be given to the page that asks: own pages, links that are followed and typed
 * addresses, and whatever does not say. Frames and embedded objects are no links. @see OWASP ASVS 5.0 3.5.8
 */
export function mayLoad(facts: RequestFacts, policy: CsrfPolicy): boolean {
  const site = headerOf(facts, 'sec-fetch-site')
  if (site === undefined || site === 'same-origin' || site === 'none') return true
  if (site === 'same-site' && policy.isolation === 'same-site') return true
  if (policy.origins.has(headerOf(facts, 'origin') ?? '')) return true
  return headerOf(facts, 'sec-fetch-mode') === 'navigate' && headerOf(facts, 'sec-fetch-dest') === 'document'
}

/**
 * Whether another site could send the request without asking first: by a form, or by fetch without a preflight. A header of
 * our own or another type of content needs one. @see Fetch §2.2.2, OWASP ASVS 5.0 3.5.2
 */
export function isSimple(facts: RequestFacts, header: string): boolean {
  if (headerOf(facts, header) !== undefined) return false
  const type = headerOf(facts, 'content-type')
  if (type === undefined) return facts.method === 'POST'
  return !/^\s*application\/(?:[a-z0-9!#$&^_.-]+\+)?json\s*(?:;|$)/i.test(type)
}
