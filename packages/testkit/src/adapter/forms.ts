import { equal } from '../case.ts'
import { type AdapterCase, must, type Setup } from './app.ts'
import type { Browser, Visit } from './browser.ts'
import { https, isRefusal, passes, refuses, tokenOf } from './refusal.ts'

const BOUNDARY = 'form-boundary'

/** The ways a form, or a script in its place, sends its fields. */
const encodings: Readonly<Record<string, (field: string, value: string) => Pick<Visit, 'body' | 'headers'>>> = {
  urlencoded: (field, value) => ({
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: new URLSearchParams({ name: 'Ada', [field]: value }).toString(),
  }),
  multipart: (field, value) => ({
    headers: [['Content-Type', `multipart/form-data; boundary=${BOUNDARY}`]],
    body: multipart({ name: 'Ada', [field]: value }),
  }),
  json: (field, value) => ({
    headers: [['Content-Type', 'application/json']],
    body: JSON.stringify({ name: 'Ada', [field]: value }),
  }),
}

function multipart(fields: Readonly<Record<string, string>>): string {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return `${parts.join('')}--${BOUNDARY}--\r\n`
}

function forms(setup: Setup): Setup {
  return { ...setup, serve: { ...setup.serve, forms: true } }
}

function sent(encoding: string, value: string, own: boolean, field = '_csrf'): Visit {
  const { headers = [], ...made } = (encodings[encoding] as (typeof encodings)[string])(field, value)
  return {
    method: 'POST',
    silent: !own,
    ...made,
    headers: own ? [...headers, ['Sec-Fetch-Site', 'same-origin']] : headers,
  }
}

async function signIn(browser: Browser, visit: Visit): Promise<number> {
  return (await browser.visit((session) => session.signIn('ada'), visit)).status
}

/** A browser that has signed in through the form that the profile asks for. */
async function signedIn(browser: Browser): Promise<Browser> {
  equal(await signIn(browser, sent('urlencoded', await tokenOf(browser), true)), 200, 'status of the sign-in')
  return browser
}

const encodingCases = Object.keys(encodings).flatMap((encoding) => [
  must(
    `form/${encoding}/nist`,
    `${encoding}: every form needs the token of its session in a field, the login form included`,
    async (app) => {
      const visitor = app.browser({ secure: true })
      const login = await tokenOf(visitor)
      const stranger = await tokenOf(app.browser({ secure: true }))
      for (const wrong of ['', stranger]) equal(await signIn(visitor, sent(encoding, wrong, true)), 403, 'status')
      equal(await signIn(visitor, sent(encoding, login, true)), 200, 'status of the login form')
      await refuses(app, visitor, sent(encoding, login, true), 'token', 'with the token of the login form')
      await passes(visitor, sent(encoding, await tokenOf(visitor), true), 'with the token')
    },
    forms(https('nist')),
  ),
  must(
    `form/${encoding}/modern`,
    `${encoding}: a form of a browser that tells nothing needs the token in a field`,
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      await refuses(app, browser, sent(encoding, 'x', false), 'token', 'with a wrong token')
      await refuses(app, browser, sent(encoding, token, false, 'csrf'), 'token', 'in another field')
      await passes(browser, sent(encoding, token, false), 'with the token')
      await passes(browser, sent(encoding, '', true), 'of an own page without a token')
    },
    forms(https()),
  ),
])

export const formCases: readonly AdapterCase[] = [
  ...encodingCases,
  must(
    'form/field/name',
    'the field can be called otherwise',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      await passes(browser, sent('urlencoded', token, false, 'authenticity'), 'in that field')
      await refuses(app, browser, sent('urlencoded', token, false), 'token', 'in the usual field')
    },
    forms(https({ field: 'authenticity' })),
  ),
  must(
    'form/field/odd',
    'a field sent twice, or none of a text, is no token, and no server error either',
    async (app) => {
      const browser = await signedIn(app.browser({ secure: true }))
      const token = await tokenOf(browser)
      const headers = [
        ['Content-Type', 'application/json'],
        ['Sec-Fetch-Site', 'same-origin'],
      ] as const
      for (const value of [[token, token], { a: 1 }, 7, null, true]) {
        const body = JSON.stringify({ _csrf: value })
        isRefusal(await browser.visit((session) => session.subject, { method: 'POST', headers, body }), `with ${body}`)
      }
      for (const body of ['null', '[]', '{"__proto__":{"_csrf":"x"}}']) {
        const answer = await browser.visit((session) => session.subject, { method: 'POST', headers, body })
        equal(answer.status >= 400 && answer.status < 500, true, `status of ${body}: ${answer.status}`)
      }
    },
    forms(https('nist')),
  ),
  must(
    'form/field/not-in-the-query',
    'a token in the query is no field',
    async (app) => {
      const browser = await signedIn(app.browser({ secure: true }))
      const path = app.register((session) => session.subject)
      const sending = { ...sent('urlencoded', '', true), body: 'name=Ada' }
      isRefusal(await browser.send(`${path}?_csrf=${await tokenOf(browser)}`, sending).answer, 'in the query')
    },
    forms(https('nist')),
  ),
  must(
    'form/refused-before-the-handler',
    'what has no token is refused before the handler runs, whether it looks at its session or not',
    async (app) => {
      const browser = await signedIn(app.browser({ secure: true }))
      let handled = false
      const answer = await browser.visit(
        () => {
          handled = true
        },
        sent('urlencoded', '', true),
      )
      isRefusal(answer, 'without a token')
      equal(handled, false, 'the handler has run')
    },
    forms(https('nist')),
  ),
]
