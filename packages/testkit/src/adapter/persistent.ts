import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must } from './app.ts'
import type { Browser } from './browser.ts'

const DAY = 24 * 3_600_000
const HOUR = 3_600_000
const edges = { 'minus-1-ms': -1, exactly: 0, 'plus-1-ms': 1 } as const
const short = { options: { persistent: { idle: '2d', absolute: '5d' } } } as const

/** Somebody who asked to be remembered. */
async function remembered(app: App): Promise<Browser> {
  const browser = app.browser()
  await browser.visit((session) => session.signIn('ada', { persistent: true }))
  return browser
}

async function seen(browser: Browser): Promise<readonly [subject: string | null, previous: string | null]> {
  const { subject, previous } = await browser.look()
  return [subject, previous]
}

/** Uses the session once a day. */
async function useDaily(app: App, browser: Browser, days: number): Promise<void> {
  for (let day = 0; day < days; day += 1) {
    app.clock.advance('1d')
    equal((await browser.look()).subject, 'ada', `subject on day ${day + 1}`)
  }
}

export const persistentCases: readonly AdapterCase[] = [
  must('persistent/defaults', 'a persistent session lives for days: 14 idle, 30 at most', async (app) => {
    const browser = await remembered(app)
    app.clock.advance(14 * DAY - 1)
    deepEqual(await seen(browser), ['ada', null], 'subject and previous before the idle deadline')
    app.clock.advance('14d')
    deepEqual(await seen(browser), [null, 'idle'], 'subject and previous at it')
  }),
  must('persistent/others-unchanged', 'other sessions keep their own deadlines', async (app) => {
    const browser = await remembered(app)
    const other = await app.signedIn('ada')
    app.clock.advance('30m')
    deepEqual(await seen(other), [null, 'idle'], 'subject and previous of the other')
    deepEqual(await seen(browser), ['ada', null], 'subject and previous of the persistent one')
  }),
  ...Object.entries(edges).flatMap(([edge, ms]) => [
    must(
      `persistent/idle/${edge}`,
      `idle timeout of its own ${ms} ms: ${ms < 0 ? 'alive' : 'over'}`,
      async (app) => {
        const browser = await remembered(app)
        app.clock.advance(2 * DAY + ms)
        deepEqual(await seen(browser), ms < 0 ? ['ada', null] : [null, 'idle'], 'subject and previous')
      },
      short,
    ),
    must(
      `persistent/absolute/${edge}`,
      `absolute timeout of its own ${ms} ms: ${ms < 0 ? 'alive' : 'over'}`,
      async (app) => {
        const browser = await remembered(app)
        await useDaily(app, browser, 4)
        app.clock.advance(DAY + ms)
        deepEqual(await seen(browser), ms < 0 ? ['ada', null] : [null, 'absolute'], 'subject and previous')
      },
      short,
    ),
  ]),
  must(
    'persistent/replayed-cookie',
    'a client that ignores Max-Age gets nothing from it after the deadline',
    async (app) => {
      const browser = await remembered(app)
      const hoarder = browser.copy()
      app.clock.advance('30d')
      deepEqual(await seen(hoarder), [null, 'absolute'], 'subject and previous')
    },
  ),
  must('persistent/signing-in-again', 'signing in without it ends the remembering', async (app) => {
    const browser = await remembered(app)
    const answer = await browser.visit((session) => session.signIn('ada'))
    equal(answer.cookies[0]?.includes('Max-Age'), false, 'Max-Age in the cookie')
    const { absoluteAt } = await browser.look()
    equal(absoluteAt, app.clock.now() + 24 * HOUR, 'absolute deadline')
  }),
  must(
    'persistent/locks',
    'with onIdle: lock it locks at its own idle deadline',
    async (app) => {
      const browser = await remembered(app)
      app.clock.advance(2 * DAY - 1)
      equal((await browser.look()).state, 'authenticated', 'state before its deadline')
      app.clock.advance('2d')
      equal((await browser.look()).state, 'locked', 'state after it')
      await browser.visit((session) => session.reauthenticate({ method: 'pwd' }))
      equal((await browser.look()).subject, 'ada', 'subject after a proof')
    },
    { options: { ...short.options, onIdle: 'lock' } },
  ),
  must(
    'persistent/forbidden',
    'where it is forbidden, asking for it is a defect of the application: 500, nobody is signed in',
    async (app) => {
      let code: unknown
      const browser = app.browser()
      const answer = await browser.visit((session) => {
        try {
          session.signIn('ada', { persistent: true })
        } catch (error) {
          code = Object(error).code
          throw error
        }
      })
      deepEqual([answer.status, answer.cookies, code], [500, [], 'ERR_SESS_CONFIG'], 'status, cookies and code')
      ok((await browser.look()).subject === null, 'nobody is signed in')
    },
    { options: { persistent: false } },
  ),
]
