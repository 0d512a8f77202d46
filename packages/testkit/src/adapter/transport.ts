import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must, type Setup } from './app.ts'
import type { Visit } from './browser.ts'
import { parseSetCookie } from './cookie-jar.ts'

const TRUSTING: Setup = { serve: { trustProxy: true } }
const PUBLIC_HOST = ['Host', 'app.example'] as const

/** Headers by which a proxy on the same machine gives itself away. */
const proxyHeaders = [
  ['Forwarded', 'for=203.0.113.7;proto=https'],
  ['Via', '1.1 proxy'],
  ['X-Forwarded-For', '203.0.113.7'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'app.example'],
  ['X-Forwarded-Port', '443'],
  ['X-Real-IP', '203.0.113.7'],
] as const

/** A sign-in that has to be refused: 400, no cookie, nothing stored. */
async function refusesSignIn(app: App, visit: Visit, what: string): Promise<void> {
  const answer = await app.browser().visit((session) => session.signIn('ada'), visit)
  equal(answer.status, 400, `status of a sign-in ${what}`)
  deepEqual(answer.cookies, [], `Set-Cookie lines ${what}`)
  equal(app.store.calls.create, 0, `records created ${what}`)
}

/** A request with a cookie that has to be refused: 400 before the handler, no store call. */
async function refusesCookie(app: App, visit: Visit, name = 'sid'): Promise<void> {
  const ada = await app.signedIn('ada', { secure: name !== 'sid' })
  app.store.reset()
  let handled = false
  const browser = app.browser()
  const answer = await browser.visit(
    () => {
      handled = true
    },
    { cookie: `${name}=${ada.token}`, ...visit },
  )
  equal(answer.status, 400, 'status')
  ok(!handled, 'the handler has not run')
  deepEqual(answer.cookies, [], 'Set-Cookie lines')
  deepEqual(app.store.log, [], 'store calls')
}

export const transportCases: readonly AdapterCase[] = [
  must('transport/plain-http-sign-in', 'a sign-in over plain http is refused with 400', (app) =>
    refusesSignIn(app, { headers: [PUBLIC_HOST] }, 'over plain http'),
  ),
  must('transport/plain-http-first-write', 'a first write over plain http is refused with 400', async (app) => {
    const answer = await app.browser().visit(
      (session) => {
        session.data.cart = []
      },
      { headers: [PUBLIC_HOST] },
    )
    equal(answer.status, 400, 'status')
    deepEqual(answer.cookies, [], 'Set-Cookie lines')
    deepEqual(app.store.log, [], 'store calls')
  }),
  must(
    'transport/plain-http-cookie',
    'a plain http request that carries the cookie is refused with 400, and told',
    async (app) => {
      await refusesCookie(app, { headers: [PUBLIC_HOST] }, '__Host-Http-sid')
      equal(app.heard('insecure').length, 1, 'insecure events')
    },
    TRUSTING,
  ),
  must('transport/health-probe', 'a plain http request without cookie passes', async (app) => {
    const { state, cookies } = await app.browser().look({ headers: [PUBLIC_HOST] })
    equal(state, 'anonymous', 'state')
    deepEqual(cookies, [], 'Set-Cookie lines')
  }),
  must('transport/spoofed-proto', 'X-Forwarded-Proto of a peer that is not trusted is ignored', async (app) => {
    for (const host of ['app.example', '127.0.0.1', 'localhost']) {
      const headers = [
        ['Host', host],
        ['X-Forwarded-Proto', 'https'],
      ] as const
      await refusesSignIn(app, { headers }, `with a spoofed X-Forwarded-Proto for ${host}`)
    }
  }),
  ...proxyHeaders.map(([name, value]) =>
    must(
      `transport/loopback-behind-proxy/${name.toLowerCase()}`,
      `${name} with a loopback Host is no developer's browser: refused with 400`,
      (app) => refusesSignIn(app, { headers: [[name, value]] }, `behind a proxy that sends ${name}`),
    ),
  ),
  must('transport/loopback-hosts', 'localhost, 127.0.0.0/8 and [::1] are loopback, lookalikes are not', async (app) => {
    for (const host of [
      'localhost',
      'localhost:3000',
      'app.localhost:8080',
      '127.0.0.1:80',
      '127.8.9.1',
      '[::1]:3000',
    ]) {
      const answer = await app.browser().visit((session) => session.signIn('ada'), { headers: [['Host', host]] })
      equal(answer.status, 200, `status for ${host}`)
    }
    app.store.reset()
    for (const host of ['localhost.example', '127.0.0.1.example', '128.0.0.1', 'notlocalhost', '0.0.0.0', '[::2]']) {
      await refusesSignIn(app, { headers: [['Host', host]] }, `to ${host}`)
    }
  }),
  must('transport/production-loopback', 'in production loopback is plain http like any other', async (app) => {
    const { NODE_ENV } = process.env
    process.env.NODE_ENV = 'production'
    const sessions = app.instance()
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
    const url = await app.start({}, sessions)
    const answer = await app.browser({ url }).visit((session) => session.signIn('ada'))
    equal(answer.status, 400, 'status')
    deepEqual(answer.cookies, [], 'Set-Cookie lines')
  }),
  must(
    'transport/trusted-https',
    'https told by a trusted proxy makes the request secure',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      equal((await browser.look()).subject, 'ada', 'subject')
      equal(browser.cookieName, '__Host-Http-sid', 'name of the cookie')
    },
    TRUSTING,
  ),
  must(
    'transport/trusted-http',
    'plain http told by a trusted proxy is refused with 400',
    async (app) => {
      const headers = [PUBLIC_HOST, ['X-Forwarded-Proto', 'http']] as const
      await refusesCookie(app, { headers }, '__Host-Http-sid')
      await refusesSignIn(app, { headers: [['X-Forwarded-Proto', 'http']] }, 'behind a trusted proxy over http')
    },
    TRUSTING,
  ),
  must(
    'transport/client-address',
    'the address kept for lists of sessions is the one the trusted proxy tells',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const { handle } = await browser.look()
      equal((await app.record(handle))?.device?.ip, '203.0.113.7', 'address')
    },
    { ...TRUSTING, options: { device: true } },
  ),
  must(
    'transport/peer-address',
    'without a proxy the address kept for lists of sessions is the peer’s',
    async (app) => {
      const ada = app.browser()
      const { cookies } = await ada.visit((session) => session.signIn('ada'))
      equal(parseSetCookie(cookies[0] ?? '').name, 'sid', 'name of the cookie')
      const { handle } = await ada.look()
      ok(/^(::ffff:)?127\.0\.0\.1$/.test((await app.record(handle))?.device?.ip ?? ''), 'a loopback address')
    },
    { options: { device: true } },
  ),
  must(
    'transport/user-agent',
    'the User-Agent reaches the fingerprint: another browser family is told',
    async (app) => {
      const agent = (value: string) => ({ headers: [['User-Agent', value]] as const })
      const browser = app.browser()
      await browser.visit((session) => session.signIn('ada'), agent('Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'))
      await browser.look(agent('Mozilla/5.0 (X11; Linux x86_64) Firefox/141.0'))
      equal(app.heard('fingerprint-changed').length, 0, 'events for a newer version')
      await browser.look(agent('Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36'))
      deepEqual(app.heard('fingerprint-changed')[0]?.reasons, ['browser', 'os'], 'reasons told')
    },
  ),
]
