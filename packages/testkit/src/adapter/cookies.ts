import type { Session } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must, reply, type Setup } from './app.ts'
import type { Browser } from './browser.ts'
import { parseSetCookie } from './cookie-jar.ts'

const SECURE: Setup = { serve: { trustProxy: true } }
const ATTRIBUTES = ['path=/', 'secure', 'httponly', 'samesite=Lax']

/** Every way a cookie comes into a response; each returns the Set-Cookie lines of the response that has it. */
const paths: Readonly<Record<string, (app: App, browser: Browser) => Promise<readonly string[]>>> = {
  'first-write': async (_, visitor) => (await visitor.visit((session) => write(session))).cookies,
  'sign-in': async (_, visitor) => (await visitor.visit((session) => session.signIn('ada'))).cookies,
  'sign-in-again': async (_, visitor) => {
    await visitor.visit((session) => session.signIn('ada'))
    return (await visitor.visit((session) => session.signIn('grace'))).cookies
  },
  'hard-rotation': async (_, visitor) => {
    await visitor.visit((session) => session.signIn('ada'))
    return (await visitor.visit((session) => session.rotate({ hard: true }))).cookies
  },
  reauthentication: async (_, visitor) => {
    await visitor.visit((session) => session.signIn('ada'))
    return (await visitor.visit((session) => session.reauthenticate({ method: 'password' }))).cookies
  },
  'periodic-rotation': async (app, visitor) => {
    await visitor.visit((session) => session.signIn('ada'))
    app.clock.advance('15m')
    return (await visitor.idle()).cookies
  },
  'repeated-rotation': async (app, visitor) => {
    await visitor.visit((session) => session.signIn('ada'))
    app.clock.advance('15m')
    await visitor.idle({ lose: true })
    return (await visitor.idle()).cookies
  },
}

function write(session: Session): void {
  session.data.cart = ['apple']
}

function attributesOf(line: string): string[] {
  return [...parseSetCookie(line).attributes].map(([name, value]) => (value === '' ? name : `${name}=${value}`))
}

const attributes = Object.entries(paths).map(([path, take]) =>
  must(
    `cookie/attributes/${path}`,
    `${path}: one cookie, __Host-Http-sid; Path=/; Secure; HttpOnly; SameSite=Lax`,
    async (app) => {
      const lines = await take(app, app.browser({ secure: true }))
      equal(lines.length, 1, 'Set-Cookie lines')
      const [line = ''] = lines
      equal(parseSetCookie(line).name, '__Host-Http-sid', 'name')
      deepEqual(attributesOf(line), ATTRIBUTES, 'attributes')
    },
    SECURE,
  ),
)

export const cookieCases: readonly AdapterCase[] = [
  ...attributes,
  must(
    'cookie/attributes/sign-out',
    'sign-out clears the cookie under the same name, path and flags',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const { cookies } = await browser.visit((session) => session.signOut())
      equal(cookies.length, 1, 'Set-Cookie lines')
      const { name, value } = parseSetCookie(cookies[0] ?? '')
      equal(name, '__Host-Http-sid', 'name')
      equal(value, '', 'value')
      const expired = ['max-age=0', 'expires=Thu, 01 Jan 1970 00:00:00 GMT']
      deepEqual(attributesOf(cookies[0] ?? ''), [...ATTRIBUTES, ...expired], 'attributes')
      equal(browser.token, undefined, 'the cookie in the browser')
    },
    SECURE,
  ),
  must(
    'cookie/development',
    'on loopback over plain http the cookie is sid, without prefix and Secure',
    async (app) => {
      const answer = await app.browser().visit((session) => session.signIn('ada'))
      equal(parseSetCookie(answer.cookies[0] ?? '').name, 'sid', 'name')
      deepEqual(attributesOf(answer.cookies[0] ?? ''), ['path=/', 'httponly', 'samesite=Lax'], 'attributes')
    },
  ),
  must('cookie/persistent', 'a persistent cookie lasts as long as the session can', async (app) => {
    const browser = app.browser()
    const signIn = await browser.visit((session) => session.signIn('ada', { persistent: true }))
    const lifetime = (line = '') => parseSetCookie(line).attributes.get('max-age')
    equal(lifetime(signIn.cookies[0]), String(30 * 86_400), 'Max-Age at sign-in, in seconds')
    app.clock.advance('20m')
    const rotated = await browser.idle()
    equal(lifetime(rotated.cookies[0]), String(30 * 86_400 - 20 * 60), 'Max-Age of the rotated cookie')
  }),
  must(
    'cookie/persistent-cap',
    'a persistent cookie lasts at most 400 days',
    async (app) => {
      const answer = await app.browser().visit((session) => session.signIn('ada', { persistent: true }))
      const { attributes } = parseSetCookie(answer.cookies[0] ?? '')
      equal(attributes.get('max-age'), String(400 * 86_400), 'Max-Age')
    },
    { options: { absolute: '500d', idle: '30d' } },
  ),
  must('cookie/app-cookies-survive', 'Set-Cookie lines of the application survive, in order', async (app) => {
    const own = ['theme=dark; Path=/', 'lang=de; Path=/; Max-Age=60']
    const answerWith = (change: (session: Session) => void) => (session: Session) => {
      change(session)
      return reply({ headers: own.map((line) => ['Set-Cookie', line] as const), body: 'ok' })
    }
    const browser = app.browser()
    const changes: ((session: Session) => void)[] = [
      () => {},
      write,
      (session) => session.signIn('ada'),
      (session) => session.rotate({ hard: true }),
      (session) => session.signOut(),
    ]
    for (const [step, change] of changes.entries()) {
      const { cookies } = await browser.visit(answerWith(change))
      deepEqual(
        cookies.filter((line) => !line.startsWith('sid=')),
        own,
        `the application's cookies in response ${step}`,
      )
      equal(cookies.length, step === 0 ? 2 : 3, `Set-Cookie lines in response ${step}`)
    }
  }),
  must('cookie/one-per-response', 'at most one Set-Cookie for our name leaves per response', async (app) => {
    const browser = app.browser()
    const { cookies } = await browser.visit(async (session) => {
      session.data.cart = []
      await session.commit()
      session.signIn('ada')
      await session.commit()
      session.rotate({ hard: true })
      await session.commit()
      session.reauthenticate({ method: 'totp' })
    })
    equal(cookies.length, 1, 'Set-Cookie lines')
    const { subject, generation } = await browser.look()
    equal(subject, 'ada', 'subject behind the cookie')
    equal(generation, 2, 'generation')
  }),
  must('cookie/none-for-visitors', 'a visitor gets no cookie and costs no store call', async (app) => {
    const { state, cookies } = await app.browser().look()
    equal(state, 'anonymous', 'state')
    deepEqual(cookies, [], 'Set-Cookie lines')
    deepEqual(app.store.log, [], 'store calls')
  }),
  must(
    'cookie/none-without-change',
    'a request that changes nothing sets no cookie and reads the store once',
    async (app) => {
      const browser = await app.signedIn()
      app.store.reset()
      const { subject, cookies } = await browser.look()
      equal(subject, 'ada', 'subject')
      deepEqual(cookies, [], 'Set-Cookie lines')
      deepEqual(app.store.calls, { get: 1, create: 0, replace: 0, touch: 0 }, 'store calls')
    },
  ),
  must('cookie/sign-out-without-cookie', 'sign-out of a visitor who sent no cookie clears nothing', async (app) => {
    const answer = await app.browser().visit((session) => session.signOut())
    deepEqual(answer.cookies, [], 'Set-Cookie lines')
    ok(answer.status === 200, 'status 200')
  }),
]
