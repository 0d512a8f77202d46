import { type AdapterCase, must } from './app.ts'
import type { Visit } from './browser.ts'
import { https, passes, refuses } from './refusal.ts'

type Headers = NonNullable<Visit['headers']>

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const
const OWN = 'https://app.example'

interface Row {
  readonly id: string
  readonly headers: Headers
  readonly reason: 'site' | 'origin' | null
}

function row(id: string, headers: Record<string, string>, reason: Row['reason'] = null): Row {
  return { id, headers: Object.entries(headers), reason }
}

const EVIL = 'https://evil.example'

/** What a request tells about where it comes from, and why it is refused. The cookie is there each time. */
const rows: readonly Row[] = [
  row('same-origin', { 'Sec-Fetch-Site': 'same-origin', Origin: OWN }),
  row('user-initiated', { 'Sec-Fetch-Site': 'none' }),
  row('same-site', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://blog.app.example' }, 'site'),
  row('cross-site', { 'Sec-Fetch-Site': 'cross-site', Origin: EVIL }, 'site'),
  row('cross-site-without-origin', { 'Sec-Fetch-Site': 'cross-site' }, 'site'),
  row('unknown-site', { 'Sec-Fetch-Site': 'same-planet', Origin: OWN }, 'site'),
  row('two-sites', { 'Sec-Fetch-Site': 'same-origin, cross-site', Origin: OWN }, 'site'),
  row('own-origin', { Origin: OWN }),
  row('other-origin', { Origin: EVIL }, 'origin'),
  row('longer-origin', { Origin: `${OWN}.evil.example` }, 'origin'),
  row('other-scheme', { Origin: 'http://app.example' }, 'origin'),
  row('other-port', { Origin: `${OWN}:8443` }, 'origin'),
  row('subdomain', { Origin: 'https://blog.app.example' }, 'origin'),
  row('parent-domain', { Origin: 'https://example' }, 'origin'),
  row('trailing-dot', { Origin: `${OWN}.` }, 'origin'),
  row('trailing-slash', { Origin: `${OWN}/` }, 'origin'),
  row('user-in-origin', { Origin: `https://app.example@evil.example` }, 'origin'),
  row('capital-letters', { Origin: 'https://APP.example' }, 'origin'),
  row('null-origin', { Origin: 'null' }, 'origin'),
  row('empty-origin', { Origin: '' }, 'origin'),
  row('own-referer', { Referer: `${OWN}/page?a=b` }),
  row('other-referer', { Referer: `${EVIL}/?${OWN}/` }, 'origin'),
]

export const provenanceCases: readonly AdapterCase[] = rows.map(({ id, headers, reason }) =>
  must(
    `csrf/provenance/${id}`,
    reason === null ? `${id}: unsafe requests pass` : `${id}: unsafe requests are refused with 403, and told`,
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      for (const method of METHODS) {
        if (reason === null) await passes(browser, { method, headers }, `of ${method}`)
        else await refuses(app, browser, { method, headers }, reason, `of ${method}`)
      }
      for (const method of ['GET', 'HEAD', 'OPTIONS']) await passes(browser, { method, headers }, `of ${method}`)
    },
    https(),
  ),
)
