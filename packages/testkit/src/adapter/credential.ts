import { deepEqual, equal, ok } from '../case.ts'
import { isOut, newSubject } from './accounts.ts'
import { type AdapterCase, type App, must, reply } from './app.ts'
import type { Browser } from './browser.ts'
import { Barrier } from './overlap.ts'

const OLD = '$2b$10$nZ5dA4mVtX8qRk1oYw7uLe'
const NEW = '$argon2id$v=19$cVbR7tQx2mW9'

async function signedIn(app: App, subject: string, origin: Parameters<App['signedIn']>[1] = {}): Promise<Browser> {
  const browser = app.browser(origin)
  await browser.visit((session) => session.signIn(subject, { credential: OLD }))
  return browser
}

/** A request that looks whether the credential still holds: what it was told, and who was signed in then. */
async function verify(browser: Browser, current: string | readonly string[]): Promise<[boolean, string | null]> {
  const answer = await browser.visit(async (session) => {
    const holds = await session.verifyCredential(current)
    return reply({ body: JSON.stringify([holds, session.subject]) })
  })
  equal(answer.status, 200, 'status')
  deepEqual(answer.cookies, [], 'Set-Cookie lines')
  return JSON.parse(answer.body) as [boolean, string | null]
}

export const credentialCases: readonly AdapterCase[] = [
  must('credential/unchanged', 'a credential that still holds costs no store call', async (app) => {
    const subject = newSubject()
    const browser = await signedIn(app, subject)
    const before = app.store.log.length
    deepEqual(await verify(browser, OLD), [true, subject], 'what was told')
    equal(app.store.log.length - before, 1, 'store calls')
  }),
  must('credential/changed', 'a changed credential ends the session within the request that looks', async (app) => {
    const browser = await signedIn(app, newSubject())
    const { handle } = await browser.look()
    deepEqual(await verify(browser, NEW), [false, null], 'what was told')
    equal((await app.record(handle))?.endedReason, 'credential', 'reason in the record')
    await isOut(browser, 'credential')
  }),
  must('credential/none', 'a session without a stamp holds whatever the credential is', async (app) => {
    const subject = newSubject()
    const browser = await app.signedIn(subject)
    deepEqual(await verify(browser, NEW), [true, subject], 'what was told')
    equal((await verify(app.browser(), NEW))[0], false, 'what a visitor was told')
  }),
  must('credential/upgrade', 'an older form of the credential gives way in place, without a sign-out', async (app) => {
    const subject = newSubject()
    const browser = await signedIn(app, subject)
    deepEqual(await verify(browser, [NEW, OLD]), [true, subject], 'what was told with both forms')
    deepEqual(await verify(browser, NEW), [true, subject], 'what was told with the new form')
    deepEqual(await verify(browser, OLD), [false, null], 'what was told with the old form')
  }),
  must(
    'credential/change',
    'who changes the password stays signed in; the others end, on every server',
    async (app) => {
      const subject = newSubject()
      const url = await app.start({}, app.instance())
      const [mine, other] = [await signedIn(app, subject), await signedIn(app, subject, { url })]
      const barrier = new Barrier()
      const slow = mine.start(async (session) => {
        await barrier.wait()
        return reply({ body: String(await session.verifyCredential(NEW)) })
      })
      await barrier.reached
      const old = mine.copy()
      await mine.visit((session) => session.reauthenticate({ method: 'pwd', credential: NEW }))
      barrier.open()
      equal((await slow.answer).body, 'true', 'what a slow request of the same session was told')
      deepEqual(await verify(mine, NEW), [true, subject], 'what the one that changed it was told')
      deepEqual(await verify(other, NEW), [false, null], 'what the other was told')
      equal((await old.look()).subject, null, 'subject behind the token from before')
    },
  ),
  must('credential/store-down', 'a session that has to end and cannot is a 503, and ends later', async (app) => {
    const browser = await signedIn(app, newSubject())
    app.store.fail('replace', { times: Number.POSITIVE_INFINITY })
    const answer = await browser.visit(async (session) => void (await session.verifyCredential(NEW)))
    equal(answer.status, 503, 'status')
    app.store.reset()
    deepEqual(await verify(browser, NEW), [false, null], 'what was told later')
  }),
  must('credential/secret', 'neither store nor events see the credential', async (app) => {
    const browser = await signedIn(app, newSubject())
    await verify(browser, [NEW, OLD])
    await browser.visit((session) => session.reauthenticate({ method: 'pwd', credential: OLD }))
    await verify(browser, NEW)
    const seen = JSON.stringify([app.store.log, app.events])
    ok(!seen.includes(OLD) && !seen.includes(NEW), 'no credential in calls and events')
  }),
]
