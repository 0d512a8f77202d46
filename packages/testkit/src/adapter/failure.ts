import type { Session } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import type { StoreOperation } from '../unreliable-store.ts'
import { type AdapterCase, type App, must, reply, type Setup, should } from './app.ts'
import type { Browser } from './browser.ts'
import type { Answer } from './client.ts'

const FOREVER = { times: Number.POSITIVE_INFINITY }
const IMPATIENT: Setup = { impatient: true }
const PAGE = 'the page that must not leave'
const OWN_HEADERS = [
  ['Content-Disposition', 'attachment'],
  ['ETag', '"page"'],
] as const
const faults = ['fail', 'hang'] as const

/** Changes that a failing store makes impossible, with the operation that fails and who makes them. */
const changes: Readonly<
  Record<string, { operation: StoreOperation; visitor: boolean; change: (session: Session) => unknown }>
> = {
  'first-write': { operation: 'create', visitor: true, change: (session) => write(session) },
  'sign-in': { operation: 'create', visitor: true, change: (session) => session.signIn('ada') },
  'sign-in-again': { operation: 'replace', visitor: false, change: (session) => session.signIn('ada') },
  data: { operation: 'replace', visitor: false, change: (session) => write(session) },
  'sign-out': { operation: 'replace', visitor: false, change: (session) => session.signOut() },
  'hard-rotation': { operation: 'replace', visitor: false, change: (session) => session.rotate({ hard: true }) },
  reauthentication: {
    operation: 'replace',
    visitor: false,
    change: (session) => session.reauthenticate({ method: 'password' }),
  },
  lock: { operation: 'replace', visitor: false, change: (session) => session.lock() },
}

function write(session: Session): void {
  session.data.cart = ['apple']
}

/** A 503 in place of the handler's page: whole, without any of its text, and without a cookie. */
function isRefusal(answer: Answer): void {
  equal(answer.status, 503, 'status')
  ok(answer.complete, 'a complete response')
  ok(!answer.body.includes(PAGE), "nothing of the handler's page")
  deepEqual(answer.cookies, [], 'Set-Cookie lines')
}

function page(change: (session: Session) => unknown, streamed: boolean) {
  async function* body(): AsyncGenerator<string> {
    yield PAGE
    yield PAGE
  }
  return async (session: Session) => {
    await change(session)
    return reply({ headers: OWN_HEADERS, body: streamed ? body() : PAGE })
  }
}

/** The server answers others meanwhile, and the session is what it was once the store is back. */
async function isAlive(app: App, browser: Browser, visitor: boolean): Promise<void> {
  equal((await app.browser().idle()).status, 200, 'status for a visitor')
  app.store.reset()
  equal((await browser.look()).subject, visitor ? null : 'ada', 'subject once the store is back')
  equal((await browser.visit(write)).status, 200, 'status of a write once the store is back')
}

function refusesChange(name: string, fault: (typeof faults)[number], streamed: boolean): AdapterCase {
  const { operation, visitor, change } = changes[name] ?? { operation: 'replace', visitor: false, change: write }
  const id = `failure/${fault}/${name}${streamed ? '-streamed' : ''}`
  return must(
    id,
    `${operation}() ${fault}s on ${name}${streamed ? ', page streamed' : ''}: 503, cookie untouched, no half response`,
    async (app) => {
      const browser = visitor ? app.browser() : await app.signedIn()
      const { token } = browser
      app.store[fault](operation, FOREVER)
      isRefusal(await browser.visit(page(change, streamed)))
      equal(browser.token, token, 'the cookie in the browser')
      ok(
        app.heard('store-failed').some(({ fatal }) => fatal),
        'a fatal store-failed event',
      )
      await isAlive(app, browser, visitor)
    },
    IMPATIENT,
  )
}

function refusesRead(fault: (typeof faults)[number]): AdapterCase {
  return must(
    `failure/${fault}/get`,
    `get() ${fault}s: 503 before the handler, cookie untouched, never a visitor in its place`,
    async (app) => {
      const browser = await app.signedIn()
      let handled = false
      app.store[fault]('get', FOREVER)
      isRefusal(
        await browser.visit(() => {
          handled = true
          return reply({ body: PAGE })
        }),
      )
      ok(!handled, 'the handler has not run')
      await isAlive(app, browser, false)
    },
    IMPATIENT,
  )
}

/** Writes whose failure costs nobody a page: how they come about, and the operation. */
const convenient: Readonly<
  Record<string, { operation: StoreOperation; prepare: (app: App, browser: Browser) => unknown }>
> = {
  touch: { operation: 'touch', prepare: (app) => app.clock.advance('2m') },
  confirmation: {
    operation: 'replace',
    prepare: async (app, browser) => {
      app.clock.advance('15m')
      await browser.idle()
    },
  },
  'periodic-rotation': { operation: 'replace', prepare: (app) => app.clock.advance('15m') },
}

function servesAnyway(name: string, fault: (typeof faults)[number]): AdapterCase {
  const { operation, prepare } = convenient[name] ?? { operation: 'touch', prepare: () => undefined }
  return must(
    `failure/${fault}/${name}`,
    `${operation}() ${fault}s on a ${name}: an event, the page is served`,
    async (app) => {
      const browser = await app.signedIn()
      await prepare(app, browser)
      app.store[fault](operation, FOREVER)
      const { subject, cookies } = await browser.look()
      equal(subject, 'ada', 'subject')
      deepEqual(cookies, [], 'Set-Cookie lines')
      deepEqual(
        app.heard('store-failed').map(({ fatal }) => fatal),
        [false],
        'failures told, fatal or not',
      )
      app.store.reset()
      await browser.look()
      equal((await browser.look()).subject, 'ada', 'subject once the store is back')
    },
    IMPATIENT,
  )
}

export const failureCases: readonly AdapterCase[] = [
  ...faults.map(refusesRead),
  ...faults.flatMap((fault) => Object.keys(changes).map((name) => refusesChange(name, fault, false))),
  refusesChange('data', 'fail', true),
  refusesChange('sign-in', 'hang', true),
  ...faults.flatMap((fault) => Object.keys(convenient).map((name) => servesAnyway(name, fault))),
  should(
    'failure/own-headers',
    'the 503 does not inherit the headers of the page it takes the place of',
    async (app) => {
      const browser = await app.signedIn()
      app.store.fail('replace', FOREVER)
      const answer = await browser.visit(page(write, false))
      isRefusal(answer)
      for (const [name, value] of OWN_HEADERS) ok(answer.get(name) !== value, `no ${name} of the page`)
    },
  ),
  must('failure/typed', 'a failed commit() rejects with a typed error that has a status', async (app) => {
    const browser = await app.signedIn()
    app.store.fail('replace', FOREVER)
    let error: { code?: unknown; status?: unknown } = {}
    await browser.visit(async (session) => {
      write(session)
      await session.commit().catch((caught: typeof error) => {
        error = caught
      })
    })
    ok(String(error.code).startsWith('ERR_SESS_STORE_'), `a store error's code in ${String(error.code)}`)
    equal(error.status, 503, 'status')
  }),
  must(
    'failure/stand-in',
    'onStoreError anonymous: pages are served to a stand-in, without a cookie',
    async (app) => {
      const browser = await app.signedIn()
      app.store.fail('get')
      const { state, refused, cookies } = await browser.look()
      deepEqual([state, refused, cookies], ['anonymous', 'store', []], 'state, refusal and Set-Cookie lines')
      equal((await browser.look()).subject, 'ada', 'subject once the store is back')
    },
    { options: { onStoreError: 'anonymous' } },
  ),
  must(
    'failure/stand-in-sign-in',
    'sign-in from such a stand-in reads and ends the old session, or fails with 503',
    async (app) => {
      const browser = await app.signedIn()
      const { handle } = await browser.look()
      app.store.fail('get', { times: 2 })
      const refused = await browser.visit((session) => session.signIn('ada'))
      deepEqual([refused.status, refused.cookies], [503, []], 'status and Set-Cookie lines while it cannot be read')
      app.store.fail('get')
      equal((await browser.visit((session) => session.signIn('ada'))).status, 200, 'status once it can')
      equal((await app.record(handle))?.endedReason, 'replaced', 'how the old session ended')
      equal((await browser.look()).subject, 'ada', 'subject')
    },
    { options: { onStoreError: 'anonymous' } },
  ),
]
