import { equal } from '../case.ts'
import { type AdapterCase, type App, must } from './app.ts'
import { parseSetCookie } from './cookie-jar.ts'
import { https } from './refusal.ts'

async function signsOut(app: App): Promise<string | undefined> {
  const browser = await app.signedIn('ada', { secure: true })
  return (await browser.visit((session) => session.signOut(), { method: 'POST' })).get('clear-site-data')
}

export const siteDataCases: readonly AdapterCase[] = [
  must(
    'transport/clear-site-data',
    'with `clearSiteData` a sign-out, and nothing else, has the browser forget',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      equal((await browser.look().then(() => browser.idle())).get('clear-site-data'), undefined, 'header of a page')
      const visitor = app.browser({ secure: true })
      const nobody = await visitor.visit((session) => session.signOut(), { method: 'POST' })
      equal(nobody.get('clear-site-data'), undefined, 'header of a sign-out of nobody')
      const answer = await browser.visit((session) => session.signOut(), { method: 'POST' })
      equal(answer.get('clear-site-data'), '"cache", "cookies", "storage"', 'header of a sign-out')
      const { cookies } = await browser.visit((session) => session.signIn('ada'))
      equal(cookies.length, 1, 'Set-Cookie lines of the next sign-in')
    },
    https({}, { clearSiteData: true }),
  ),
  must(
    'transport/clear-site-data-shared',
    'not the cookies, where the session cookie is shared with other hosts',
    async (app) => {
      const browser = app.browser({ secure: true })
      const { cookies } = await browser.visit((session) => session.signIn('ada'))
      const { name, attributes } = parseSetCookie(cookies[0] ?? '')
      equal(name, '__Secure-sid', 'name of the cookie')
      equal(attributes.get('domain'), 'app.example', 'domain of the cookie')
      const answer = await browser.visit((session) => session.signOut(), { method: 'POST' })
      equal(answer.get('clear-site-data'), '"cache", "storage"', 'header')
    },
    https({}, { clearSiteData: true, cookie: { domain: 'app.example' } }),
  ),
  must(
    'transport/clear-site-data-chosen',
    'what is to be forgotten can be chosen',
    async (app) => equal(await signsOut(app), '"storage"', 'header'),
    https({}, { clearSiteData: ['storage'] }),
  ),
  must(
    'transport/clear-site-data-off',
    'by default nothing is to be forgotten but the cookie',
    async (app) => equal(await signsOut(app), undefined, 'header'),
    https(),
  ),
  must(
    'transport/embedded',
    'an embedded application has a cookie per embedding site, and a sign-out clears that one',
    async (app) => {
      const browser = app.browser({ secure: true })
      const { cookies } = await browser.visit((session) => session.signIn('ada'))
      const cleared = await browser.visit((session) => session.signOut(), { method: 'POST' })
      for (const line of [...cookies, ...cleared.cookies]) {
        const { attributes } = parseSetCookie(line)
        equal(attributes.get('samesite'), 'None', 'SameSite')
        equal(attributes.has('partitioned') && attributes.has('secure'), true, 'Partitioned and Secure')
      }
      equal(browser.token, undefined, 'the cookie in the browser')
    },
    https({}, { cookie: { sameSite: 'none', partitioned: true } }),
  ),
]
