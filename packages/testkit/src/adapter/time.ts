import type { Session } from '@sess/core'
import { deepEqual, equal } from '../case.ts'
import { type AdapterCase, type App, must } from './app.ts'
import type { Browser } from './browser.ts'
import { Barrier } from './overlap.ts'

const IDLE = 30 * 60_000
const ABSOLUTE = 24 * 3_600_000
const edges = [-1, 0, 1] as const

function named(edge: number): string {
  return edge < 0 ? `minus-${-edge}-ms` : edge > 0 ? `plus-${edge}-ms` : 'exactly'
}

async function expect(browser: Browser, alive: boolean, reason: string): Promise<void> {
  const { subject, previous } = await browser.look()
  equal(subject, alive ? 'ada' : null, 'subject')
  equal(previous, alive ? null : reason, 'what became of the previous session')
}

/** What must not move the absolute deadline. */
const uses: Readonly<Record<string, (session: Session) => void>> = {
  touch: (session) => void session.subject,
  write: (session) => session.update('count', (count) => Number(count ?? 0) + 1),
  'hard-rotation': (session) => session.rotate({ hard: true }),
  reauthentication: (session) => session.reauthenticate({ method: 'password' }),
}

/** Uses the session every quarter of an hour until a minute before its absolute deadline. */
async function useUntilTheEnd(app: App, browser: Browser, use: (session: Session) => void): Promise<void> {
  for (let used = 0; used < ABSOLUTE - 15 * 60_000; used += 15 * 60_000) {
    app.clock.advance('15m')
    equal((await browser.visit(use)).status, 200, 'status')
  }
}

export const timeCases: readonly AdapterCase[] = [
  ...edges.map((edge) =>
    must(
      `time/idle/${named(edge)}`,
      `idle timeout ${edge} ms from the sign-in: ${edge < 0 ? 'alive' : 'over'}`,
      async (app) => {
        const browser = await app.signedIn()
        app.clock.advance(IDLE + edge)
        await expect(browser, edge < 0, 'idle')
      },
    ),
  ),
  ...edges.map((edge) =>
    must(
      `time/idle-after-touch/${named(edge)}`,
      `idle timeout ${edge} ms from the last touch: ${edge < 0 ? 'alive' : 'over'}`,
      async (app) => {
        const browser = await app.signedIn()
        app.clock.advance('10m')
        await browser.look()
        app.clock.advance(IDLE + edge)
        await expect(browser, edge < 0, 'idle')
      },
    ),
  ),
  ...edges.map((edge) =>
    must(
      `time/idle-after-write/${named(edge)}`,
      `idle timeout ${edge} ms from the last write: ${edge < 0 ? 'alive' : 'over'}`,
      async (app) => {
        const browser = await app.signedIn()
        app.clock.advance('10s')
        await browser.visit((session) => {
          session.data.cart = []
        })
        app.clock.advance(IDLE + edge)
        await expect(browser, edge < 0, 'idle')
      },
    ),
  ),
  ...edges.map((edge) =>
    must(
      `time/absolute/${named(edge)}`,
      `absolute timeout ${edge} ms: ${edge < 0 ? 'alive' : 'over'}`,
      async (app) => {
        const browser = await app.signedIn()
        app.clock.advance(ABSOLUTE + edge)
        await expect(browser, edge < 0, 'absolute')
      },
      { options: { idle: false } },
    ),
  ),
  ...Object.entries(uses).map(([kind, use]) =>
    must(`time/absolute-is-not-moved/${kind}`, `${kind} does not move the absolute deadline`, async (app) => {
      const browser = await app.signedIn()
      const { absoluteAt } = await browser.look()
      await useUntilTheEnd(app, browser, use)
      equal((await browser.look()).absoluteAt, absoluteAt, 'absolute deadline')
      app.clock.set((absoluteAt ?? 0) - 1)
      await expect(browser, true, 'absolute')
      app.clock.advance(1)
      await expect(browser, false, 'absolute')
    }),
  ),
  must('time/touch-is-throttled', 'reads write at most one touch per interval', async (app) => {
    const browser = await app.signedIn()
    app.store.reset()
    for (let second = 0; second < 180; second += 1) {
      app.clock.advance('1s')
      await browser.idle()
    }
    deepEqual(app.store.calls, { get: 180, create: 0, replace: 0, touch: 3 }, 'store calls of 180 reads in 3 minutes')
  }),
  must(
    'time/passive',
    'passive requests do not count as activity',
    async (app) => {
      const browser = await app.signedIn()
      app.clock.advance('20m')
      await expect(browser, true, 'idle')
      app.clock.advance('10m')
      await expect(browser, false, 'idle')
    },
    { options: { touch: false, rotateEvery: false } },
  ),
  must(
    'time/passive-by-url',
    'touch can be decided from the request',
    async (app) => {
      const browser = await app.signedIn()
      const poll = async () => (await browser.start(() => undefined, { under: '/poll' }).answer).status
      app.clock.advance('20m')
      equal(await poll(), 200, 'status of a poll')
      app.clock.advance('10m')
      await expect(browser, false, 'idle')
    },
    { options: { touch: (facts) => facts.url?.includes('/poll') !== true, rotateEvery: false } },
  ),
  must('time/slow-across-idle', 'a request that outlives the idle deadline still commits', async (app) => {
    const browser = await app.signedIn()
    const barrier = new Barrier()
    const slow = browser.start(async (session) => {
      session.data.report = 'done'
      await barrier.wait()
    })
    await barrier.reached
    app.clock.advance('31m')
    barrier.open()
    equal((await slow.answer).status, 200, 'status of the slow request')
  }),
  must(
    'time/slow-across-absolute',
    'a request that outlives the absolute deadline commits nothing: 409',
    async (app) => {
      const browser = await app.signedIn()
      const { handle } = await browser.look()
      const barrier = new Barrier()
      const slow = browser.start(async (session) => {
        session.data.report = 'done'
        await barrier.wait()
      })
      await barrier.reached
      app.clock.advance('24h')
      barrier.open()
      const answer = await slow.answer
      equal(answer.status, 409, 'status of the slow request')
      deepEqual(answer.cookies, [], 'Set-Cookie lines')
      equal((await app.record(handle))?.data, '', 'data')
    },
  ),
  must(
    'time/idle-lock',
    'onIdle lock: an idle session is locked, and reopened by one proof',
    async (app) => {
      const browser = await app.signedIn()
      await browser.visit((session) => {
        session.data.draft = 'x'
      })
      app.clock.advance('30m')
      const { state, subject, data } = await browser.look()
      deepEqual([state, subject, data], ['locked', null, {}], 'what an idle session shows')
      equal(
        (await browser.visit((session) => void session.update('draft', () => 'y'))).status,
        409,
        'status of a write',
      )
      await browser.visit((session) => session.reauthenticate({ method: 'password' }))
      const open = await browser.look()
      deepEqual([open.subject, open.data], ['ada', { draft: 'x' }], 'what it shows once reopened')
    },
    { options: { onIdle: 'lock' } },
  ),
]
