import { Agent } from 'node:http'
import { deepEqual, equal, ok, rejects } from '../case.ts'
import { type AdapterCase, must, reply } from './app.ts'
import { parseSetCookie } from './cookie-jar.ts'
import { Barrier } from './overlap.ts'

const LINE = `${'0123456789abcdef'.repeat(64)}\n`

async function* lines(count: number): AsyncGenerator<string> {
  for (let line = 0; line < count; line += 1) yield LINE
}

export const livingCases: readonly AdapterCase[] = [
  must('living/of', 'sessions.of() finds the session of the request, and throws where none is mounted', async (app) => {
    const browser = await app.signedIn()
    let same = false
    let code: unknown
    await browser.visit(async (session, { raw }) => {
      same = app.sessions.of(raw) === session && app.sessions.has(raw)
      await rejects(
        Promise.resolve().then(() => app.instance().of(raw)),
        'of() of an instance that is not mounted',
      ).then((error) => {
        code = (error as { code?: unknown }).code
      })
    })
    ok(same, 'the session of the handler')
    equal(code, 'ERR_SESS_NOT_MOUNTED', 'code')
  }),
  must('living/streaming', 'a stream of 4 MB arrives whole, with the cookie in its head', async (app) => {
    const browser = app.browser()
    const answer = await browser.visit((session) => {
      session.signIn('ada')
      return reply({ headers: [['Content-Type', 'text/plain']], body: lines(4096) })
    })
    ok(answer.complete, 'a complete response')
    equal(answer.body.length, 4096 * LINE.length, 'length of the body')
    equal((await browser.look()).subject, 'ada', 'subject')
  }),
  must('living/chunks-at-once', 'chunks leave as they are made, they are not collected', async (app) => {
    const browser = await app.signedIn()
    const barrier = new Barrier()
    const exchange = browser.start((session) => {
      session.data.visits = 1
      async function* body(): AsyncGenerator<string> {
        yield 'first\n'
        await barrier.wait()
        yield 'second\n'
      }
      return reply({ body: body() })
    })
    await exchange.received('first\n')
    barrier.open()
    equal((await exchange.answer).body, 'first\nsecond\n', 'body')
  }),
  must(
    'living/server-sent-events',
    'a stream of events is open while other requests change the session',
    async (app) => {
      const browser = await app.signedIn()
      const next = [new Barrier(), new Barrier()]
      const stream = browser.start((session) => {
        async function* events(): AsyncGenerator<string> {
          yield `data: ${session.subject}\n\n`
          for (const [at, barrier] of next.entries()) {
            await barrier.wait()
            yield `data: event ${at}\n\n`
          }
        }
        return reply({ headers: [['Content-Type', 'text/event-stream']], body: events() })
      })
      for (const [at, barrier] of next.entries()) {
        await stream.received(at === 0 ? 'data: ada\n\n' : `data: event ${at - 1}\n\n`)
        const answer = await browser.visit((session) => session.update('count', (count) => Number(count ?? 0) + 1))
        equal(answer.status, 200, 'status of another request')
        barrier.open()
      }
      const answer = await stream.answer
      ok(answer.complete, 'a complete stream')
      ok(answer.get('content-type')?.startsWith('text/event-stream'), 'the Content-Type of events')
      equal((await browser.look()).data.count, 2, 'count')
    },
  ),
  must('living/keep-alive', 'requests on one connection do not mix their sessions up', async (app) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const [ada, visitor, grace] = [app.browser(), app.browser(), app.browser()]
      await ada.visit((session) => session.signIn('ada'), { agent })
      await grace.visit((session) => session.signIn('grace'), { agent })
      for (let round = 0; round < 3; round += 1) {
        const seen = [await ada.look({ agent }), await visitor.look({ agent }), await grace.look({ agent })]
        deepEqual(
          seen.map(({ subject }) => subject),
          ['ada', null, 'grace'],
          `subjects in round ${round}`,
        )
        deepEqual(
          seen.flatMap(({ cookies }) => cookies),
          [],
          'Set-Cookie lines',
        )
      }
      equal(Object.values(agent.freeSockets).flat().length, 1, 'connections kept')
    } finally {
      agent.destroy()
    }
  }),
  must('living/keep-alive-after-failure', 'a connection goes on after a 409 and a 503', async (app) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const browser = await app.signedIn()
      const older = browser.copy()
      await browser.visit((session) => session.rotate({ hard: true }), { agent })
      const write = (browser_: typeof browser) =>
        browser_.visit(
          (session) => {
            session.data.cart = []
          },
          { agent },
        )
      equal((await write(older)).status, 409, 'status of a stand-in')
      app.store.fail('get')
      equal((await write(browser)).status, 503, 'status while the store fails')
      equal((await write(browser)).status, 200, 'status afterwards')
    } finally {
      agent.destroy()
    }
  }),
  must(
    'living/sub-path',
    'mounted below a path: sign-in, reading, late and failing commits work there',
    async (app) => {
      const browser = app.browser()
      const under = '/app/nested'
      const signIn = await browser.visit((session) => session.signIn('ada'), { under })
      equal(signIn.status, 200, 'status of the sign-in')
      equal(parseSetCookie(signIn.cookies[0] ?? '').attributes.get('path'), '/', 'Path of the cookie')
      equal((await browser.look({ under })).subject, 'ada', 'subject')
      app.store.fail('replace', { times: Number.POSITIVE_INFINITY })
      const answer = await browser.visit((session) => session.rotate({ hard: true }), { under })
      deepEqual([answer.status, answer.cookies], [503, []], 'status and Set-Cookie lines while the store fails')
    },
    { serve: { path: '/app/nested' } },
  ),
  must('living/two-instances', 'two instances in one app keep their sessions and cookies apart', async (app) => {
    const second = app.instance({ cookie: { name: 'admin' } })
    const browser = app.browser({ url: await app.start({ second }) })
    const both = await browser.visit((session, { raw }) => {
      session.signIn('ada')
      second.of(raw).signIn('root')
    })
    deepEqual(both.cookies.map((line) => parseSetCookie(line).name).sort(), ['admin', 'sid'], 'cookies set')
    const subjects: unknown[] = []
    const only = await browser.visit((session, { raw }) => {
      subjects.push(session.subject, second.of(raw).subject)
      second.of(raw).signOut()
    })
    deepEqual(
      only.cookies.map((line) => parseSetCookie(line).name),
      ['admin'],
      'cookies cleared',
    )
    await browser.visit((session, { raw }) => subjects.push(session.subject, second.of(raw).subject))
    deepEqual(subjects, ['ada', 'root', 'ada', null], 'subjects')
  }),
  must(
    'living/two-instances-failure',
    'when the commit of one of two instances fails, the answer is its error',
    async (app) => {
      const second = app.instance({ cookie: { name: 'admin' } })
      const browser = app.browser({ url: await app.start({ second }) })
      await browser.visit((session, { raw }) => {
        session.signIn('ada')
        second.of(raw).signIn('root')
      })
      for (const failing of ['first', 'second']) {
        app.store.fail('replace', { times: Number.POSITIVE_INFINITY })
        const answer = await browser.visit((session, { raw }) => {
          const target = failing === 'first' ? session : second.of(raw)
          target.data.cart = []
        })
        equal(answer.status, 503, `status when the ${failing} fails`)
        app.store.reset()
      }
    },
  ),
  must('living/many-apps', 'two servers of one process do not share anything but their store', async (app) => {
    const other = app.instance({ keys: [crypto.getRandomValues(new Uint8Array(32))] })
    const browser = await app.signedIn()
    const stranger = app.browser({ url: await app.start({}, other), jar: browser.jar })
    deepEqual((await stranger.look()).state, 'anonymous', 'state at a server with other keys')
  }),
]
