import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must } from './app.ts'
import type { Browser } from './browser.ts'
import type { Answer } from './client.ts'
import { Barrier, inLanes, turns } from './overlap.ts'

/** Two requests that hold the session at the same time, each setting a key of its own. */
async function writePair(left: Browser, right: Browser, round: number): Promise<number[]> {
  let inside = 0
  const both = new Barrier()
  const write = (browser: Browser, key: string) =>
    browser.visit(async (session) => {
      session.data[key] = round
      inside += 1
      if (inside === 2) both.open()
      await both.wait()
    })
  const answers = await Promise.all([write(left, `left-${round}`), write(right, `right-${round}`)])
  return answers.map(({ status }) => status)
}

function increment(browser: Browser): Promise<Answer> {
  return browser.visit((session) => session.update('count', (count) => Number(count ?? 0) + 1))
}

/** A client of a second server that shares the store. */
async function elsewhere(app: App, browser: Browser): Promise<Browser> {
  const other = app.browser({ url: await app.start({}, app.instance()) })
  other.token = browser.token
  return other
}

/** Data writes of a request that was refused: 409, no cookie, nothing created. */
async function refusesWrite(app: App, browser: Browser, refused: string): Promise<void> {
  const before = app.store.calls.create
  const told: unknown[] = []
  const answer = await browser.visit((session) => {
    told.push(session.refused, session.state)
    session.data.cart = ['apple']
  })
  deepEqual(told, [refused, 'anonymous'], 'what the request saw')
  equal(answer.status, 409, `status of a write by a stand-in (${refused})`)
  deepEqual(answer.cookies, [], `Set-Cookie lines of a stand-in (${refused})`)
  equal(app.store.calls.create, before, `records created by a stand-in (${refused})`)
}

export const concurrencyCases: readonly AdapterCase[] = [
  must(
    'concurrency/disjoint-keys',
    '200 pairs of overlapping requests that set different keys: none is lost',
    async (app) => {
      const lost: number[] = []
      await inLanes(20, 4, async (lane) => {
        const browser = await app.signedIn(`subject-${lane}`)
        for (let round = 0; round < 10; round += 1)
          deepEqual(await writePair(browser, browser, round), [200, 200], 'statuses')
        const { data } = await browser.look()
        for (let round = 0; round < 10; round += 1) {
          if (data[`left-${round}`] !== round || data[`right-${round}`] !== round) lost.push(lane * 10 + round)
        }
      })
      deepEqual(lost, [], 'pairs that lost a write')
    },
  ),
  must('concurrency/disjoint-keys-two-servers', 'overlapping requests to two servers keep both keys', async (app) => {
    const here = await app.signedIn()
    const there = await elsewhere(app, here)
    for (let round = 0; round < 20; round += 1) deepEqual(await writePair(here, there, round), [200, 200], 'statuses')
    equal(Object.keys((await here.look()).data).length, 40, 'keys kept')
  }),
  must('concurrency/increments', '50 parallel increments with update() add up to 50', async (app) => {
    const browser = await app.signedIn()
    const answers = await Promise.all(Array.from({ length: 50 }, () => increment(browser)))
    deepEqual(
      answers.map(({ status }) => status).filter((status) => status !== 200),
      [],
      'other statuses than 200',
    )
    equal((await browser.look()).data.count, 50, 'count')
  }),
  must('concurrency/increments-two-servers', '40 parallel increments on two servers add up to 40', async (app) => {
    const here = await app.signedIn()
    const there = await elsewhere(app, here)
    const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => increment(at % 2 === 0 ? here : there)))
    deepEqual(
      answers.map(({ status }) => status).filter((status) => status !== 200),
      [],
      'other statuses than 200',
    )
    equal((await here.look()).data.count, 40, 'count')
  }),
  must('concurrency/same-key', 'two plain changes of one key: the later wins, and it is told', async (app) => {
    const browser = await app.signedIn()
    const barrier = new Barrier()
    const slow = browser.start(async (session) => {
      session.data.theme = 'slow'
      await barrier.wait()
    })
    await barrier.reached
    await browser.visit((session) => {
      session.data.theme = 'fast'
    })
    barrier.open()
    equal((await slow.answer).status, 200, 'status of the later')
    equal((await browser.look()).data.theme, 'slow', 'value')
    deepEqual(
      app.heard('data-overwritten').map(({ key }) => key),
      ['theme'],
      'overwritten keys told',
    )
  }),
  must(
    'concurrency/same-key-throw',
    'onOverwrite throw: the later of two plain changes is refused with 409',
    async (app) => {
      const browser = await app.signedIn()
      const barrier = new Barrier()
      const slow = browser.start(async (session) => {
        session.data.theme = 'slow'
        await barrier.wait()
      })
      await barrier.reached
      await browser.visit((session) => {
        session.data.theme = 'fast'
      })
      barrier.open()
      equal((await slow.answer).status, 409, 'status of the later')
      equal((await browser.look()).data.theme, 'fast', 'value')
    },
    { options: { onOverwrite: 'throw' } },
  ),
  must(
    'concurrency/sign-in-with-writers',
    'writers of carried data during a sign-in: what was acknowledged is carried',
    async (app) => {
      await inLanes(20, 4, async (round) => {
        const browser = app.browser()
        await browser.visit((session) => {
          session.data.count = 0
        })
        const writer = browser.copy()
        const writes = Array.from({ length: 6 }, async (_, at) => {
          const { answer } = writer.start(async (session) => {
            await turns((round + at) % 7)
            session.update('count', (count) => Number(count) + 1)
          })
          return (await answer).status
        })
        const signIn = browser.visit(async (session) => {
          await turns(round % 6)
          session.signIn(`subject-${round}`)
        })
        const statuses = await Promise.all(writes)
        equal((await signIn).status, 200, 'status of the sign-in')
        ok(
          statuses.every((status) => status === 200 || status === 409),
          `200 or 409 among ${statuses}`,
        )
        const kept = statuses.filter((status) => status === 200).length
        equal((await browser.look()).data.count, kept, 'count in the new session')
      })
    },
    { options: { carry: ['count'] } },
  ),
  must('concurrency/stand-in-superseded', 'a superseded request writes nothing and gets no cookie', async (app) => {
    const browser = await app.signedIn()
    const older = browser.copy()
    await browser.visit((session) => session.rotate({ hard: true }))
    await refusesWrite(app, older, 'superseded')
    equal((await browser.look()).subject, 'ada', 'subject of the live session')
  }),
  must(
    'concurrency/stand-in-replaced',
    'a request replaced by a sign-in writes nothing and gets no cookie',
    async (app) => {
      const browser = app.browser()
      await browser.visit((session) => {
        session.data.cart = []
      })
      const older = browser.copy()
      await browser.visit((session) => session.signIn('ada'))
      await refusesWrite(app, older, 'replaced')
      app.clock.advance('60s')
      const { status } = await older.visit((session) => {
        session.data.cart = ['mine']
      })
      equal(status, 200, 'status of a write once the overlap is over')
      equal((await older.look()).subject, null, 'subject')
    },
  ),
  must(
    'concurrency/stand-in-store',
    'a stand-in of a failed read writes nothing and gets no cookie',
    async (app) => {
      const browser = await app.signedIn()
      app.store.fail('get')
      await refusesWrite(app, browser, 'store')
      equal((await browser.look()).subject, 'ada', 'subject once the store answers')
    },
    { options: { onStoreError: 'anonymous' } },
  ),
  must('concurrency/lock', 'a writer that was in flight during a lock gets 409, reading goes on', async (app) => {
    const browser = await app.signedIn()
    const barrier = new Barrier()
    const slow = browser.start(async (session) => {
      session.data.cart = ['late']
      await barrier.wait()
    })
    await barrier.reached
    await browser.visit((session) => session.lock())
    barrier.open()
    equal((await slow.answer).status, 409, 'status of the slow writer')
    const { state, subject, data } = await browser.look()
    deepEqual([state, subject, data], ['locked', null, {}], 'what a locked session shows')
    await browser.visit((session) => session.reauthenticate({ method: 'password' }))
    const { subject: reopened, data: kept } = await browser.look()
    deepEqual([reopened, kept], ['ada', {}], 'subject and data once reopened')
  }),
]
