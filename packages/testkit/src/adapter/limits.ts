import type { LimitOptions, Sessions } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { handlesSeen, isOut, newSubject } from './accounts.ts'
import { type AdapterCase, type App, must, type Setup } from './app.ts'
import type { Browser } from './browser.ts'

const limited = (perSubject: number, onExceed?: NonNullable<LimitOptions['onExceed']>): Setup => ({
  options: { limit: onExceed === undefined ? { perSubject } : { perSubject, onExceed } },
})

async function handleOf(browser: Browser): Promise<string> {
  const { handle } = await browser.look()
  ok(handle, 'a handle')
  return handle
}

/** Two sign-ins, a second apart. */
async function pair(app: App, subject: string): Promise<[Browser, Browser]> {
  const first = await app.signedIn(subject)
  app.clock.advance('1s')
  const second = await app.signedIn(subject)
  app.clock.advance('1s')
  return [first, second]
}

/** Handles of the live sessions, as any process lists them. */
async function alive(sessions: Sessions, subject: string): Promise<string[]> {
  const found: string[] = []
  for await (const { handle } of sessions.list(subject)) found.push(handle)
  return found
}

/** Twenty sign-ins at the same time on two servers leave exactly the limit, each with its holder. */
function parallel(onExceed: NonNullable<LimitOptions['onExceed']>): AdapterCase {
  const { options } = limited(3, onExceed)
  // They queue, so the last one waits for all: on a busy machine longer than anybody's sign-in would.
  const setup = { options: { ...options, storeTimeout: 20_000 } }
  const title = `of twenty parallel sign-ins on two servers exactly the limit lives: ${onExceed}`
  return must(`limits/parallel/${onExceed}`, title, (app) => inParallel(app, setup), setup)
}

async function inParallel(app: App, { options }: Setup): Promise<void> {
  const subject = newSubject()
  const url = await app.start({}, app.instance(options))
  const clients = Array.from({ length: 20 }, (_, at) => app.browser(at % 2 === 0 ? {} : { url }))
  const answers = await Promise.all(clients.map((browser) => browser.visit((session) => session.signIn(subject))))
  for (const { status, cookies } of answers) {
    ok(status === 200 || status === 409, 'a status of 200 or 409')
    equal(cookies.length, status === 200 ? 1 : 0, 'Set-Cookie lines')
  }
  const seen = await Promise.all(clients.map((browser) => browser.look()))
  const holders = seen.filter((each) => each.subject === subject).map(({ handle }) => handle)
  equal(holders.length, 3, 'clients signed in')
  deepEqual((await alive(app.sessions, subject)).toSorted(), holders.toSorted(), 'live sessions')
}

export const limitCases: readonly AdapterCase[] = [
  must(
    'limits/evict-oldest',
    'one sign-in too many ends the session signed in first, and its client learns why',
    async (app) => {
      const subject = newSubject()
      const [first, second] = await pair(app, subject)
      const handle = await handleOf(first)
      const third = await app.signedIn(subject)
      await isOut(first, 'evicted')
      equal((await second.look()).subject, subject, 'subject of the second')
      deepEqual(
        await handlesSeen(app, third),
        [await handleOf(second), await handleOf(third)].toSorted(),
        'sessions shown',
      )
      const told = app.heard('ended').map((event) => [event.handle, event.reason])
      deepEqual(told, [[handle, 'evicted']], 'events')
    },
    limited(2),
  ),
  must(
    'limits/evict-idle',
    'it can end the session that was not used for longest instead',
    async (app) => {
      const subject = newSubject()
      const [first, second] = await pair(app, subject)
      app.clock.advance('5m')
      await first.idle()
      await app.signedIn(subject)
      await isOut(second, 'evicted')
      equal((await first.look()).subject, subject, 'subject of the first')
    },
    limited(2, 'evict-idle'),
  ),
  must(
    'limits/reject',
    'it can be refused instead: 409, no cookie, nothing changed, one event',
    async (app) => {
      const subject = newSubject()
      const [first] = await pair(app, subject)
      const third = app.browser()
      await third.visit((session) => {
        session.data.cart = ['apple']
      })
      const { token } = third
      const answer = await third.visit((session) => session.signIn(subject))
      equal(answer.status, 409, 'status')
      deepEqual(answer.cookies, [], 'Set-Cookie lines')
      equal(third.token, token, 'the cookie')
      deepEqual((await third.look()).data, { cart: ['apple'] }, 'data of the visitor')
      deepEqual(
        app.heard('limit-exceeded').map((event) => [event.subject, event.limit]),
        [[subject, 2]],
        'events',
      )
      await first.visit((session) => session.signOut())
      equal((await third.visit((session) => session.signIn(subject))).status, 200, 'status once there is room')
    },
    limited(2, 'reject'),
  ),
  must(
    'limits/replaced',
    'the session that is being replaced does not count',
    async (app) => {
      const subject = newSubject()
      const [first, second] = await pair(app, subject)
      equal((await first.visit((session) => session.signIn(subject))).status, 200, 'status')
      equal((await second.look()).subject, subject, 'subject of the other')
    },
    limited(2, 'reject'),
  ),
  must(
    'limits/uncounted',
    'locked sessions count; those past a deadline do not, and say that they expired',
    async (app) => {
      const subject = newSubject()
      const idle = await app.signedIn(subject)
      app.clock.advance('29m')
      const locked = await app.signedIn(subject)
      await locked.visit((session) => session.lock())
      const third = app.browser()
      equal((await third.visit((session) => session.signIn(subject))).status, 409, 'status while both count')
      app.clock.advance('1m')
      equal((await third.visit((session) => session.signIn(subject))).status, 200, 'status when one has expired')
      await isOut(idle, 'idle')
      equal((await locked.look()).state, 'locked', 'state of the locked one')
    },
    limited(2, 'reject'),
  ),
  parallel('evict-oldest'),
  parallel('evict-idle'),
  parallel('reject'),
  must(
    'limits/overtaken',
    'a sign-in that has to go before it is stored gets 409 and no cookie; that on another server stays',
    async (app) => {
      const subject = newSubject()
      const url = await app.start({}, app.instance(limited(1).options))
      const slow = app.browser()
      const gate = app.store.hold('create')
      const signingIn = slow.start((session) => session.signIn(subject)).answer
      await gate.reached
      const winner = await app.signedIn(subject, { url })
      await gate.open()
      const answer = await signingIn
      equal(answer.status, 409, 'status of the slow sign-in')
      deepEqual(answer.cookies, [], 'Set-Cookie lines of the slow sign-in')
      deepEqual(await handlesSeen(app, winner), [await handleOf(winner)], 'sessions shown')
    },
    limited(1),
  ),
  must(
    'limits/lost-acknowledgement',
    'an admission whose answer is lost takes one place',
    async (app) => {
      const subject = newSubject()
      const [first] = await pair(app, subject)
      app.store.loseAcknowledgement('admit')
      const third = await app.signedIn(subject)
      await isOut(first, 'evicted')
      equal((await handlesSeen(app, third)).length, 2, 'sessions shown')
    },
    limited(2),
  ),
  ...(['listBySubject', 'admit', 'replace'] as const).map((operation) =>
    must(
      `limits/store-down/${operation.toLowerCase()}`,
      `a sign-in that cannot make room for itself is a 503 and changes nothing (${operation})`,
      async (app) => {
        const subject = newSubject()
        const first = await app.signedIn(subject)
        const second = app.browser()
        app.store.fail(operation, { times: Number.POSITIVE_INFINITY })
        const answer = await second.visit((session) => session.signIn(subject))
        app.store.reset()
        equal(answer.status, 503, 'status')
        deepEqual(answer.cookies, [], 'Set-Cookie lines')
        equal((await first.look()).subject, subject, 'subject of the session that was to go')
        equal((await second.visit((session) => session.signIn(subject))).status, 200, 'status when it works again')
        await isOut(first, 'evicted')
      },
      limited(1),
    ),
  ),
]
