import type { Freshness, Session } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, must } from './app.ts'
import type { Browser } from './browser.ts'
import type { Answer } from './client.ts'

const FIVE_MINUTES = 5 * 60_000
const CHALLENGE = 'Session error="insufficient_user_authentication", max_age="300"'
const edges = { 'minus-1-ms': -1, exactly: 0, 'plus-1-ms': 1 } as const

/** Signs in by a path that is not guarded. */
async function signsIn(browser: Browser, options: Parameters<Session['signIn']>[1] = {}): Promise<void> {
  await browser.visit((session) => session.signIn('ada', options))
}

/** A request whose handler demands a fresh proof: what came of it. */
async function asks(browser: Browser, freshness: Freshness): Promise<{ answer: Answer; thrown: unknown }> {
  let thrown: unknown = null
  const answer = await browser.visit((session) => {
    try {
      session.requireFresh(freshness)
    } catch (error) {
      thrown = error
      throw error
    }
  })
  return { answer, thrown }
}

/** Why it was refused, as the error tells it; null if it was not. */
async function refusal(browser: Browser, freshness: Freshness): Promise<string | null> {
  const { answer, thrown } = await asks(browser, freshness)
  const { code, reason } = Object(thrown) as { code?: string; reason?: string }
  equal(answer.status, thrown === null ? 200 : 401, 'status')
  equal(code, thrown === null ? undefined : 'ERR_SESS_FRESHNESS', 'code')
  return reason ?? null
}

const guarded = { serve: { guard: '5m' } } as const

export const stepUpCases: readonly AdapterCase[] = [
  ...Object.entries(edges).map(([edge, ms]) =>
    must(
      `step-up/age/${edge}`,
      `a proof of five minutes ago ${ms} ms ${ms < 0 ? 'is' : 'is not'} one of the last five minutes`,
      async (app) => {
        const browser = await app.signedIn()
        app.clock.advance(FIVE_MINUTES + ms)
        equal(await refusal(browser, '5m'), ms < 0 ? null : 'age', 'why it was refused')
      },
    ),
  ),
  must(
    'step-up/guard',
    "the adapter's guard lets a fresh proof pass and answers 401 with a challenge to an old one",
    async (app) => {
      const open = await app.start({ guard: null })
      const browser = await app.signedIn('ada', { url: open })
      const guardedBrowser = app.browser({ jar: browser.jar })
      let ran = 0
      const handler = () => {
        ran += 1
      }
      equal((await guardedBrowser.visit(handler)).status, 200, 'status while the proof is fresh')
      app.clock.advance('5m')
      const refused = await guardedBrowser.visit(handler)
      deepEqual([refused.status, refused.all('www-authenticate')], [401, [CHALLENGE]], 'status and challenge')
      equal(ran, 1, 'runs of the handler')
      equal(refused.cookies.length, 0, 'Set-Cookie lines')
      await browser.visit((session) => session.reauthenticate({ method: 'pwd' }))
      equal((await guardedBrowser.visit(handler)).status, 200, 'status after a fresh proof')
      equal(ran, 2, 'runs of the handler')
    },
    guarded,
  ),
  must(
    'step-up/guard-for-visitors',
    "the adapter's guard tells visitors nothing but that somebody has to sign in, and makes no session",
    async (app) => {
      const answer = await app.browser().visit(() => ok(false, 'the handler runs'))
      deepEqual([answer.status, answer.all('www-authenticate')], [401, ['Session']], 'status and challenge')
      equal(answer.cookies.length, 0, 'Set-Cookie lines')
      deepEqual(app.store.calls, { get: 0, create: 0, replace: 0, touch: 0 }, 'store calls')
    },
    guarded,
  ),
  must('step-up/challenge', 'the challenge names the age in seconds and the level', async (app) => {
    const browser = await app.signedIn()
    const { answer } = await asks(browser, { maxAge: '90s', level: 2, methods: ['otp'] })
    const challenge = 'Session error="insufficient_user_authentication", max_age="90", acr_values="2"'
    deepEqual([answer.status, answer.all('www-authenticate')], [401, [challenge]], 'status and challenge')
  }),
  must('step-up/signed-out', 'nobody is fresh who is not signed in', async (app) => {
    const browser = await app.signedIn()
    await browser.visit((session) => session.signOut())
    equal(await refusal(browser, '5m'), 'signed-out', 'why it was refused')
  }),
  must('step-up/methods', 'all methods are needed, each within the time', async (app) => {
    const browser = app.browser()
    await signsIn(browser, { methods: ['pwd'] })
    const both = { maxAge: '5m', methods: ['pwd', 'otp'] } as const
    equal(await refusal(browser, both), 'methods', 'why one method is refused')
    app.clock.advance('4m')
    await browser.visit((session) => session.reauthenticate({ method: 'otp' }))
    equal(await refusal(browser, both), null, 'why both are refused')
    app.clock.advance('1m')
    equal(await refusal(browser, both), 'age', 'why both are refused once the older one is too old')
    equal(await refusal(browser, '5m'), null, 'why the newer one alone is refused')
  }),
  must('step-up/level', 'a level is reached by a proof that says so, and ages with it', async (app) => {
    const browser = app.browser()
    await signsIn(browser, { methods: ['pwd'], level: 1 })
    const second = { maxAge: '5m', level: 2 } as const
    equal(await refusal(browser, second), 'level', 'why level 1 is refused')
    await browser.visit((session) => session.reauthenticate({ method: 'hwk', level: 2 }))
    equal(await refusal(browser, second), null, 'why level 2 is refused')
    app.clock.advance('5m')
    await browser.visit((session) => session.reauthenticate({ method: 'pwd' }))
    equal(await refusal(browser, second), 'age', 'why level 2 is refused that only a password has renewed')
    equal(await refusal(browser, '5m'), null, 'why the password is refused')
  }),
  must('step-up/same-request', 'a proof given in the same request counts', async (app) => {
    const browser = await app.signedIn()
    app.clock.advance('5m')
    const answer = await browser.visit((session) => {
      session.reauthenticate({ method: 'otp', level: 2 })
      session.requireFresh({ maxAge: '1s', methods: ['otp'], level: 2 })
    })
    equal(answer.status, 200, 'status')
  }),
  must('step-up/as-of-arrival', 'a slow request does not grow stale under its own feet', async (app) => {
    const browser = await app.signedIn()
    const answer = await browser.visit((session) => {
      app.clock.advance('6m')
      session.requireFresh('5m')
    })
    equal(answer.status, 200, 'status')
    equal(await refusal(browser, '5m'), 'age', 'why the next request is refused')
  }),
  must(
    'step-up/old-token',
    'after the proof the token from before it is refused, not asked to sign in',
    async (app) => {
      const browser = await app.signedIn()
      const older = browser.copy()
      await browser.visit((session) => session.reauthenticate({ method: 'pwd' }))
      const { answer, thrown } = await asks(older, '5m')
      const { code, reason } = Object(thrown) as { code?: string; reason?: string }
      deepEqual([answer.status, code, reason], [409, 'ERR_SESS_INTERRUPTED', 'superseded'], 'status, code and reason')
    },
  ),
  must(
    'step-up/store-down',
    'a store that fails is no reason to ask for a proof: 503',
    async (app) => {
      const browser = await app.signedIn()
      app.store.fail('get')
      equal((await asks(browser, '5m')).answer.status, 503, 'status')
      equal(await refusal(browser, '5m'), null, 'why it is refused once the store is back')
    },
    { options: { onStoreError: 'anonymous' } },
  ),
  must(
    'step-up/idle-lock',
    'a session that idled into a lock is refused as locked, and one proof both opens and freshens it',
    async (app) => {
      const browser = app.browser()
      await signsIn(browser, { methods: ['pwd', 'otp'], level: 2 })
      const { absoluteAt } = await browser.look()
      app.clock.advance('1h')
      equal(await refusal(browser, '15m'), 'locked', 'why it is refused')
      await browser.visit((session) => session.reauthenticate({ method: 'pwd' }))
      equal(await refusal(browser, '15m'), null, 'why it is refused once opened')
      equal(await refusal(browser, { maxAge: '15m', level: 2 }), 'age', 'why level 2 is refused')
      equal((await browser.look()).absoluteAt, absoluteAt, 'absolute deadline')
    },
    { options: { onIdle: 'lock', idle: '1h', absolute: '24h' } },
  ),
]
