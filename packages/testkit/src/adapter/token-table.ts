import type { Session } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must } from './app.ts'
import type { Browser } from './browser.ts'
import { Barrier } from './overlap.ts'

const OVERLAP = 60_000
type Kind = 'soft' | 'hard'

/** A session whose token was rotated once: the browser has the successor, `older` the retired token. */
async function rotated(app: App, kind: Kind): Promise<{ browser: Browser; older: Browser; handle: string | null }> {
  const browser = await app.signedIn()
  const older = browser.copy()
  app.clock.advance('16m')
  await browser.visit((session) => (kind === 'hard' ? session.rotate({ hard: true }) : session.subject))
  ok(browser.token !== older.token, 'another token after the rotation')
  return { browser, older, handle: (await older.look({ cookie: null })).handle }
}

/** The same after a further, confirmed rotation of this kind: `oldest` is two generations behind. */
async function rotatedTwice(app: App, kind: Kind): Promise<{ browser: Browser; oldest: Browser }> {
  const { browser, older } = await rotated(app, kind)
  await browser.look()
  app.clock.advance('16m')
  await browser.visit((session) => (kind === 'hard' ? session.rotate({ hard: true }) : session.subject))
  return { browser, oldest: older }
}

async function accepted(browser: Browser, generation: number, cookies: number): Promise<void> {
  const seen = await browser.look({ lose: true })
  deepEqual([seen.subject, seen.refused, seen.generation], ['ada', null, generation], 'subject, refusal, generation')
  equal(seen.cookies.length, cookies, 'Set-Cookie lines')
}

/** Refused quietly: a stand-in without effects, and the session lives on. */
async function refused(browser: Browser, refusal: string, live: Browser): Promise<void> {
  const seen = await browser.look()
  deepEqual([seen.state, seen.refused], ['anonymous', refusal], 'state and refusal')
  deepEqual(seen.cookies, [], 'Set-Cookie lines')
  equal((await live.look({ lose: true })).subject, 'ada', 'subject of the live session')
}

/** Taken for theft: the session ends for everybody. */
async function ends(app: App, browser: Browser, live: Browser): Promise<void> {
  const seen = await browser.look()
  deepEqual([seen.state, seen.previous, seen.cookies], ['anonymous', 'reuse', []], 'state, reason and Set-Cookie lines')
  deepEqual(
    app.heard('ended').map(({ reason }) => reason),
    ['reuse'],
    'endings told',
  )
  equal((await live.look()).subject, null, 'subject behind the newest token')
}

/** Puts an older version of the record back, as a failover to a replica that lags behind does. */
async function rollBack(app: App, handle: string | null, change: () => Promise<void>): Promise<void> {
  const before = await app.record(handle)
  await change()
  const current = await app.record(handle)
  ok(before !== null && current !== null, 'a record')
  const { ok: replaced } = await app.records.replace(before, current.revision)
  ok(replaced, 'the record is rolled back')
}

const kinds: readonly Kind[] = ['soft', 'hard']

function row(name: string, title: string, kind: Kind, run: (app: App) => Promise<void>): AdapterCase {
  return must(`token/${name}-${kind}`, `after a ${kind} rotation: ${title}`, run)
}

const everyKind = kinds.flatMap((kind) => [
  row('t1', 'the current token is accepted, and its first use confirms it', kind, async (app) => {
    const { browser } = await rotated(app, kind)
    await accepted(browser, 1, 0)
    const { handle } = await browser.look()
    equal((await app.record(handle))?.confirmedAt, app.clock.now(), 'confirmedAt')
  }),
  row('t5', 'a retired token presented after the overlap ends the session', kind, async (app) => {
    const { browser, older } = await rotated(app, kind)
    await browser.look()
    app.clock.advance(OVERLAP)
    await ends(app, older, browser)
  }),
  row('t5-unwritten', 'a reuse that cannot be written is refused as superseded', kind, async (app) => {
    const { browser, older } = await rotated(app, kind)
    await browser.look()
    app.clock.advance(OVERLAP)
    app.store.fail('replace', { times: Number.POSITIVE_INFINITY })
    const { refused: refusal, cookies } = await older.look()
    deepEqual([refusal, cookies], ['superseded', []], 'refusal and Set-Cookie lines')
    app.store.reset()
    equal((await browser.look()).subject, 'ada', 'subject of the live session')
  }),
])

const rolledForward = kinds.map((kind) =>
  row('t8', 'a token ahead of the record rolls it forward: accepted, older ones refused', kind, async (app) => {
    const browser = await app.signedIn()
    const older = browser.copy()
    const { handle } = await browser.look()
    app.clock.advance('16m')
    await rollBack(app, handle, async () => {
      await browser.visit((session) => (kind === 'hard' ? session.rotate({ hard: true }) : session.subject))
    })
    await accepted(browser, 1, 0)
    deepEqual(
      app.heard('store-rollback').map(({ generation }) => generation),
      [1],
      'roll backs told',
    )
    const record = await app.record(handle)
    deepEqual([record?.generation, record?.rotation, record?.hardRotations], [1, 'hard', 1], 'the record')
    await refused(older, 'superseded', browser)
  }),
)

/** What another request did to the session between load and commit, and what becomes of a write. */
const conflicts: Readonly<Record<string, { change: (session: Session) => void; status: number }>> = {
  'hard-rotation': { change: (session) => session.rotate({ hard: true }), status: 409 },
  reauthentication: { change: (session) => session.reauthenticate({ method: 'password' }), status: 409 },
  lock: { change: (session) => session.lock(), status: 409 },
  'sign-out': { change: (session) => session.signOut(), status: 409 },
  'sign-in': { change: (session) => session.signIn('ada'), status: 409 },
  'soft-rotation': { change: (session) => session.rotate(), status: 200 },
  write: {
    change: (session) => {
      session.data.other = 1
    },
    status: 200,
  },
}

function conflict(name: string): AdapterCase {
  const { change, status } = conflicts[name] ?? { change: () => undefined, status: 0 }
  return must(`token/conflict/${name}`, `${name} between load and commit: a write answers ${status}`, async (app) => {
    const browser = await app.signedIn()
    app.clock.advance('2m')
    await browser.look()
    const [writing, reading] = [new Barrier(), new Barrier()]
    const write = browser.start(async (session) => {
      session.data.late = true
      await writing.wait()
    })
    const read = browser.start(async (session) => {
      ok(session.subject === 'ada', 'signed in at load')
      await reading.wait()
    })
    await Promise.all([writing.reached, reading.reached])
    equal((await browser.visit(change)).status, 200, `status of the ${name}`)
    writing.open()
    reading.open()
    const answers = await Promise.all([write.answer, read.answer])
    deepEqual(
      answers.map((answer) => answer.status),
      [status, 200],
      'statuses of the write and of a read',
    )
    deepEqual(
      answers.flatMap((answer) => answer.cookies),
      [],
      'their Set-Cookie lines',
    )
  })
}

export const tokenTableCases: readonly AdapterCase[] = [
  ...everyKind,
  ...rolledForward,
  row('t2', 'the previous token is accepted while the new one is unseen, and gets it again', 'soft', async (app) => {
    const { older } = await rotated(app, 'soft')
    app.clock.advance('20m')
    await accepted(older, 1, 1)
  }),
  row('t3', 'the previous token is refused at once', 'hard', async (app) => {
    const { browser, older } = await rotated(app, 'hard')
    await refused(older, 'superseded', browser)
  }),
  row('t4', 'the previous token works until the overlap is over, and gets no cookie', 'soft', async (app) => {
    const { browser, older } = await rotated(app, 'soft')
    await browser.look()
    app.clock.advance(OVERLAP - 1)
    app.store.reset()
    await accepted(older, 1, 0)
    deepEqual(app.store.calls, { get: 1, create: 0, replace: 0, touch: 0 }, 'store calls: no touch')
  }),
  row('t4', 'the previous token is refused during the overlap', 'hard', async (app) => {
    const { browser, older } = await rotated(app, 'hard')
    await browser.look()
    app.clock.advance(OVERLAP - 1)
    await refused(older, 'superseded', browser)
  }),
  row('t6', 'a token two generations old ends the session at once', 'soft', async (app) => {
    const { browser, oldest } = await rotatedTwice(app, 'soft')
    await ends(app, oldest, browser)
  }),
  row(
    't7',
    'a token two generations old is refused until the overlap is over, then ends the session',
    'hard',
    async (app) => {
      const { browser, oldest } = await rotatedTwice(app, 'hard')
      equal((await oldest.look()).refused, 'superseded', 'refusal while the new token is unseen')
      await browser.look()
      app.clock.advance(OVERLAP - 1)
      await refused(oldest, 'superseded', browser)
      app.clock.advance(1)
      await ends(app, oldest, browser)
    },
  ),
  must('token/ahead', 'a token too far ahead of the record is refused, and the session lives on', async (app) => {
    const browser = await app.signedIn()
    const current = browser.copy()
    const { handle } = await browser.look()
    await rollBack(app, handle, async () => {
      for (let rotation = 0; rotation < 9; rotation += 1)
        await browser.visit((session) => session.rotate({ hard: true }))
    })
    await refused(browser, 'ahead', current)
  }),
  must('token/proof-on-conflict', 'a reauthentication rotates from whatever is current', async (app) => {
    const browser = await app.signedIn()
    const barrier = new Barrier()
    const proof = browser.start(async (session) => {
      session.reauthenticate({ method: 'password' })
      await barrier.wait()
    })
    await barrier.reached
    await browser.visit((session) => session.rotate({ hard: true }))
    barrier.open()
    const answer = await proof.answer
    equal(answer.status, 200, 'status')
    browser.jar.receive(answer)
    const { subject, generation } = await browser.look()
    deepEqual([subject, generation], ['ada', 2], 'subject and generation')
  }),
  ...Object.keys(conflicts).map(conflict),
]
