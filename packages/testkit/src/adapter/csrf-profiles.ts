import { equal } from '../case.ts'
import { type AdapterCase, must } from './app.ts'
import type { Visit } from './browser.ts'
import { https, isRefusal, passes, refuses, tokenOf } from './refusal.ts'

const OWN_PAGE = ['Sec-Fetch-Site', 'same-origin'] as const

/** Content as other sites can send it without asking, and as they cannot. */
const contents: readonly (readonly [id: string, type: string | null, passes: boolean])[] = [
  ['json', 'application/json', true],
  ['json-with-charset', 'Application/JSON; charset=utf-8', true],
  ['problem-json', 'application/problem+json', true],
  ['urlencoded', 'application/x-www-form-urlencoded', false],
  ['multipart', 'multipart/form-data; boundary=x', false],
  ['plain-text', 'text/plain', false],
  ['json-in-a-parameter', 'text/plain; x=application/json', false],
  ['json-as-prefix', 'application/jsonish', false],
  ['no-type', null, false],
]

const apiCases = contents.map(([id, type, accepted]) =>
  must(
    `csrf/api-only/${id}`,
    accepted ? `apiOnly: ${id} passes` : `apiOnly: ${id} is refused, even of an own page, but for a header of our own`,
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const headers = type === null ? [OWN_PAGE] : ([OWN_PAGE, ['Content-Type', type]] as const)
      const visit: Visit = { method: 'POST', headers, ...(type !== null && { body: '{}' }) }
      if (accepted) await passes(browser, visit, `of ${id}`)
      else await refuses(app, browser, visit, 'form', `of ${id}`)
      await passes(browser, { ...visit, headers: [...headers, ['X-CSRF-Token', '1']] }, `of ${id} with the header`)
    },
    https('apiOnly'),
  ),
)

export const csrfProfileCases: readonly AdapterCase[] = [
  ...apiCases,
  must(
    'csrf/api-only/without-content',
    'apiOnly: a DELETE without content passes, for it needs a preflight',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      await passes(browser, { method: 'DELETE' }, 'of DELETE')
      await passes(browser, { method: 'DELETE', silent: true }, 'of DELETE that tells nothing')
    },
    https('apiOnly'),
  ),
  must(
    'csrf/api-only/other-origin',
    'apiOnly: JSON of another origin is refused all the same',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const headers = [
        ['Origin', 'https://evil.example'],
        ['Content-Type', 'application/json'],
      ] as const
      await refuses(app, browser, { method: 'POST', headers, body: '{}' }, 'origin', 'of another origin')
    },
    https('apiOnly'),
  ),
  must(
    'csrf/nist/content',
    'nist: POST, PUT and PATCH need a token in their content, even of an own page; the header will not do',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      for (const method of ['POST', 'PUT', 'PATCH']) {
        await refuses(app, browser, { method }, 'token', `of ${method} without a token`)
        const headers = [OWN_PAGE, ['X-CSRF-Token', token]] as const
        await refuses(app, browser, { method, headers }, 'token', `of ${method} with one in the header`)
      }
    },
    https('nist'),
  ),
  must(
    'csrf/nist/without-content',
    'nist: what has no content, like DELETE, needs a token in the header',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      await refuses(app, browser, { method: 'DELETE' }, 'token', 'of DELETE without a token')
      const headers = [OWN_PAGE, ['X-CSRF-Token', await tokenOf(browser)]] as const
      await passes(browser, { method: 'DELETE', headers }, 'of DELETE with a token')
    },
    https('nist'),
  ),
  must(
    'csrf/nist/login',
    'nist: the login form needs a token too',
    async (app) => {
      const browser = app.browser({ secure: true })
      const answer = await browser.visit((session) => session.signIn('ada'), { method: 'POST' })
      isRefusal(answer, 'of a sign-in without a token')
      equal(app.store.calls.create, 0, 'records created')
    },
    https('nist'),
  ),
  must(
    'csrf/names',
    'header and field of the token can be called otherwise',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      const sending = (name: string): Visit => ({ method: 'POST', silent: true, headers: [[name, token]] })
      await passes(browser, sending('X-Anti-Forgery'), 'with the header')
      await refuses(app, browser, sending('X-CSRF-Token'), 'token', 'with the usual header')
    },
    https({ header: 'X-Anti-Forgery' }),
  ),
]
