import type { Session } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must, reply } from './app.ts'
import { Barrier } from './overlap.ts'
import type { Reply } from './subject.ts'

async function* chunks(): AsyncGenerator<string> {
  yield 'first chunk\n'
  yield 'second chunk\n'
}

const json = [['Content-Type', 'application/json']] as const

/** Kinds of responses, each with the method that asks for it. */
const kinds: Readonly<Record<string, { method: string; make: () => Reply }>> = {
  text: { method: 'GET', make: () => reply({ body: 'page' }) },
  json: { method: 'POST', make: () => reply({ status: 201, headers: json, body: '{"saved":true}' }) },
  redirect: { method: 'POST', make: () => reply({ status: 303, headers: [['Location', '/next']] }) },
  stream: { method: 'GET', make: () => reply({ body: chunks() }) },
  head: { method: 'HEAD', make: () => reply({ body: 'page' }) },
  'no-content': { method: 'DELETE', make: () => reply({ status: 204 }) },
  'not-modified': { method: 'GET', make: () => reply({ status: 304, headers: [['ETag', '"1"']] }) },
  'not-found': { method: 'GET', make: () => reply({ status: 404, body: 'nothing here' }) },
  'thrown-422': {
    method: 'POST',
    make: () => {
      throw Object.assign(new Error('does not fit'), { status: 422, statusCode: 422 })
    },
  },
}

/** No byte of the response leaves before the store has acknowledged, and the response is whole afterwards. */
async function firstByte(app: App, kind: string, change: (session: Session) => void): Promise<void> {
  const { method, make } = kinds[kind] ?? { method: 'GET', make: () => reply({}) }
  const browser = await app.signedIn()
  const other = app.browser()
  const gate = app.store.hold('replace')
  const exchange = browser.start(
    (session) => {
      change(session)
      return make()
    },
    { method },
  )
  await gate.reached
  await other.look()
  await other.look()
  equal(exchange.bytes, 0, 'bytes sent before the store acknowledged')
  await gate.open()
  const answer = await exchange.answer
  ok(answer.complete, 'a complete response')
  equal(answer.status, kind === 'thrown-422' ? 422 : make().status, 'status')
  if (kind === 'stream') equal(answer.body, 'first chunk\nsecond chunk\n', 'body')
  if (method === 'HEAD') equal(answer.body, '', 'body of HEAD')
  browser.jar.receive(answer)
}

const firstByteCases = Object.keys(kinds).flatMap((kind) => [
  must(`commit/first-byte/${kind}`, `${kind}: no byte leaves before the data is stored`, async (app) => {
    const browser = await app.signedIn('grace')
    await firstByte(app, kind, (session) => {
      session.data.saved = kind
    })
    const saved = app.store.log.findLast((call) => call.operation === 'replace')
    ok(saved?.record?.data.includes(kind), 'the data is in the record')
    equal((await browser.look()).subject, 'grace', 'subject of another session')
  }),
  must(`commit/first-byte/${kind}-with-cookie`, `${kind}: the cookie leaves with the first byte`, async (app) => {
    await firstByte(app, kind, (session) => session.rotate({ hard: true }))
    const { browser, cookies } = await rotatedBy(app, kind)
    equal(cookies, 1, 'Set-Cookie lines')
    equal((await browser.look()).generation, 1, 'generation')
  }),
])

async function rotatedBy(app: App, kind: string) {
  const { method, make } = kinds[kind] ?? { method: 'GET', make: () => reply({}) }
  const browser = await app.signedIn()
  const rotate = (session: Session) => {
    session.rotate({ hard: true })
    return make()
  }
  const answer = await browser.visit(rotate, { method })
  return { browser, cookies: answer.cookies.length }
}

export const commitCases: readonly AdapterCase[] = [
  ...firstByteCases,
  must('commit/sign-in-first-byte', 'a sign-in leaves nothing before its record is stored', async (app) => {
    const browser = app.browser()
    const gate = app.store.hold('create')
    const exchange = browser.start((session) => session.signIn('ada'))
    await gate.reached
    await app.browser().look()
    await app.browser().look()
    equal(exchange.bytes, 0, 'bytes sent before the store acknowledged')
    await gate.open()
    browser.jar.receive(await exchange.answer)
    equal((await browser.look()).subject, 'ada', 'subject')
  }),
  must('commit/one-write', 'whatever a request changes is one read and one write', async (app) => {
    const browser = await app.signedIn()
    app.store.reset()
    await browser.visit((session) => {
      session.data.cart = ['apple']
      session.update('count', () => 1)
      session.rotate({ hard: true })
    })
    deepEqual(app.store.calls, { get: 1, create: 0, replace: 1, touch: 0 }, 'store calls')
    const { data, generation } = await browser.look()
    deepEqual([data, generation], [{ cart: ['apple'], count: 1 }, 1], 'data and generation')
  }),
  must('commit/nothing-changed', 'assigning what is there already writes nothing', async (app) => {
    const browser = await app.signedIn()
    const write = (session: Session) => {
      session.data.cart = ['apple']
    }
    await browser.visit(write)
    app.store.reset()
    await browser.visit(write)
    deepEqual(app.store.calls, { get: 1, create: 0, replace: 0, touch: 0 }, 'store calls')
  }),
  must('commit/deep-change', 'a change deep inside session.data is seen', async (app) => {
    const browser = await app.signedIn()
    await browser.visit((session) => {
      session.data.cart = { items: [{ count: 1 }] }
    })
    await browser.visit((session) => {
      const cart = session.data.cart as { items: { count: number }[] }
      for (const item of cart.items) item.count += 1
    })
    deepEqual((await browser.look()).data, { cart: { items: [{ count: 2 }] } }, 'data')
  }),
  must('commit/explicit', 'commit() in the handler shows the outcome before the page is made', async (app) => {
    const browser = await app.signedIn()
    let rendered = ''
    const answer = await browser.visit(async (session) => {
      session.rotate({ hard: true })
      await session.commit()
      rendered = `generation ${session.generation}`
      return reply({ body: rendered })
    })
    equal(answer.body, 'generation 1', 'page')
    equal(answer.cookies.length, 1, 'Set-Cookie lines')
    equal((await browser.look()).generation, 1, 'generation')
  }),
  must('commit/explicit-twice', 'commit() twice writes once, and later changes are saved as well', async (app) => {
    const browser = await app.signedIn()
    app.store.reset()
    await browser.visit(async (session) => {
      session.data.first = 1
      await session.commit()
      await session.commit()
      equal(app.store.calls.replace, 1, 'writes after two commits')
      session.data.second = 2
    })
    equal(app.store.calls.replace, 2, 'writes')
    deepEqual((await browser.look()).data, { first: 1, second: 2 }, 'data')
  }),
  must('commit/explicit-at-once', 'commits that are not awaited do not overtake each other', async (app) => {
    const browser = await app.signedIn()
    const answer = await browser.visit(async (session) => {
      session.update('count', (count) => Number(count ?? 0) + 1)
      const first = session.commit()
      session.update('count', (count) => Number(count ?? 0) + 1)
      await Promise.all([first, session.commit()])
    })
    equal(answer.status, 200, 'status')
    equal((await browser.look()).data.count, 2, 'count')
  }),
  must(
    'commit/explicit-failed',
    'a failed commit() is caught by the handler, and its error stays the answer',
    async (app) => {
      const browser = await app.signedIn()
      const barrier = new Barrier()
      const codes: unknown[] = []
      const slow = browser.start(async (session) => {
        session.data.cart = []
        await barrier.wait()
        const caught = (error: Error & { code?: string }) => codes.push(error.code)
        await session.commit().catch(caught)
        await session.commit().catch(caught)
        return reply({ status: 418, body: 'told the user' })
      })
      await barrier.reached
      await browser.visit((session) => session.signOut())
      barrier.open()
      const answer = await slow.answer
      deepEqual(codes, ['ERR_SESS_INTERRUPTED', 'ERR_SESS_INTERRUPTED'], 'codes of both commits')
      equal(answer.status, 418, 'status: the handler has dealt with it')
      deepEqual(answer.cookies, [], 'Set-Cookie lines')
    },
  ),
]
