import { deepEqual, equal, notEqual, ok } from '../case.ts'
import { type AdapterCase, must } from './app.ts'
import { Barrier } from './overlap.ts'

export const signInCases: readonly AdapterCase[] = [
  must('sign-in/new-token', 'sign-in changes the whole cookie value', async (app) => {
    const browser = app.browser()
    await browser.visit((session) => {
      session.data.cart = []
    })
    const before = browser.token
    await browser.visit((session) => session.signIn('ada'))
    const signedIn = browser.token
    const parts = (token = '') => token.split('.')
    notEqual(parts(signedIn)[0], parts(before)[0], 'secret id')
    notEqual(parts(signedIn)[2], parts(before)[2], 'signature')
    await browser.visit((session) => session.signIn('ada'))
    notEqual(parts(browser.token)[0], parts(signedIn)[0], 'secret id after signing in again')
  }),
  must('sign-in/old-token-is-dead', 'the token from before a sign-in never acts again', async (app) => {
    const browser = app.browser()
    await browser.visit((session) => {
      session.data.note = 'mine'
    })
    const planted = browser.copy()
    await browser.visit((session) => session.signIn('ada'))
    for (const wait of [0, 59_999, 1, 3_600_000] as const) {
      app.clock.advance(wait)
      const { state, data, cookies } = await planted.look()
      equal(state, 'anonymous', `state after ${wait} ms more`)
      deepEqual(data, {}, 'data')
      deepEqual(cookies, [], 'Set-Cookie lines')
    }
  }),
  must('sign-in/old-login-is-dead', 'signing in again ends the session it takes over from', async (app) => {
    const browser = await app.signedIn('ada')
    const thief = browser.copy()
    await browser.visit((session) => session.signIn('grace'))
    equal((await thief.look()).subject, null, 'subject behind the old cookie')
    equal((await browser.look()).subject, 'grace', 'subject behind the new one')
  }),
  must(
    'sign-in/new-deadline',
    'only signing in makes a new absolute deadline',
    async (app) => {
      const browser = await app.signedIn('ada')
      const first = await browser.look()
      app.clock.advance('1h')
      await browser.visit((session) => session.signIn('ada'))
      const second = await browser.look()
      equal(second.absoluteAt, (first.absoluteAt ?? 0) + 3_600_000, 'absolute deadline')
      notEqual(second.handle, first.handle, 'handle')
    },
    { options: { idle: false } },
  ),
  must('sign-in/visible-at-once', 'a sign-in is visible at once and its outcome after commit()', async (app) => {
    const browser = app.browser()
    const seen: unknown[] = []
    await browser.visit(async (session) => {
      session.signIn('ada', { methods: ['password'], level: 1 })
      seen.push(session.subject, session.state, session.handle)
      await session.commit()
      seen.push(session.handle === null, session.auth)
    })
    const auth = { at: app.clock.now(), methods: ['password'], level: 1 }
    deepEqual(seen, ['ada', 'authenticated', null, false, auth], 'what the handler saw')
  }),
  must(
    'sign-in/slow-old-writer',
    'a slow writer of the old session neither writes nor clobbers the new cookie',
    async (app) => {
      const browser = app.browser()
      await browser.visit((session) => {
        session.data.cart = ['apple']
      })
      const barrier = new Barrier()
      const slow = browser.start(async (session) => {
        session.data.cart = ['stale']
        await barrier.wait()
      })
      await barrier.reached
      await browser.visit((session) => session.signIn('ada'))
      const { token } = browser
      barrier.open()
      const answer = await slow.answer
      browser.jar.receive(answer)
      equal(answer.status, 409, 'status of the slow request')
      deepEqual(answer.cookies, [], 'Set-Cookie lines of the slow request')
      equal(browser.token, token, 'the cookie')
      deepEqual((await browser.look()).data, { cart: ['apple'] }, 'data of the new session')
    },
    { options: { carry: ['cart'] } },
  ),
  must(
    'sign-in/slow-old-reader',
    'a slow reader of the old session is served and leaves the new cookie alone',
    async (app) => {
      const browser = await app.signedIn()
      const barrier = new Barrier()
      app.clock.advance('16m')
      const slow = browser.start(async (session) => {
        ok(session.subject === 'ada', 'the slow request is signed in')
        await barrier.wait()
      })
      await barrier.reached
      await browser.visit((session) => session.signIn('grace'))
      barrier.open()
      const answer = await slow.answer
      equal(answer.status, 200, 'status of the slow request')
      deepEqual(answer.cookies, [], 'Set-Cookie lines of the slow request')
      equal((await browser.look()).subject, 'grace', 'subject')
    },
  ),
  must('sign-in/lost-response', 'a sign-in whose response is lost can be repeated', async (app) => {
    const browser = app.browser()
    await browser.visit((session) => session.signIn('ada'), { lose: true })
    equal((await browser.look()).subject, null, 'subject without the cookie')
    await browser.visit((session) => session.signIn('ada'))
    equal((await browser.look()).subject, 'ada', 'subject')
  }),
  must(
    'sign-in/from-superseded',
    'sign-in with a superseded token ends the live session and carries nothing',
    async (app) => {
      const browser = await app.signedIn()
      const older = browser.copy()
      await browser.visit((session) => {
        session.data.cart = ['apple']
        session.rotate({ hard: true })
      })
      equal((await older.look()).refused, 'superseded', 'refused')
      const { handle } = await browser.look()
      await older.visit((session) => session.signIn('ada'))
      const { subject, data } = await older.look()
      equal(subject, 'ada', 'subject of the new session')
      deepEqual(data, {}, 'its data')
      equal((await app.record(handle))?.endedReason, 'replaced', 'how the live session ended')
      equal((await browser.look()).subject, null, 'subject behind the newest cookie of it')
    },
    { options: { carry: ['cart'] } },
  ),
  must(
    'sign-in/from-replaced',
    'sign-in right after being replaced makes a session of its own and ends nothing',
    async (app) => {
      const browser = await app.signedIn('ada')
      const older = browser.copy()
      await browser.visit((session) => session.signIn('ada'))
      equal((await older.look()).refused, 'replaced', 'refused')
      await older.visit((session) => session.signIn('grace'))
      equal((await older.look()).subject, 'grace', 'subject of the newest')
      equal((await browser.look()).subject, 'ada', 'subject of the other')
    },
  ),
]
