import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, must } from './app.ts'
import type { Browser, Visit } from './browser.ts'
import { parseSetCookie } from './cookie-jar.ts'
import { https, passes, refuses } from './refusal.ts'

const WRITE_COOKIE = '__Host-Http-sid-write'
const SPLIT = https({}, { cookie: { strictWrites: true } })

/** A request without the strict cookie, as a browser sends it when another site has started it. */
function laxOnly(browser: Browser): Visit {
  return { cookie: `${browser.cookieName}=${browser.token}` }
}

export const strictWriteCases: readonly AdapterCase[] = [
  must(
    'strict-writes/cookie',
    'a sign-in sets a strict cookie beside the session cookie; a sign-out clears both',
    async (app) => {
      const browser = app.browser({ secure: true })
      const { cookies } = await browser.visit((session) => session.signIn('ada'))
      const line = cookies.map(parseSetCookie).find(({ name }) => name === WRITE_COOKIE)
      deepEqual(
        [...(line?.attributes ?? [])].map(([name, value]) => `${name}=${value}`),
        ['path=/', 'secure=', 'httponly=', 'samesite=Strict'],
        'attributes',
      )
      equal(cookies.length, 2, 'Set-Cookie lines')
      await browser.visit((session) => session.signOut())
      equal(String(browser.jar), '', 'cookies after the sign-out')
    },
    SPLIT,
  ),
  must(
    'strict-writes/read',
    'without it pages can be read and nothing changed',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const visit = laxOnly(browser)
      equal((await browser.look(visit)).subject, 'ada', 'subject')
      await refuses(app, browser, { method: 'POST', ...visit }, 'write', 'without the strict cookie')
      await passes(browser, { method: 'POST' }, 'with it')
    },
    SPLIT,
  ),
  must(
    'strict-writes/of-another-session',
    'that of another session, or a made-up one, will not do',
    async (app) => {
      const ada = await app.signedIn('ada', { secure: true })
      const eve = await app.signedIn('eve', { secure: true })
      for (const value of [eve.jar.get(WRITE_COOKIE), '', 'A'.repeat(43)]) {
        const cookie = `${ada.cookieName}=${ada.token}; ${WRITE_COOKIE}=${value}`
        await refuses(app, ada, { method: 'POST', cookie }, 'write', `with ${value}`)
      }
    },
    SPLIT,
  ),
  must(
    'strict-writes/rotation',
    'it goes with the session through rotations, soft and hard',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      app.clock.advance('15m')
      await browser.idle()
      await passes(browser, { method: 'POST' }, 'after a soft rotation')
      await browser.visit((session) => session.rotate({ hard: true }), { method: 'POST' })
      await passes(browser, { method: 'POST' }, 'after a hard rotation')
    },
    SPLIT,
  ),
  must(
    'strict-writes/late',
    'a session from before the option gets it with the next page that no other site has called up',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      browser.jar.set(WRITE_COOKIE, undefined)
      const link = await browser.look({ headers: [['Sec-Fetch-Site', 'cross-site']] })
      deepEqual(link.cookies, [], 'Set-Cookie lines of a page that another site has called up')
      const own = await browser.look({ headers: [['Sec-Fetch-Site', 'none']] })
      equal(own.cookies.length, 1, 'Set-Cookie lines of a page of our own')
      ok(own.cookies[0]?.startsWith(`${WRITE_COOKIE}=`), 'the strict cookie')
      await passes(browser, { method: 'POST' }, 'afterwards')
      deepEqual((await browser.look()).cookies, [], 'Set-Cookie lines later')
    },
    SPLIT,
  ),
  must(
    'strict-writes/visitor',
    'visitors need none',
    async (app) => {
      const answer = await app.browser({ secure: true }).visit((session) => session.signIn('ada'), { method: 'POST' })
      equal(answer.status, 200, 'status')
    },
    SPLIT,
  ),
]
