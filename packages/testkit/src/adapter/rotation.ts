import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, KEY, must } from './app.ts'
import type { Browser } from './browser.ts'
import type { Answer } from './client.ts'
import { Barrier } from './overlap.ts'

const NEW_KEY = KEY.map((byte) => byte ^ 0x5a)

/** A small repeatable random sequence: numbers below `bound`. */
function dice(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

/** An honest client on a bad line: bursts of requests, whose responses are lost, or arrive late and in any order. */
async function walk(app: App, seed: number): Promise<void> {
  const roll = dice(seed)
  const browser = await app.signedIn(`subject-${seed}`)
  const onTheWay: Answer[] = []
  const arrive = (answer: Answer) => roll(4) > 0 && browser.jar.receive(answer)
  for (let step = 0; step < 60; step += 1) {
    const pause = [200, 5_000, 65_000, 300_000, 900_000][roll(5)] ?? 0
    // A response takes less than the overlap, or is lost.
    if (pause > 5_000) for (const answer of onTheWay.splice(0)) arrive(answer)
    app.clock.advance(pause)
    const burst = Array.from({ length: 1 + roll(3) }, () => visitUnseen(browser, step))
    for (const answer of await Promise.all(burst)) onTheWay.splice(roll(onTheWay.length + 1), 0, answer)
    for (const answer of onTheWay.splice(0, roll(onTheWay.length + 1))) arrive(answer)
    if (onTheWay.length > 4) for (const answer of onTheWay.splice(0)) arrive(answer)
  }
}

function visitUnseen(browser: Browser, step: number): Promise<Answer> {
  return browser.visit(
    (session) => {
      ok(session.subject !== null, `signed in at step ${step}`)
      if (step % 4 === 0) session.data.step = step
    },
    { lose: true },
  )
}

export const rotationCases: readonly AdapterCase[] = [
  must('rotation/periodic', 'the token changes when it is due, the session stays', async (app) => {
    const browser = await app.signedIn()
    const before = await browser.look()
    const { token } = browser
    app.clock.advance(15 * 60_000 - 1)
    deepEqual((await browser.look()).cookies, [], 'Set-Cookie lines 1 ms before it is due')
    app.clock.advance(1)
    await browser.look()
    ok(browser.token !== token, 'another token')
    equal(browser.token?.split('.')[0], token?.split('.')[0], 'secret id')
    const after = await browser.look()
    deepEqual([after.handle, after.generation, after.absoluteAt], [before.handle, 1, before.absoluteAt], 'the session')
  }),
  must('rotation/one-write', 'a rotation and a change of data that come together are one write', async (app) => {
    const browser = await app.signedIn()
    app.clock.advance('15m')
    app.store.reset()
    await browser.visit((session) => {
      session.data.cart = []
    })
    deepEqual(app.store.calls, { get: 1, create: 0, replace: 1, touch: 0 }, 'store calls')
    equal((await browser.look()).generation, 1, 'generation')
  }),
  must('rotation/parallel', 'ten parallel requests that rotate hand out one successor', async (app) => {
    const browser = await app.signedIn()
    app.clock.advance('15m')
    const barrier = new Barrier()
    let inside = 0
    const visits = Array.from({ length: 10 }, () =>
      browser.visit(
        async (session) => {
          ok(session.subject === 'ada', 'signed in')
          inside += 1
          if (inside === 10) barrier.open()
          await barrier.wait()
        },
        { lose: true },
      ),
    )
    const answers = await Promise.all(visits)
    deepEqual(
      answers.map(({ status }) => status),
      Array.from({ length: 10 }, () => 200),
      'statuses',
    )
    const tokens = new Set(answers.map((answer) => browser.tokenIn(answer)).filter((token) => token !== undefined))
    equal(tokens.size, 1, 'different successors')
    browser.token = [...tokens][0]
    const { subject, generation } = await browser.look()
    deepEqual([subject, generation], ['ada', 1], 'subject and generation with the successor')
  }),
  must('rotation/lost-response', 'a client that loses every rotated cookie is never signed out', async (app) => {
    const browser = await app.signedIn()
    for (let round = 0; round < 12; round += 1) {
      app.clock.advance('10m')
      equal((await browser.look({ lose: true })).subject, 'ada', `subject in round ${round}`)
    }
    equal((await browser.look()).subject, 'ada', 'subject')
    const { subject, generation } = await browser.look()
    deepEqual([subject, generation], ['ada', 1], 'subject and generation once a response arrives')
  }),
  must('rotation/late-response', 'a rotated cookie that arrives late, after others, signs nobody out', async (app) => {
    const browser = await app.signedIn()
    app.clock.advance('15m')
    const late = await browser.idle({ lose: true })
    app.clock.advance('10s')
    await browser.look()
    browser.jar.receive(late)
    app.clock.advance('5m')
    const { subject, generation } = await browser.look()
    deepEqual([subject, generation], ['ada', 1], 'subject and generation')
  }),
  must(
    'rotation/honest-client',
    'lost, late and reordered responses never sign an honest client out',
    async (app) => {
      for (let seed = 1; seed <= 8; seed += 1) await walk(app, seed)
      ok(app.heard('rotated').length > 50, 'many rotations')
      deepEqual(app.heard('ended'), [], 'sessions ended')
    },
    { options: { idle: false, absolute: '30d' } },
  ),
  must(
    'rotation/soft-cookie-has-a-time',
    'a rotated cookie leaves only for half the overlap; the next request gets it',
    async (app) => {
      const browser = await app.signedIn()
      app.clock.advance('15m')
      app.store.after('replace', () => app.clock.advance('30s'))
      deepEqual((await browser.look()).cookies, [], 'Set-Cookie lines when the store took half the overlap')
      const { cookies, subject } = await browser.look()
      deepEqual([cookies.length, subject], [1, 'ada'], 'Set-Cookie lines of the next response, and subject')
      equal((await browser.look()).generation, 1, 'generation')
    },
  ),
  must('rotation/long-handler', 'a handler that runs across a rotation and its overlap still commits', async (app) => {
    const browser = await app.signedIn()
    const barrier = new Barrier()
    const slow = browser.start(async (session) => {
      session.data.report = 'done'
      await barrier.wait()
    })
    await barrier.reached
    app.clock.advance('16m')
    await browser.look()
    await browser.look()
    app.clock.advance('5m')
    await browser.look()
    barrier.open()
    const answer = await slow.answer
    equal(answer.status, 200, 'status of the long request')
    const { subject, data, generation } = await browser.look()
    deepEqual([subject, data, generation], ['ada', { report: 'done' }, 1], 'the session afterwards')
  }),
  must('rotation/not-for-visitors', 'an anonymous session does not rotate by time', async (app) => {
    const browser = app.browser()
    await browser.visit((session) => {
      session.data.cart = []
    })
    app.clock.advance('20m')
    const { cookies, generation } = await browser.look()
    deepEqual([cookies, generation], [[], 0], 'Set-Cookie lines and generation')
  }),
  must('rotation/on-request', 'rotate() rotates now, but never while older requests may be in flight', async (app) => {
    const browser = await app.signedIn()
    await browser.visit((session) => session.rotate())
    equal((await browser.look()).generation, 0, 'generation right after the sign-in')
    app.clock.advance('60s')
    await browser.visit((session) => session.rotate())
    equal((await browser.look()).generation, 1, 'generation once the overlap is over')
  }),
  must('rotation/new-key', 'a new key is rolled out over two servers, and nobody is signed out', async (app) => {
    const rings = [
      [[KEY], [KEY]],
      [[KEY, NEW_KEY], [KEY]],
      [
        [KEY, NEW_KEY],
        [KEY, NEW_KEY],
      ],
      [
        [NEW_KEY, KEY],
        [KEY, NEW_KEY],
      ],
      [
        [NEW_KEY, KEY],
        [NEW_KEY, KEY],
      ],
    ] as const
    const ada = await app.signedIn('ada')
    const visitor = app.browser()
    await visitor.visit((session) => {
      session.data.cart = ['apple']
    })
    for (const [stage, ring] of rings.entries()) {
      const urls = await Promise.all(ring.map((keys) => app.start({}, app.instance({ keys: [...keys] }))))
      for (let request = 0; request < 8; request += 1) {
        app.clock.advance('20s')
        const url = urls[request % 2] ?? ''
        equal((await at(ada, app, url).look()).subject, 'ada', `subject at stage ${stage}, request ${request}`)
        deepEqual(
          (await at(visitor, app, url).look()).data,
          { cart: ['apple'] },
          `the visitor's data at stage ${stage}`,
        )
      }
    }
    const only = await app.start({}, app.instance({ keys: [NEW_KEY] }))
    equal((await at(ada, app, only).look()).subject, 'ada', 'subject once the old key is gone')
    deepEqual((await at(visitor, app, only).look()).data, { cart: ['apple'] }, "the visitor's data then")
  }),
]

/** The same browser, same jar, at another server. */
function at(browser: Browser, app: App, url: string): Browser {
  return app.browser({ url, jar: browser.jar })
}
