import type { Session } from '@sess/core'
import { deepEqual, equal, notEqual } from '../case.ts'
import { type AdapterCase, type App, must } from './app.ts'
import type { Browser } from './browser.ts'

const HOUR = 3_600_000

/** Root, acting as ada. */
export async function acting(app: App, options?: Parameters<Session['actAs']>[1]): Promise<Browser> {
  const browser = await app.signedIn('root')
  const answer = await browser.visit((session) => session.actAs('ada', options))
  equal(answer.status, 200, 'status of actAs()')
  return browser
}

interface Roles {
  readonly subject: string | null
  readonly actor: string | null
  readonly auth: Session['auth']
  readonly data: object
  readonly absoluteAt: number | null
}

async function roles(browser: Browser): Promise<Roles> {
  let seen: Roles | undefined
  await browser.visit((session) => {
    const { subject, actor, auth, data, absoluteAt } = session
    seen = { subject, actor, auth, data: { ...data }, absoluteAt }
  })
  return seen as Roles // the handler has run
}

/** A request that calls what cannot work here: status, code and reason. */
async function refused(browser: Browser, call: (session: Session) => unknown): Promise<readonly unknown[]> {
  let thrown: unknown
  const { status } = await browser.visit((session) => {
    try {
      return call(session)
    } catch (error) {
      thrown = error
      throw error
    }
  })
  const { code, reason } = Object(thrown) as { code?: string; reason?: string }
  return reason === undefined ? [status, code] : [status, code, reason]
}

export const actingCases: readonly AdapterCase[] = [
  must('acting/start', 'acting as somebody is a new session of theirs that says who acts', async (app) => {
    const browser = await app.signedIn('root')
    await browser.visit((session) => {
      session.data.secret = 'of root'
    })
    const before = await browser.look()
    const old = browser.copy()
    await browser.visit((session) => {
      session.actAs('ada')
      deepEqual([session.subject, session.actor, session.data], ['ada', 'root', {}], 'what the request sees at once')
    })
    const { subject, actor, auth, data } = await roles(browser)
    deepEqual([subject, actor, auth, data], ['ada', 'root', null, {}], 'subject, actor, proof and data')
    notEqual((await browser.look()).handle, before.handle, 'handle')
    equal((await app.record(before.handle))?.endedReason, 'replaced', "how the actor's session ended")
    equal((await old.look()).subject, null, "subject behind the actor's old cookie")
  }),
  must(
    'acting/stop',
    'going back is a new session of the actor, with the proof and the deadline of before',
    async (app) => {
      const browser = await app.signedIn('root')
      const before = await roles(browser)
      await browser.visit((session) => session.actAs('ada'))
      const { handle } = await browser.look()
      const thief = browser.copy()
      await browser.visit((session) => {
        session.data.note = 'of ada'
      })
      app.clock.advance('10m')
      await browser.visit((session) => {
        session.stopActing()
        deepEqual([session.subject, session.actor], ['root', null], 'what the request sees at once')
      })
      deepEqual(await roles(browser), before, 'what the session shows')
      equal((await app.record(handle))?.endedReason, 'replaced', 'how the session of ada ended')
      equal((await thief.look()).subject, null, 'subject behind its cookie')
    },
  ),
  must('acting/nothing-to-stop', 'going back where nobody acts changes nothing', async (app) => {
    const browser = await app.signedIn('root')
    const { handle } = await browser.look()
    const answer = await browser.visit((session) => session.stopActing())
    deepEqual([answer.status, answer.cookies], [200, []], 'status and Set-Cookie lines')
    equal((await browser.look()).handle, handle, 'handle')
    equal((await app.browser().visit((session) => session.stopActing())).status, 200, 'status for a visitor')
  }),
  must('acting/deadline', 'acting is over after an hour, and signs out', async (app) => {
    const browser = await acting(app)
    app.clock.advance(20 * 60_000)
    equal((await browser.look()).subject, 'ada', 'subject')
    app.clock.advance(20 * 60_000)
    equal((await browser.look()).subject, 'ada', 'subject')
    app.clock.advance(20 * 60_000 - 1)
    equal((await browser.look()).subject, 'ada', 'subject at the last millisecond')
    app.clock.advance(1)
    const { subject, previous } = await browser.look()
    deepEqual([subject, previous], [null, 'absolute'], 'subject and previous')
  }),
  must('acting/own-deadline', 'acting may be limited to less', async (app) => {
    const browser = await acting(app, { absolute: '5m' })
    equal((await roles(browser)).absoluteAt, app.clock.now() + 5 * 60_000, 'absolute deadline')
  }),
  must(
    'acting/not-longer-than-the-actor',
    'neither acting nor going back outlives the session of the actor',
    async (app) => {
      const browser = await app.signedIn('root')
      const { absoluteAt } = await browser.look()
      app.clock.advance(24 * HOUR - 10 * 60_000)
      await browser.visit((session) => session.actAs('ada', { absolute: '2h' }))
      equal((await browser.look()).absoluteAt, absoluteAt, 'deadline while acting')
      await browser.visit((session) => session.stopActing())
      equal((await browser.look()).absoluteAt, absoluteAt, 'deadline after going back')
      app.clock.advance('10m')
      equal((await browser.look()).previous, 'absolute', 'what became of it')
    },
    { options: { idle: false } },
  ),
  must('acting/persistent', 'acting is never persistent; going back is if the actor was', async (app) => {
    const browser = app.browser()
    await browser.visit((session) => session.signIn('root', { persistent: true }))
    const { absoluteAt } = await browser.look()
    const start = await browser.visit((session) => session.actAs('ada'))
    equal(start.cookies[0]?.includes('Max-Age'), false, 'Max-Age while acting')
    const stop = await browser.visit((session) => session.stopActing())
    const left = Math.floor(((absoluteAt ?? 0) - app.clock.now()) / 1000)
    equal(stop.cookies[0]?.includes(`Max-Age=${left}`), true, 'Max-Age after going back')
    equal((await browser.look()).absoluteAt, absoluteAt, 'absolute deadline')
  }),
  must('acting/sign-out', 'signing out while acting ends it all', async (app) => {
    const browser = await app.signedIn('root')
    const before = browser.copy()
    await browser.visit((session) => session.actAs('ada'))
    const during = browser.copy()
    await browser.visit((session) => session.signOut())
    for (const each of [browser, before, during]) equal((await each.look()).subject, null, 'subject')
  }),
  must(
    'acting/no-nesting',
    'nobody acts through somebody else, as themselves, or without being signed in',
    async (app) => {
      const interrupted = [409, 'ERR_SESS_INTERRUPTED']
      const visitor = app.browser()
      deepEqual(await refused(visitor, (session) => session.actAs('ada')), [...interrupted, 'anonymous'], 'a visitor')
      const root = await app.signedIn('root')
      deepEqual(await refused(root, (session) => session.actAs('root')), [500, 'ERR_SESS_CONFIG'], 'oneself')
      const other = await refused(root, (session) => session.actAs('ada', { by: 'eve' }))
      deepEqual(other, [500, 'ERR_SESS_CONFIG'], 'another actor than was asked about')
      await root.visit((session) => session.actAs('ada', { by: 'root' }))
      deepEqual(await refused(root, (session) => session.actAs('bob')), [...interrupted, 'acting'], 'while acting')
      equal((await roles(root)).subject, 'ada', 'subject afterwards')
      const locked = await app.signedIn('root')
      await locked.visit((session) => session.lock())
      deepEqual(await refused(locked, (session) => session.actAs('ada')), [...interrupted, 'locked'], 'locked')
    },
  ),
  must('acting/not-fresh', "the actor's proof is not the subject's", async (app) => {
    const browser = await acting(app)
    const demand = (session: Session): void => session.requireFresh('1h')
    deepEqual(await refused(browser, demand), [401, 'ERR_SESS_FRESHNESS', 'impersonated'], 'while acting')
    await browser.visit((session) => session.stopActing())
    deepEqual(await refused(browser, demand), [200, undefined], 'after going back')
  }),
  must('acting/data-stays', 'what was written while acting goes to nobody else', async (app) => {
    const browser = await acting(app)
    await browser.visit((session) => {
      session.data.cart = ['planted']
    })
    await browser.visit((session) => session.signIn('ada', { carry: ['cart'] }))
    const { actor, data } = await roles(browser)
    deepEqual([actor, data], [null, {}], 'actor and data after the subject has signed in')
  }),
  must(
    'acting/events',
    'who acted as whom is told when it starts and when it ends, and with every event between',
    async (app) => {
      const browser = await acting(app)
      const { handle } = await browser.look()
      await browser.visit((session) => session.rotate({ hard: true }))
      await browser.visit((session) => session.stopActing())
      const about = { at: app.clock.now(), handle, subject: 'ada', actor: 'root' }
      const [started] = app.heard('impersonation-started')
      const { replaced, absoluteAt, ...rest } = started ?? { replaced: null, absoluteAt: 0 }
      deepEqual(rest, { type: 'impersonation-started', ...about }, 'how it started')
      equal((await app.record(replaced))?.subject, 'root', 'whose session it replaced')
      equal(absoluteAt, app.clock.now() + HOUR, 'until when')
      const ended = [{ type: 'impersonation-ended', ...about, reason: 'replaced' }]
      deepEqual(app.heard('impersonation-ended'), ended, 'how it ended')
      deepEqual(
        app.heard('rotated').map(({ actor }) => actor),
        ['root'],
        'who acted in between',
      )
      deepEqual(
        app.heard('signed-in').map(({ subject }) => subject),
        ['root', 'root'],
        'who has signed in',
      )
    },
  ),
]
