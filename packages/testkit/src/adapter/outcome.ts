import type { Session } from '@sess/core'
import { deepEqual, equal } from '../case.ts'
import { type AdapterCase, type App, must, reply } from './app.ts'
import type { Browser } from './browser.ts'
import { Barrier } from './overlap.ts'

/** How a request comes to a status of 500 and above. */
const ways: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('a defect of the application')
  },
  'throws-503': () => {
    throw Object.assign(new Error('a dependency is down'), { status: 503, statusCode: 503 })
  },
  answers: () => reply({ status: 500, body: 'sorry' }),
}

function status(way: string): number {
  return way === 'throws-503' ? 503 : 500
}

async function fails(browser: Browser, way: string, change: (session: Session) => unknown): Promise<number> {
  const answer = await browser.visit(async (session) => {
    await change(session)
    return ways[way]?.()
  })
  equal(answer.status, status(way), 'status')
  return answer.cookies.length
}

const dropped = Object.keys(ways).flatMap((way) => [
  must(`outcome/${way}/drops-data`, `a handler that ${way}: data is dropped`, async (app) => {
    const browser = await app.signedIn()
    const cookies = await fails(browser, way, (session) => {
      session.data.cart = ['half']
    })
    equal(cookies, 0, 'Set-Cookie lines')
    deepEqual((await browser.look()).data, {}, 'data')
  }),
  must(`outcome/${way}/drops-sign-in`, `a handler that ${way}: a sign-in is dropped`, async (app) => {
    const browser = app.browser()
    equal(await fails(browser, way, (session) => session.signIn('ada')), 0, 'Set-Cookie lines')
    equal(app.store.calls.create, 0, 'records created')
  }),
  must(`outcome/${way}/drops-proof`, `a handler that ${way}: a reauthentication is dropped`, async (app) => {
    const browser = await app.signedIn()
    equal(await fails(browser, way, (session) => session.reauthenticate({ method: 'totp' })), 0, 'Set-Cookie lines')
    equal((await browser.look()).generation, 0, 'generation')
  }),
])

const kept = Object.keys(ways).flatMap((way) => [
  must(`outcome/${way}/keeps-sign-out`, `a handler that ${way}: a sign-out is kept`, async (app) => {
    const browser = await app.signedIn()
    const thief = browser.copy()
    await fails(browser, way, (session) => session.signOut())
    equal((await thief.look()).subject, null, 'subject behind the old cookie')
  }),
  must(`outcome/${way}/keeps-lock`, `a handler that ${way}: a lock is kept`, async (app) => {
    const browser = await app.signedIn()
    await fails(browser, way, (session) => session.lock())
    equal((await browser.look()).state, 'locked', 'state')
  }),
  must(
    `outcome/${way}/keeps-rotation`,
    `a handler that ${way}: a hard rotation is kept, and its cookie leaves`,
    async (app) => {
      const browser = await app.signedIn()
      const older = browser.copy()
      equal(await fails(browser, way, (session) => session.rotate({ hard: true })), 1, 'Set-Cookie lines')
      equal((await older.look()).subject, null, 'subject behind the old cookie')
      equal((await browser.look()).subject, 'ada', 'subject')
    },
  ),
])

/** A client that goes away while `during` holds its request back: what it changed is saved all the same. */
async function aborted(app: App, browser: Browser, at: 'handler' | 'store'): Promise<void> {
  const barrier = new Barrier()
  if (at === 'handler') {
    const exchange = browser.start(async (session) => {
      session.data.order = 'placed'
      await barrier.wait()
    })
    await barrier.reached
    await exchange.abort()
    await browser.look()
    barrier.open()
  } else {
    const gate = app.store.hold('replace')
    const exchange = browser.start((session) => {
      session.data.order = 'placed'
    })
    await gate.reached
    await exchange.abort()
    await browser.look()
    await gate.open()
  }
}

export const outcomeCases: readonly AdapterCase[] = [
  ...dropped,
  ...kept,
  must(
    'outcome/keep',
    'onServerError keep: a 500 keeps data and sign-in',
    async (app) => {
      const browser = app.browser()
      const cookies = await fails(browser, 'answers', (session) => {
        session.signIn('ada')
        session.data.cart = ['apple']
      })
      equal(cookies, 1, 'Set-Cookie lines')
      const { subject, data } = await browser.look()
      deepEqual([subject, data], ['ada', { cart: ['apple'] }], 'subject and data')
    },
    { options: { onServerError: 'keep' } },
  ),
  must('outcome/client-errors-keep', 'a handler that throws or answers 4xx keeps what it changed', async (app) => {
    const browser = await app.signedIn()
    const thrown = await browser.visit((session) => {
      session.data.attempts = 1
      throw Object.assign(new Error('wrong code'), { status: 403, statusCode: 403 })
    })
    equal(thrown.status, 403, 'status thrown')
    const answered = await browser.visit((session) => {
      session.data.form = 'invalid'
      return reply({ status: 422, body: 'try again' })
    })
    equal(answered.status, 422, 'status answered')
    deepEqual((await browser.look()).data, { attempts: 1, form: 'invalid' }, 'data')
  }),
  must(
    'outcome/committed-stays',
    'what was committed before a throw stays, what came after is dropped',
    async (app) => {
      const browser = await app.signedIn()
      await fails(browser, 'throws', async (session) => {
        session.data.order = 'placed'
        await session.commit()
        session.data.mail = 'sent'
      })
      deepEqual((await browser.look()).data, { order: 'placed' }, 'data')
    },
  ),
  must('outcome/committed-sign-in-stays', 'a sign-in committed before a throw keeps its cookie', async (app) => {
    const browser = app.browser()
    const cookies = await fails(browser, 'throws', async (session) => {
      session.signIn('ada')
      await session.commit()
    })
    equal(cookies, 1, 'Set-Cookie lines')
    equal((await browser.look()).subject, 'ada', 'subject')
  }),
  must(
    'outcome/aborted-in-handler',
    'a client that leaves while the handler runs does not undo its changes',
    async (app) => {
      const browser = await app.signedIn()
      await aborted(app, browser, 'handler')
      await browser.look()
      deepEqual((await browser.look()).data, { order: 'placed' }, 'data')
    },
  ),
  must(
    'outcome/aborted-in-store',
    'a client that leaves while the store writes does not undo its changes',
    async (app) => {
      const browser = await app.signedIn()
      await aborted(app, browser, 'store')
      deepEqual((await browser.look()).data, { order: 'placed' }, 'data')
      equal((await browser.look()).subject, 'ada', 'subject')
    },
  ),
]
