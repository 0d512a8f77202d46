import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must } from './app.ts'
import type { Browser } from './browser.ts'
import type { Answer } from './client.ts'

function increment(browser: Browser): Promise<Answer> {
  return browser.visit((session) => session.update('count', (count) => Number(count ?? 0) + 1))
}

/** The same browser at a second server that shares the store: another writer. */
async function elsewhere(app: App, browser: Browser): Promise<Browser> {
  return app.browser({ url: await app.start({}, app.instance()), jar: browser.jar })
}

async function counted(browser: Browser, answer: Answer, count: number): Promise<void> {
  equal(answer.status, 200, 'status')
  equal((await browser.look()).data.count, count, 'count')
}

export const acknowledgementCases: readonly AdapterCase[] = [
  must('acknowledgement/lost', 'a write whose acknowledgement is lost is applied once', async (app) => {
    const browser = await app.signedIn()
    app.store.loseAcknowledgement('replace')
    await counted(browser, await increment(browser), 1)
  }),
  must('acknowledgement/failed-once', 'a write that failed once is tried again', async (app) => {
    const browser = await app.signedIn()
    app.store.fail('replace')
    await counted(browser, await increment(browser), 1)
  }),
  must('acknowledgement/lost-with-writer', 'lost with another writer between: both are applied once', async (app) => {
    const browser = await app.signedIn()
    const other = await elsewhere(app, browser)
    let between: Answer | undefined
    app.store.after('replace', async () => {
      between = await increment(other)
    })
    app.store.loseAcknowledgement('replace')
    await counted(browser, await increment(browser), 2)
    equal(between?.status, 200, 'status of the other writer')
  }),
  must(
    'acknowledgement/failed-with-writer',
    'failed with another writer between: both are applied once',
    async (app) => {
      const browser = await app.signedIn()
      const other = await elsewhere(app, browser)
      app.store.fail('replace')
      app.store.before('get', async () => void (await increment(other)), { when: () => app.store.calls.replace === 2 })
      await counted(browser, await increment(browser), 2)
    },
  ),
  must('acknowledgement/applied-after-retry', 'a write applied late, after our retry, is applied once', async (app) => {
    const browser = await app.signedIn()
    const late = app.store.applyLate('replace')
    const answer = await increment(browser)
    await late.open()
    await counted(browser, answer, 1)
  }),
  must(
    'acknowledgement/applied-before-retry',
    'a write applied late, right before our retry, is applied once',
    async (app) => {
      const browser = await app.signedIn()
      app.store.reset()
      const late = app.store.applyLate('replace')
      app.store.before('replace', () => late.open(), { when: () => app.store.calls.replace === 1 })
      await counted(browser, await increment(browser), 1)
    },
  ),
  must(
    'acknowledgement/applied-late-with-writer',
    'applied late, with another writer between: both are applied once',
    async (app) => {
      const browser = await app.signedIn()
      const other = await elsewhere(app, browser)
      const late = app.store.applyLate('replace')
      const answer = await increment(browser)
      await increment(other)
      await late.open()
      await counted(browser, answer, 2)
    },
  ),
  must(
    'acknowledgement/lost-first-write',
    'a first write whose acknowledgement is lost gets its cookie',
    async (app) => {
      const browser = app.browser()
      app.store.loseAcknowledgement('create')
      await counted(browser, await increment(browser), 1)
    },
  ),
  must('acknowledgement/lost-sign-in', 'a sign-in whose acknowledgements are lost happens once', async (app) => {
    const browser = await app.signedIn('ada')
    const { handle } = await browser.look()
    app.store.reset()
    app.store.loseAcknowledgement('create')
    app.store.loseAcknowledgement('replace')
    equal((await browser.visit((session) => session.signIn('grace'))).status, 200, 'status')
    equal((await browser.look()).subject, 'grace', 'subject')
    equal((await app.record(handle))?.endedReason, 'replaced', 'how the old session ended')
    const created = new Set(app.store.log.filter((call) => call.operation === 'create').map((call) => call.id))
    equal(created.size, 1, 'records created')
  }),
  must('acknowledgement/lost-sign-out', 'a sign-out whose acknowledgement is lost is done', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    app.store.loseAcknowledgement('replace')
    const answer = await browser.visit((session) => session.signOut())
    equal(answer.status, 200, 'status')
    equal(browser.token, undefined, 'the cookie in the browser')
    equal((await app.record(handle))?.state, 'ended', 'state')
  }),
  must('acknowledgement/lost-rotation', 'a hard rotation whose acknowledgement is lost happens once', async (app) => {
    const browser = await app.signedIn()
    app.store.loseAcknowledgement('replace')
    await browser.visit((session) => session.rotate({ hard: true }))
    const { subject, generation } = await browser.look()
    deepEqual([subject, generation], ['ada', 1], 'subject and generation')
  }),
  must(
    'acknowledgement/then-signed-out',
    'what was acknowledged counts, even if the session ended since',
    async (app) => {
      const browser = await app.signedIn()
      const other = await elsewhere(app, browser)
      const { token } = browser
      app.store.after('replace', async () => void (await other.visit((session) => session.signOut())))
      app.store.loseAcknowledgement('replace')
      const answer = await increment(browser)
      equal(answer.status, 200, 'status of a write that was applied before the sign-out')
      deepEqual(answer.cookies, [], 'its Set-Cookie lines')
      equal((await browser.copy(token).look()).subject, null, 'subject')
    },
  ),
  must(
    'acknowledgement/unknown',
    'a write that can neither be acknowledged nor read again is a 503, told as ambiguous',
    async (app) => {
      const browser = await app.signedIn()
      let code: unknown
      const answer = await browser.visit(async (session) => {
        app.store.loseAcknowledgement('replace')
        app.store.fail('get', { times: Number.POSITIVE_INFINITY })
        session.update('count', () => 1)
        await session.commit().catch((error: { code?: unknown }) => {
          code = error.code
          throw error
        })
      })
      equal(answer.status, 503, 'status')
      equal(code, 'ERR_SESS_STORE_AMBIGUOUS', 'code')
      deepEqual(answer.cookies, [], 'Set-Cookie lines')
      app.store.reset()
      const { subject, data } = await browser.look()
      equal(subject, 'ada', 'subject')
      ok(data.count === 1, 'the write that was applied')
    },
  ),
]
