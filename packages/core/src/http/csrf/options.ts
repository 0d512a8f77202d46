import { ConfigError } from '../../errors.ts'
import { oneOf } from '../../manager/duration.ts'
import type { RequestFacts } from '../facts.ts'
import { readOrigin } from './origin.ts'

/**
 * How strictly unsafe requests are checked. `'modern'`: by the browser's own word, with a form token for what does not give it.
 * `'nist'`: a form token in the body of every POST, PUT and PATCH as well. `'apiOnly'`: no forms, only what other sites cannot send
 * without asking first.
 */
export type CsrfProfile = 'modern' | 'nist' | 'apiOnly'

/**
 * Protection against requests that other sites have a browser make. GET, HEAD and OPTIONS pass; everything else and WebSocket
 * upgrades must come from a page of this origin. @see OWASP ASVS 5.0 3.5.1, OWASP Cross-Site Request Forgery Prevention
 */
export interface CsrfOptions {
  /** Default `'modern'`. */
  readonly profile?: CsrfProfile
  /**
   * Where browsers reach the application, like `'https://shop.example'`. Default: what the adapter was told, else made of the
   * Host header and whether the request is secure. Needed where a proxy rewrites Host.
   */
  readonly origin?: string
  /** Further origins whose pages may send unsafe requests, like `'https://admin.shop.example'`. Default none, siblings included. */
  readonly origins?: readonly string[]
  /**
   * Unsafe requests with a cookie of ours that tell neither `Sec-Fetch-Site` nor `Origin` nor `Referer`: no browser, or an old one.
   * They need a form token (default), pass (`'allow'`), or are refused with and without cookie (`'deny'`).
   */
  readonly missing?: 'token' | 'allow' | 'deny'
  /** Request header for form tokens, default `'x-csrf-token'`. */
  readonly header?: string
  /** Field of the body for form tokens, default `'_csrf'`. */
  readonly field?: string
  /**
   * Whose pages may load or embed what depends on the session, by any method. `'same-origin'` and `'same-site'` refuse other
   * sites' images, scripts, frames and fetches once the session is looked at; links to pages work. Default `'off'`.
   * @see OWASP ASVS 5.0 3.5.8
   */
  readonly isolation?: 'off' | 'same-origin' | 'same-site'
  /** Requests that are not checked, like `({ url }) => url === '/webhook'`. Default none. */
  readonly exempt?: (facts: RequestFacts) => boolean
  /** Refuse nothing, only tell by `csrf-refused` events with `enforced: false` what would be. Default false. */
  readonly reportOnly?: boolean
}

/** The options, checked and complete. */
export interface CsrfPolicy {
  readonly profile: CsrfProfile
  readonly origin: string | null
  readonly origins: ReadonlySet<string>
  readonly missing: 'token' | 'allow' | 'deny'
  readonly header: string
  readonly field: string
  readonly isolation: 'off' | 'same-origin' | 'same-site'
  readonly exempt: ((facts: RequestFacts) => boolean) | null
  readonly reportOnly: boolean
  /** Unsafe requests need the SameSite=Strict cookie as well. */
  readonly strictWrites: boolean
}

const PROFILES = ['modern', 'nist', 'apiOnly'] as const
const NAMES: Readonly<Record<keyof CsrfOptions, null>> = {
  profile: null,
  origin: null,
  origins: null,
  missing: null,
  header: null,
  field: null,
  isolation: null,
  exempt: null,
  reportOnly: null,
}

/** Checks the `csrf` option; null where nothing is to be checked. */
export function readCsrf(option: CsrfProfile | CsrfOptions | false = {}, strictWrites: boolean): CsrfPolicy | null {
  if (option === false) return null
  const options = typeof option === 'string' ? { profile: option } : option
  checkTypes(options)
  const { origin, origins = [], header = 'x-csrf-token', field = '_csrf', exempt = null } = options
  return {
    profile: oneOf(options.profile, PROFILES, 'csrf.profile'),
    origin: origin === undefined ? null : readOrigin(origin, 'csrf.origin', /^https?:/),
    origins: new Set(origins.map((each) => readOrigin(each, 'csrf.origins'))),
    missing: oneOf(options.missing, ['token', 'allow', 'deny'], 'csrf.missing'),
    header: header.toLowerCase(),
    field,
    isolation: oneOf(options.isolation, ['off', 'same-origin', 'same-site'], 'csrf.isolation'),
    exempt,
    reportOnly: options.reportOnly ?? false,
    strictWrites,
  }
}

function checkTypes(options: CsrfOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError("`csrf` must be 'modern', 'nist', 'apiOnly', an object with options, or false.")
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name))
  if (unknown !== undefined) {
    throw new ConfigError(`\`csrf.${unknown}\` is no option. There are: ${Object.keys(NAMES).join(', ')}.`)
  }
  const { origins, header, field, exempt, reportOnly } = options
  if (origins !== undefined && !Array.isArray(origins))
    throw new ConfigError("`csrf.origins` must be an array, like ['https://admin.shop.example'].")
  if (header !== undefined && !/^[A-Za-z0-9-]+$/.test(header))
    throw new ConfigError("`csrf.header` must be the name of a header, like 'x-csrf-token'.")
  if (field !== undefined && (typeof field !== 'string' || field === ''))
    throw new ConfigError("`csrf.field` must be the name of a form field, like '_csrf'.")
  if (exempt !== undefined && typeof exempt !== 'function')
    throw new ConfigError("`csrf.exempt` must be a function of the request, like ({ url }) => url === '/webhook'.")
  if (reportOnly !== undefined && typeof reportOnly !== 'boolean')
    throw new ConfigError('`csrf.reportOnly` must be true or false.')
}
