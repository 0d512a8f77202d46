import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must, reply } from './app.ts'
import type { Browser } from './browser.ts'
import { Barrier, inLanes, turns } from './overlap.ts'

/** No token of the session acts any more, and its record is ended for good. */
async function isOver(app: App, handle: string | null, tokens: readonly (string | undefined)[]): Promise<void> {
  const record = await app.record(handle)
  equal(record?.state, 'ended', 'state of the record')
  equal(record?.endedReason, 'signed-out', 'reason')
  equal(record?.data, '', 'data left in the record')
  for (const token of tokens) {
    const { state, cookies } = await app.browser().copy(token).look()
    equal(state, 'anonymous', 'state for a token of the session')
    deepEqual(cookies, [], 'Set-Cookie lines')
  }
}

async function signOut(browser: Browser): Promise<void> {
  const answer = await browser.visit((session) => session.signOut())
  equal(answer.status, 200, 'status of the sign-out')
}

export const signOutCases: readonly AdapterCase[] = [
  must('sign-out/replay', 'a cookie kept from before the sign-out is a visitor, now and later', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    const { token } = browser
    await signOut(browser)
    equal(browser.token, undefined, 'the cookie in the browser')
    await isOver(app, handle, [token])
    app.clock.advance('1h')
    await isOver(app, handle, [token])
  }),
  must('sign-out/replay-writes-elsewhere', 'what a replayed cookie writes is a new visitor’s', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    const replay = browser.copy()
    await signOut(browser)
    await replay.visit((session) => {
      session.data.cart = ['apple']
    })
    const after = await replay.look()
    equal(after.subject, null, 'subject')
    ok(after.handle !== handle, 'another session')
    equal((await app.record(handle))?.state, 'ended', 'state of the signed-out record')
  }),
  must(
    'sign-out/slow-writer',
    'a slow writer in flight during a sign-out gets 409 and revives nothing',
    async (app) => {
      const browser = await app.signedIn()
      const { handle } = await browser.look()
      const { token } = browser
      const barrier = new Barrier()
      const slow = browser.start(async (session) => {
        session.data.cart = ['late']
        await barrier.wait()
      })
      await barrier.reached
      await signOut(browser)
      barrier.open()
      const answer = await slow.answer
      equal(answer.status, 409, 'status of the slow writer')
      deepEqual(answer.cookies, [], 'Set-Cookie lines of the slow writer')
      await isOver(app, handle, [token])
    },
  ),
  must('sign-out/write-in-the-store', 'a write that is with the store already cannot undo a sign-out', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    const { token } = browser
    const url = await app.start({}, app.instance())
    const gate = app.store.hold('replace')
    const slow = browser.start((session) => {
      session.data.cart = ['late']
    })
    await gate.reached
    const elsewhere = app.browser({ url }).copy(token)
    await signOut(elsewhere)
    await gate.open()
    equal((await slow.answer).status, 409, 'status of the slow writer')
    await isOver(app, handle, [token])
  }),
  must(
    'sign-out/200-overlaps',
    'of 200 sessions signed out while writers of theirs are in flight none is alive',
    async (app) => {
      const alive: number[] = []
      await inLanes(200, 20, async (round) => {
        const browser = await app.signedIn(`subject-${round}`)
        const writer = () =>
          browser.start(async (session) => {
            await turns(round % 5)
            session.data[`key-${round % 3}`] = round
            await turns(round % 3)
          }).answer
        const leave = browser.copy()
        const [, , signOut] = await Promise.all([
          writer(),
          writer(),
          leave.visit(async (session) => {
            await turns((round * 7) % 8)
            session.signOut()
          }),
          writer(),
        ])
        equal(signOut.status, 200, 'status of the sign-out')
        if ((await browser.look()).state !== 'anonymous') alive.push(round)
      })
      deepEqual(alive, [], 'sessions alive')
    },
  ),
  must(
    'sign-out/superseded-token',
    'sign-out with a superseded token ends the session for all of its tokens',
    async (app) => {
      const browser = await app.signedIn()
      const older = browser.copy()
      const { token } = older
      await browser.visit((session) => session.rotate({ hard: true }))
      const { handle } = await browser.look()
      equal((await older.look()).refused, 'superseded', 'refused')
      await signOut(older)
      equal(older.token, undefined, 'the cookie in the browser that signed out')
      await isOver(app, handle, [token, browser.token])
    },
  ),
  must('sign-out/late-response', 'the cookie of a response that arrives after the sign-out is dead', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    const { token } = browser
    app.clock.advance('16m')
    const late = await browser.idle({ lose: true })
    ok(browser.tokenIn(late), 'a rotated cookie in the late response')
    await signOut(browser)
    browser.jar.receive(late)
    equal((await browser.look()).state, 'anonymous', 'state with the late cookie')
    await isOver(app, handle, [token, browser.token])
  }),
  must(
    'sign-out/expired',
    'sign-out ends a session past its deadline, so that no slow request can revive it',
    async (app) => {
      const browser = await app.signedIn()
      const { handle } = await browser.look()
      const { token } = browser
      const barrier = new Barrier()
      const slow = browser.start(async (session) => {
        session.data.cart = ['late']
        await barrier.wait()
      })
      await barrier.reached
      app.clock.advance('31m')
      await signOut(browser)
      barrier.open()
      equal((await slow.answer).status, 409, 'status of the slow writer')
      await isOver(app, handle, [token])
    },
  ),
  must('sign-out/replaced', 'sign-out right after being replaced ends and clears nothing', async (app) => {
    const browser = await app.signedIn('ada')
    const older = browser.copy()
    await browser.visit((session) => session.signIn('ada'))
    const answer = await older.visit((session) => session.signOut())
    deepEqual(answer.cookies, [], 'Set-Cookie lines')
    equal((await browser.look()).subject, 'ada', 'subject of the new session')
  }),
  must(
    'sign-out/store-down',
    'a sign-out that cannot be stored is a 503, keeps the cookie and works later',
    async (app) => {
      const browser = await app.signedIn()
      const { handle } = await browser.look()
      const { token } = browser
      app.store.fail('replace', { times: Number.POSITIVE_INFINITY })
      const answer = await browser.visit((session) => session.signOut())
      equal(answer.status, 503, 'status')
      deepEqual(answer.cookies, [], 'Set-Cookie lines')
      app.store.reset()
      equal((await browser.look()).subject, 'ada', 'subject after the failed sign-out')
      await signOut(browser)
      await isOver(app, handle, [token])
    },
  ),
  must(
    'sign-out/unreadable',
    'a stand-in of a failed read cannot pretend to sign out',
    async (app) => {
      const browser = await app.signedIn()
      app.store.fail('get', { times: Number.POSITIVE_INFINITY })
      const answer = await browser.visit((session) => session.signOut())
      equal(answer.status, 503, 'status')
      deepEqual(answer.cookies, [], 'Set-Cookie lines')
      app.store.reset()
      equal((await browser.look()).subject, 'ada', 'subject')
    },
    { options: { onStoreError: 'anonymous' } },
  ),
  must('sign-out/twice', 'signing out again with the old cookie succeeds and changes nothing', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    const again = browser.copy()
    await signOut(browser)
    const ended = await app.record(handle)
    await signOut(again)
    equal(again.token, undefined, 'the cookie in the browser')
    deepEqual(await app.record(handle), ended, 'the record')
  }),
  must(
    'sign-out/then-write',
    'what is written after signOut() is a new visitor’s, in the same response',
    async (app) => {
      const browser = await app.signedIn()
      const before = await browser.look()
      await browser.visit((session) => {
        session.signOut()
        session.data.farewell = true
      })
      const after = await browser.look()
      equal(after.subject, null, 'subject')
      deepEqual(after.data, { farewell: true }, 'data')
      ok(after.handle !== before.handle, 'another session')
      equal((await app.record(before.handle))?.state, 'ended', 'state of the old record')
    },
  ),
  must('sign-out/with-redirect', 'a redirect carries the clearing cookie', async (app) => {
    const browser = await app.signedIn()
    const answer = await browser.visit((session) => {
      session.signOut()
      return reply({ status: 303, headers: [['Location', '/']] })
    })
    equal(answer.status, 303, 'status')
    equal(browser.token, undefined, 'the cookie in the browser')
  }),
]
