import type { ListedSession } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, type Handler, must, reply } from './app.ts'
import type { Browser } from './browser.ts'
import { Barrier, inLanes, turns } from './overlap.ts'

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0'

/** A subject of this case alone: a store may be shared. */
export function newSubject(): string {
  return `subject-${crypto.randomUUID()}`
}

/** What the page of devices shows to a signed-in client. */
export async function devices(app: App, browser: Browser): Promise<ListedSession[]> {
  const answer = await browser.visit(async (session) => {
    const found: ListedSession[] = []
    for await (const each of app.sessions.list(session.subject ?? '', { current: session.handle })) found.push(each)
    return reply({ body: JSON.stringify(found) })
  })
  equal(answer.status, 200, 'status of the page of devices')
  return JSON.parse(answer.body) as ListedSession[]
}

/** Handles that the page of devices shows, in order. */
export async function handlesSeen(app: App, browser: Browser): Promise<string[]> {
  return (await devices(app, browser)).map(({ handle }) => handle).toSorted()
}

/** Runs `work` in a request; what it resolves to. */
export async function ask<T>(browser: Browser, work: (...given: Parameters<Handler>) => Promise<T>): Promise<T> {
  const answer = await browser.visit(async (...given) => reply({ body: JSON.stringify(await work(...given)) }))
  equal(answer.status, 200, 'status of a request about sessions')
  return JSON.parse(answer.body) as T
}

/** The client is signed out, and told why, and keeps the cookie it has. */
export async function isOut(browser: Browser, reason: string): Promise<void> {
  const { state, previous, cookies } = await browser.look()
  equal(state, 'anonymous', 'state of the ended session')
  equal(previous, reason, 'why it ended')
  deepEqual(cookies, [], 'Set-Cookie lines')
}

async function handleOf(browser: Browser): Promise<string> {
  const { handle } = await browser.look()
  ok(handle, 'a handle')
  return handle
}

export const accountCases: readonly AdapterCase[] = [
  must(
    'accounts/list',
    'the page of devices shows each session, which one is this, and what it is',
    async (app) => {
      const subject = newSubject()
      const phone = app.browser()
      await phone.visit((session) => session.signIn(subject, { persistent: true, deviceName: 'My phone' }))
      app.clock.advance('1m')
      const laptop = app.browser({ headers: [['User-Agent', FIREFOX]] })
      await laptop.visit((session) => session.signIn(subject, { methods: ['pwd'], level: 1 }))
      await app.signedIn(newSubject())
      const shown = await devices(app, laptop)
      const [first, second] = shown.toSorted((one, other) => one.createdAt - other.createdAt)
      equal(shown.length, 2, 'sessions')
      ok(first && second, 'both sessions')
      deepEqual([first.handle, second.handle], [await handleOf(phone), await handleOf(laptop)], 'handles')
      deepEqual([first.current, second.current], [false, true], 'which one this is')
      deepEqual([first.device?.name, second.device?.name], ['My phone', 'Firefox on Windows'], 'names')
      ok(second.device?.ip, 'its address')
      deepEqual([first.persistent, second.persistent], [true, false], 'which outlives the browser')
      deepEqual(second.auth?.methods, ['pwd'], 'methods')
      equal(second.createdAt - first.createdAt, 60_000, 'ms between the sign-ins')
    },
    { options: { device: true } },
  ),
  must('accounts/list-without-device', 'what the client is, is kept only if asked for', async (app) => {
    const browser = app.browser({ headers: [['User-Agent', FIREFOX]] })
    await browser.visit((session) => session.signIn(newSubject(), { deviceName: 'My laptop' }))
    deepEqual((await devices(app, browser))[0]?.device, null, 'device')
  }),
  must(
    'accounts/list-live',
    'locked sessions are shown and say so; ended and expired ones are not shown',
    async (app) => {
      const subject = newSubject()
      await app.signedIn(subject)
      app.clock.advance('29m')
      const locked = await app.signedIn(subject)
      await locked.visit((session) => session.lock())
      const out = await app.signedIn(subject)
      await out.visit((session) => session.signOut())
      app.clock.advance('1m')
      const browser = await app.signedIn(subject)
      const states = (await devices(app, browser)).map(({ state }) => state).toSorted()
      deepEqual(states, ['authenticated', 'locked'], 'states')
    },
  ),
  must(
    'accounts/end-one',
    'a session ended from another one is over at once, and its client learns why',
    async (app) => {
      const subject = newSubject()
      const [phone, laptop] = [await app.signedIn(subject), await app.signedIn(subject)]
      const handle = await handleOf(phone)
      equal(await ask(laptop, () => app.sessions.end(handle, { subject })), true, 'answer')
      await isOut(phone, 'revoked')
      equal((await laptop.look()).subject, subject, 'subject of the other session')
      deepEqual(await handlesSeen(app, laptop), [await handleOf(laptop)], 'sessions shown')
      equal((await app.record(handle))?.data, '', 'data left in the record')
    },
  ),
  must('accounts/end-others', 'all others are over, and this one stays', async (app) => {
    const subject = newSubject()
    const others = [await app.signedIn(subject), await app.signedIn(subject), await app.signedIn(subject)]
    const mine = await app.signedIn(subject)
    const ended = await ask(mine, (session) => app.sessions.endAll(subject, { except: session.handle }))
    equal(ended, 3, 'how many were ended')
    for (const other of others) await isOut(other, 'revoked')
    equal((await mine.look()).subject, subject, 'subject of the one that asked')
  }),
  must('accounts/end-all', 'all are over, the one that asks included, on every server', async (app) => {
    const subject = newSubject()
    const url = await app.start({}, app.instance())
    const all = [await app.signedIn(subject), await app.signedIn(subject, { url }), await app.signedIn(subject)]
    const other = await app.signedIn(newSubject(), { url })
    equal(await ask(all[0] as Browser, () => app.sessions.endAll(subject)), 3, 'how many were ended')
    for (const each of all) await isOut(each, 'revoked')
    equal((await other.look()).state, 'authenticated', 'state of somebody else’s session')
  }),
  must('accounts/end-foreign', 'somebody else’s session is refused like one that does not exist', async (app) => {
    const [subject, thief] = [newSubject(), newSubject()]
    const browser = await app.signedIn(subject)
    const handle = await handleOf(browser)
    const before = await app.record(handle)
    const mallory = await app.signedIn(thief)
    const answers = await ask(mallory, async () => [
      await app.sessions.end(handle, { subject: thief }),
      await app.sessions.end(`${handle.startsWith('x') ? 'y' : 'x'}${handle.slice(1)}`, { subject: thief }),
    ])
    deepEqual(answers, [false, false], 'answers')
    deepEqual(await app.record(handle), before, 'the record')
    const told = app.heard('end-refused').map((event) => [event.handle, event.subject, event.by])
    deepEqual(told, [[handle, subject, thief]], 'events')
    equal((await browser.look()).subject, subject, 'subject')
  }),
  must('accounts/end-in-flight', 'a slow writer of the ended session gets 409 and revives nothing', async (app) => {
    const subject = newSubject()
    const phone = await app.signedIn(subject)
    const handle = await handleOf(phone)
    const url = await app.start({}, app.instance())
    const laptop = await app.signedIn(subject, { url })
    const barrier = new Barrier()
    const slow = phone.start(async (session) => {
      session.data.cart = ['late']
      await barrier.wait()
    })
    await barrier.reached
    equal(await ask(laptop, () => app.sessions.end(handle, { subject })), true, 'answer')
    barrier.open()
    const answer = await slow.answer
    equal(answer.status, 409, 'status of the slow writer')
    deepEqual(answer.cookies, [], 'Set-Cookie lines of the slow writer')
    equal((await app.record(handle))?.endedReason, 'revoked', 'reason in the record')
  }),
  must(
    'accounts/end-all-in-flight',
    'of 40 sessions ended while they write and rotate on two servers none is alive',
    async (app) => {
      const subject = newSubject()
      const url = await app.start({}, app.instance())
      const clients: Browser[] = []
      await inLanes(40, 10, async (at) => {
        clients.push(await app.signedIn(subject, at % 2 === 0 ? {} : { url }))
      })
      const busy = clients.map(async (browser, at) => {
        for (let round = 0; round < 3; round += 1) {
          await turns(at % 7)
          await browser.visit((session) => {
            if (session.subject === null) return
            session.data[`key-${round}`] = at
            if (at % 4 === 0) session.rotate({ hard: true })
          })
        }
      })
      const admin = await app.signedIn(newSubject())
      const [ended] = await Promise.all([ask(admin, () => app.sessions.endAll(subject)), ...busy])
      equal(ended, 40, 'how many were ended')
      const alive = await Promise.all(clients.map(async (browser) => (await browser.look()).subject !== null))
      equal(alive.filter((one) => one).length, 0, 'sessions alive')
    },
  ),
  must(
    'accounts/end-all-under-way',
    'a sign-in that was announced and is not complete fails: 409, and no cookie',
    async (app) => {
      const subject = newSubject()
      const browser = app.browser()
      const gate = app.store.hold('create')
      const signingIn = browser.start((session) => session.signIn(subject)).answer
      await gate.reached
      equal(await app.instance().endAll(subject), 0, 'how many were ended')
      await gate.open()
      const answer = await signingIn
      equal(answer.status, 409, 'status of the sign-in')
      deepEqual(answer.cookies, [], 'Set-Cookie lines of the sign-in')
      const other = await app.signedIn(subject)
      deepEqual(await handlesSeen(app, other), [await handleOf(other)], 'sessions shown')
    },
    { options: { limit: { perSubject: 10 } } },
  ),
  must('accounts/store-down', 'what cannot be ended is a 503, never a silent success', async (app) => {
    const subject = newSubject()
    const [phone, laptop] = [await app.signedIn(subject), await app.signedIn(subject)]
    const handle = await handleOf(phone)
    for (const end of [() => app.sessions.end(handle, { subject }), () => app.sessions.endAll(subject)]) {
      app.store.fail('replace', { times: Number.POSITIVE_INFINITY })
      const answer = await laptop.visit(async () => void (await end()))
      equal(answer.status, 503, 'status')
      app.store.reset()
      equal((await phone.look()).subject, subject, 'subject of the session that was to end')
    }
    equal(await ask(laptop, () => app.sessions.endAll(subject)), 2, 'how many were ended when it works again')
  }),
]
