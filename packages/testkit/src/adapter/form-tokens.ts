import { deepEqual, equal, notEqual, ok } from '../case.ts'
import { type AdapterCase, must, reply } from './app.ts'
import type { Browser, Visit } from './browser.ts'
import { parseSetCookie } from './cookie-jar.ts'
import { https, isRefusal, passes, refuses, tokenOf } from './refusal.ts'

const VISITOR_COOKIE = '__Host-Http-sid-csrf'

/** A request that tells nothing but what its token shows. */
function withToken(token: string): Visit {
  return { method: 'POST', silent: true, headers: [['X-CSRF-Token', token]] }
}

/** A sign-in form, sent by a browser that tells nothing else. */
async function submitSignIn(browser: Browser, token: string): Promise<number> {
  return (await browser.visit((session) => session.signIn('ada'), withToken(token))).status
}

export const formTokenCases: readonly AdapterCase[] = [
  must(
    'csrf-token/fresh-bytes',
    'every rendering has other bytes, and all of them are good',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const tokens: string[] = []
      for (let turn = 0; turn < 5; turn += 1) tokens.push(await tokenOf(browser))
      equal(new Set(tokens).size, 5, 'different tokens')
      for (const token of tokens) await passes(browser, withToken(token), 'with a token')
    },
    https(),
  ),
  must(
    'csrf-token/nothing-stored',
    'rendering a form stores nothing and sets no cookie for a session',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      app.store.reset()
      const answer = await browser.visit((session) => reply({ body: session.csrfToken() }))
      deepEqual(answer.cookies, [], 'Set-Cookie lines')
      deepEqual(
        app.store.log.filter(({ operation }) => operation !== 'get'),
        [],
        'store calls besides the read',
      )
      ok((answer.get('cache-control') ?? '').includes('private'), 'private')
    },
    https(),
  ),
  must(
    'csrf-token/of-another-session',
    'tokens of two sessions are not interchangeable',
    async (app) => {
      const ada = await app.signedIn('ada', { secure: true })
      const eve = await app.signedIn('eve', { secure: true })
      await refuses(app, ada, withToken(await tokenOf(eve)), 'token', 'with a token of another session')
    },
    https(),
  ),
  must(
    'csrf-token/soft-rotation',
    'an open form survives the periodic rotation',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      const { generation } = await browser.look()
      app.clock.advance('15m')
      await browser.idle()
      notEqual((await browser.look()).generation, generation, 'generation')
      await passes(browser, withToken(token), 'after the rotation')
    },
    https(),
  ),
  must(
    'csrf-token/hard-rotation',
    'a hard rotation and a proof of identity kill it',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const first = await tokenOf(browser)
      await browser.visit((session) => session.rotate({ hard: true }))
      await refuses(app, browser, withToken(first), 'token', 'after a hard rotation')
      const second = await tokenOf(browser)
      await browser.visit((session) => session.reauthenticate({ method: 'password' }))
      await refuses(app, browser, withToken(second), 'token', 'after a reauthentication')
    },
    https(),
  ),
  must(
    'csrf-token/sign-in-again',
    'a sign-in kills it, and a sign-out too',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      await browser.visit((session) => session.signIn('ada'))
      await refuses(app, browser, withToken(token), 'token', 'after a sign-in')
      const later = await tokenOf(browser)
      await browser.visit((session) => session.signOut())
      await tokenOf(browser)
      await refuses(app, browser, withToken(later), 'token', 'after a sign-out')
    },
    https(),
  ),
  must(
    'csrf-token/query',
    'a token in the query counts for nothing',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      const path = app.register((session) => reply({ body: session.subject }))
      const sending: Visit = { method: 'POST', silent: true }
      const answer = await browser.send(`${path}?_csrf=${token}&x-csrf-token=${token}`, sending).answer
      isRefusal(answer, 'with a token in the query')
    },
    https(),
  ),
  must(
    'csrf-token/visitor',
    'a visitor gets a cookie for the token, bound to this host, and no stored session',
    async (app) => {
      const browser = app.browser({ secure: true })
      const { cookies } = await browser.visit((session) => reply({ body: session.csrfToken() }))
      equal(cookies.length, 1, 'Set-Cookie lines')
      const { name, attributes } = parseSetCookie(cookies[0] ?? '')
      equal(name, VISITOR_COOKIE, 'name')
      deepEqual(
        [...attributes].map(([key, value]) => (value === '' ? key : `${key}=${value}`)),
        ['path=/', 'secure', 'httponly', 'samesite=Lax'],
        'attributes',
      )
      deepEqual(app.store.log, [], 'store calls')
      const again = await browser.visit((session) => reply({ body: session.csrfToken() }))
      deepEqual(again.cookies, [], 'Set-Cookie lines of the second form')
    },
    https(),
  ),
  must(
    'csrf-token/login-form',
    'the login form of a browser that tells nothing needs the token of this browser',
    async (app) => {
      const browser = app.browser({ secure: true })
      const token = await tokenOf(browser)
      const stranger = await tokenOf(app.browser({ secure: true }))
      equal(await submitSignIn(browser, ''), 403, 'status without a token')
      equal(await submitSignIn(browser, stranger), 403, "status with another browser's token")
      equal(await submitSignIn(browser, token), 200, 'status with the token')
      equal((await browser.look()).subject, 'ada', 'subject')
    },
    https(),
  ),
  must(
    'csrf-token/visitor-dies-at-sign-in',
    'a sign-in takes the cookie back, and the token from before is dead',
    async (app) => {
      const browser = app.browser({ secure: true })
      const token = await tokenOf(browser)
      const cookie = browser.jar.get(VISITOR_COOKIE)
      equal(await submitSignIn(browser, token), 200, 'status of the sign-in')
      equal(browser.jar.get(VISITOR_COOKIE), undefined, 'cookie after the sign-in')
      browser.jar.set(VISITOR_COOKIE, cookie)
      await refuses(app, browser, withToken(token), 'token', 'with the token from before')
    },
    https(),
  ),
  must(
    'csrf-token/first-write',
    'a form from before the first write of a visitor still works after it',
    async (app) => {
      const browser = app.browser({ secure: true })
      const { body: token } = await browser.visit((session) => {
        session.data.cart = []
        return reply({ body: session.csrfToken() })
      })
      equal((await browser.look()).state, 'anonymous', 'state')
      notEqual(browser.token, undefined, 'the session cookie')
      await passes(browser, withToken(token), 'of the visitor')
    },
    https(),
  ),
  must(
    'csrf-token/planted-cookies',
    'a second visitor cookie, planted beside the own one, is no help',
    async (app) => {
      const eve = app.browser({ secure: true })
      const planted = await tokenOf(eve)
      const browser = app.browser({ secure: true })
      await tokenOf(browser)
      const own = `${VISITOR_COOKIE}=${browser.jar.get(VISITOR_COOKIE)}`
      const tossed = `${VISITOR_COOKIE}=${eve.jar.get(VISITOR_COOKIE)}`
      for (const cookie of [`${own}; ${tossed}`, `${tossed}; ${own}`]) {
        const visit: Visit = { ...withToken(planted), cookie }
        equal((await browser.visit((session) => session.signIn('eve'), visit)).status, 403, 'status')
      }
    },
    https(),
  ),
  must(
    'csrf-token/after-the-commit',
    'a sign-in that answers with a token has to commit first',
    async (app) => {
      const early = await app.browser({ secure: true }).visit((session) => {
        session.signIn('ada')
        return reply({ body: session.csrfToken() })
      })
      equal(early.status, 500, 'status before the commit')
      const browser = app.browser({ secure: true })
      const { body: token } = await browser.visit(async (session) => {
        session.signIn('ada')
        await session.commit()
        return reply({ body: session.csrfToken() })
      })
      await passes(browser, withToken(token), 'with the token of the answer')
    },
    https(),
  ),
]
