import { deepEqual, equal, notEqual, ok } from '../case.ts'
import { type AdapterCase, must, reply } from './app.ts'
import type { Visit } from './browser.ts'
import { count, https, isRefusal, passes, refuses, tokenOf } from './refusal.ts'

type Headers = NonNullable<Visit['headers']>

const OWN = 'https://app.example'
const EVIL = 'https://evil.example'

export const csrfCases: readonly AdapterCase[] = [
  must(
    'csrf/before-the-store',
    'what the headers give away is refused before the handler runs and the store is asked',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      app.store.reset()
      let handled = false
      const answer = await browser.visit(
        () => {
          handled = true
        },
        { method: 'POST', headers: [['Sec-Fetch-Site', 'cross-site']] },
      )
      isRefusal(answer, 'of a cross-site POST')
      ok(!handled, 'the handler has not run')
      deepEqual(app.store.log, [], 'store calls')
    },
    https(),
  ),
  must(
    'csrf/login',
    "another site's form cannot sign anybody in, or out",
    async (app) => {
      const visit: Visit = { method: 'POST', headers: [['Origin', EVIL]] }
      isRefusal(await app.browser({ secure: true }).visit((session) => session.signIn('eve'), visit), 'of a sign-in')
      equal(app.store.calls.create, 0, 'records created')
      const browser = await app.signedIn('ada', { secure: true })
      isRefusal(await browser.visit((session) => session.signOut(), visit), 'of a sign-out')
      equal((await browser.look()).subject, 'ada', 'subject')
    },
    https(),
  ),
  must('csrf/development', 'on loopback another port is another origin', async (app) => {
    const browser = await app.signedIn()
    const own = browser.origin.url
    await passes(browser, { method: 'POST', headers: [['Origin', own]] }, 'of an own page')
    const other: Visit = { method: 'POST', headers: [['Origin', 'http://127.0.0.1:1']] }
    await refuses(app, browser, other, 'origin', 'of another port')
  }),
  must(
    'csrf/spoofed-proxy',
    'X-Forwarded-Host of anybody does not decide which origin is our own',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const headers: Headers = [
        ['X-Forwarded-Host', 'evil.example'],
        ['Origin', EVIL],
      ]
      await refuses(app, browser, { method: 'POST', headers }, 'origin', 'with X-Forwarded-Host')
    },
    https(),
  ),
  must(
    'csrf/silent/without-cookie',
    'a request that carries no cookie of ours and tells nothing passes: webhooks, first calls of an API',
    async (app) => {
      const browser = app.browser({ secure: true })
      const answer = await browser.visit((session) => session.signIn('ada'), { method: 'POST', silent: true })
      equal(answer.status, 200, 'status')
      equal((await browser.look()).subject, 'ada', 'subject')
    },
    https(),
  ),
  must(
    'csrf/silent/with-cookie',
    'one that carries the cookie and tells nothing is refused when it looks at its session',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      await refuses(app, browser, { method: 'POST', silent: true }, 'token', 'without a token')
      const answer = await browser.visit(() => reply({ body: 'webhook' }), { method: 'POST', silent: true })
      equal(answer.status, 200, 'status of a handler that leaves the session alone')
    },
    https(),
  ),
  must(
    'csrf/silent/with-token',
    'a form token in the header lets it pass',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      await passes(browser, { method: 'POST', silent: true, headers: [['X-CSRF-Token', token]] }, 'with a token')
      for (const wrong of ['', token.slice(1), `${token}A`, `B${token.slice(1)}`, 'A'.repeat(token.length), '%00']) {
        const headers: Headers = [['X-CSRF-Token', wrong]]
        await refuses(app, browser, { method: 'POST', silent: true, headers }, 'token', `with ${wrong}`)
      }
    },
    https(),
  ),
  must(
    'csrf/silent/allow',
    "`missing: 'allow'` lets pass what tells nothing",
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      await passes(browser, { method: 'POST', silent: true }, 'that tells nothing')
      const other: Visit = { method: 'POST', headers: [['Origin', EVIL]] }
      await refuses(app, browser, other, 'origin', 'of another origin')
    },
    https({ missing: 'allow' }),
  ),
  must(
    'csrf/silent/deny',
    "`missing: 'deny'` refuses what tells nothing, with and without cookie",
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      await refuses(app, browser, { method: 'POST', silent: true }, 'missing', 'that tells nothing')
      const visitor = app.browser({ secure: true })
      const answer = await visitor.visit((session) => session.signIn('eve'), { method: 'POST', silent: true })
      isRefusal(answer, 'of a sign-in that tells nothing')
    },
    https({ missing: 'deny' }),
  ),
  must(
    'csrf/token-cannot-outweigh-origin',
    'a genuine form token does not help a request that comes from elsewhere',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const token = await tokenOf(browser)
      const headers: Headers = [
        ['Sec-Fetch-Site', 'cross-site'],
        ['X-CSRF-Token', token],
      ]
      await refuses(app, browser, { method: 'POST', headers }, 'site', 'with a token')
    },
    https(),
  ),
  must(
    'csrf/origins',
    'pages of a listed origin pass, of its neighbours not',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const from = (origin: string): Visit => ({
        method: 'POST',
        headers: [
          ['Sec-Fetch-Site', 'same-site'],
          ['Origin', origin],
        ],
      })
      await passes(browser, from('https://admin.app.example'), 'of a listed origin')
      for (const other of ['http://admin.app.example', 'https://x.admin.app.example', 'https://admin.app.example:444'])
        await refuses(app, browser, from(other), 'site', `of ${other}`)
    },
    https({ origins: ['https://admin.app.example'] }),
  ),
  must(
    'csrf/configured-origin',
    'a configured origin counts, and the Host header does not',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      await passes(browser, { method: 'POST', headers: [['Origin', 'https://shop.example']] }, 'of the origin')
      await refuses(app, browser, { method: 'POST', headers: [['Origin', OWN]] }, 'origin', 'of the Host header')
    },
    https({ origin: 'https://shop.example' }),
  ),
  must(
    'csrf/exempt',
    'exempt requests are not checked',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const other: Visit = { method: 'POST', headers: [['Origin', EVIL]] }
      await passes(browser, { ...other, under: '/webhook' }, 'that is exempt')
      await refuses(app, browser, other, 'origin', 'that is not exempt')
    },
    https({ exempt: ({ url }) => url?.startsWith('/webhook') === true }),
  ),
  must(
    'csrf/report-only',
    'report-only tells what would be refused, and refuses nothing',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      await passes(browser, { method: 'POST', headers: [['Origin', EVIL]] }, 'of another origin')
      await passes(browser, { method: 'POST', silent: true }, 'that tells nothing')
      const told = app.heard('csrf-refused').map(({ reason, enforced, origin }) => [reason, enforced, origin])
      deepEqual(
        told,
        [
          ['origin', false, EVIL],
          ['token', false, null],
        ],
        'events',
      )
    },
    https({ reportOnly: true }),
  ),
  must(
    'csrf/off',
    '`csrf: false` checks nothing',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      await passes(browser, { method: 'POST', headers: [['Sec-Fetch-Site', 'cross-site']] }, 'of another site')
    },
    https(false),
  ),
  must(
    'csrf/event',
    'the event says whose session it was, where the request was going, and holds no secret',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const { handle } = await browser.look()
      await browser.visit(count, { method: 'POST', silent: true })
      const [event] = app.heard('csrf-refused')
      equal(event?.handle, handle, 'handle')
      equal(event?.subject, 'ada', 'subject')
      ok(/^\/h\/\d+$/.test(event?.path ?? ''), `the path: ${event?.path}`)
      const other: Visit = { method: 'POST', headers: [['Origin', EVIL]] }
      await browser.send('/h/0?reset=secret', other).answer
      const [, foreign] = app.heard('csrf-refused')
      equal(foreign?.path, '/h/0', 'path without query')
      equal(foreign?.origin, EVIL, 'origin')
      notEqual(JSON.stringify(app.events).includes(browser.token ?? ''), true, 'the token in an event')
    },
    https(),
  ),
]
