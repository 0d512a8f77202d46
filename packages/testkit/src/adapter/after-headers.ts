import type { Session } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must, reply } from './app.ts'
import type { Browser } from './browser.ts'
import type { Answer } from './client.ts'
import { Barrier, turns } from './overlap.ts'

/** Streams a page that changes the session once its first chunk has reached the client. */
async function changeLate(browser: Browser, change: (session: Session) => unknown): Promise<Answer> {
  const barrier = new Barrier()
  const exchange = browser.start((session) => {
    void session.subject
    async function* body(): AsyncGenerator<string> {
      yield 'head\n'
      await barrier.wait()
      await change(session)
      yield 'tail\n'
    }
    return reply({ body: body() })
  })
  await exchange.received('head\n')
  barrier.open()
  const answer = await exchange.answer
  equal(answer.status, 200, 'status')
  deepEqual(answer.cookies, [], 'Set-Cookie lines')
  return answer
}

/** Where changes are not saved at the response's end, the handler commits. */
function saving(app: App, change: (session: Session) => unknown): (session: Session) => Promise<void> {
  return async (session) => {
    change(session)
    if (app.subject.late === 'commit') await session.commit()
  }
}

async function codeOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
    return 'no error'
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

/** The record once the response's end has been dealt with. */
async function settled(
  app: App,
  handle: string | null,
  when: (data: string, state: string) => boolean,
): Promise<boolean> {
  for (let turn = 0; turn < 50; turn += 1) {
    const record = await app.record(handle)
    if (record !== null && when(record.data, record.state)) return true
    await turns(1)
  }
  return false
}

export const afterHeadersCases: readonly AdapterCase[] = [
  must('late/data', 'data changed after the headers left is saved', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    const answer = await changeLate(
      browser,
      saving(app, (session) => {
        session.data.progress = 'all of it'
      }),
    )
    equal(answer.body, 'head\ntail\n', 'body')
    ok(await settled(app, handle, (data) => data.includes('all of it')), 'the data is saved')
  }),
  must('late/explicit-commit', 'commit() after the headers left saves data', async (app) => {
    const browser = await app.signedIn()
    await changeLate(browser, async (session) => {
      session.data.progress = 'all of it'
      await session.commit()
    })
    deepEqual((await browser.look()).data, { progress: 'all of it' }, 'data')
  }),
  must('late/sign-out', 'a sign-out after the headers left is carried out', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    await changeLate(
      browser,
      saving(app, (session) => session.signOut()),
    )
    ok(await settled(app, handle, (_, state) => state === 'ended'), 'the record is ended')
    equal((await browser.look()).subject, null, 'subject')
  }),
  must('late/lock', 'a lock after the headers left is carried out', async (app) => {
    const browser = await app.signedIn()
    const { handle } = await browser.look()
    await changeLate(
      browser,
      saving(app, (session) => session.lock()),
    )
    ok(await settled(app, handle, (_, state) => state === 'locked'), 'the record is locked')
  }),
  must('late/sign-in', 'a sign-in after the headers left throws a typed error', async (app) => {
    const browser = app.browser()
    let code: unknown
    await changeLate(browser, async (session) => {
      code = await codeOf(() => session.signIn('ada'))
    })
    equal(code, 'ERR_SESS_HEADERS_SENT', 'code')
    equal(app.store.calls.create, 0, 'records created')
  }),
  must('late/hard-rotation', 'a hard rotation after the headers left throws a typed error', async (app) => {
    const browser = await app.signedIn()
    const codes: unknown[] = []
    await changeLate(browser, async (session) => {
      codes.push(await codeOf(() => session.rotate({ hard: true })))
      codes.push(await codeOf(() => session.reauthenticate({ method: 'password' })))
    })
    deepEqual(codes, ['ERR_SESS_HEADERS_SENT', 'ERR_SESS_HEADERS_SENT'], 'codes')
    equal((await browser.look()).generation, 0, 'generation')
  }),
  must(
    'late/first-write',
    "a visitor's first write after the headers left is a typed error at commit()",
    async (app) => {
      const browser = app.browser()
      let code: unknown
      await changeLate(browser, async (session) => {
        session.data.cart = []
        code = await codeOf(() => session.commit())
      })
      equal(code, 'ERR_SESS_HEADERS_SENT', 'code')
      equal(app.store.calls.create, 0, 'records created')
    },
  ),
  must(
    'late/first-write-unsaved',
    'a first write that comes too late and is not committed harms nobody',
    async (app) => {
      const browser = app.browser()
      const barrier = new Barrier()
      const exchange = browser.start((session) => {
        async function* body(): AsyncGenerator<string> {
          yield 'head\n'
          await barrier.wait()
          session.data.cart = []
          yield 'tail\n'
        }
        return reply({ body: body() })
      })
      await exchange.received('head\n')
      barrier.open()
      deepEqual((await exchange.answer).cookies, [], 'Set-Cookie lines')
      equal(app.store.calls.create, 0, 'records created')
      equal((await app.signedIn('grace')).token === undefined, false, 'whether nobody can sign in any more')
    },
  ),
  must(
    'late/aborted',
    'data changed after the headers left is saved even if the client leaves before the end',
    async (app) => {
      const browser = await app.signedIn()
      const { handle } = await browser.look()
      const [change, never] = [new Barrier(), new Barrier()]
      const exchange = browser.start((session) => {
        async function* body(): AsyncGenerator<string> {
          yield 'head\n'
          await change.wait()
          session.data.progress = 'half of it'
          if (app.subject.late === 'commit') await session.commit()
          yield 'middle\n'
          await never.wait()
        }
        return reply({ body: body() })
      })
      await exchange.received('head\n')
      change.open()
      await exchange.received('middle\n')
      await exchange.abort()
      ok(await settled(app, handle, (data) => data.includes('half of it')), 'the data is saved')
      never.open()
    },
  ),
  must(
    'late/stream-lost',
    'a client that leaves in the middle of a stream loses nothing that was saved',
    async (app) => {
      const browser = await app.signedIn()
      const barrier = new Barrier()
      const exchange = browser.start((session) => {
        session.data.started = true
        async function* body(): AsyncGenerator<string> {
          yield 'head\n'
          await barrier.wait()
          yield 'tail\n'
        }
        return reply({ body: body() })
      })
      await exchange.received('head\n')
      await exchange.abort()
      barrier.open()
      deepEqual((await browser.look()).data, { started: true }, 'data')
    },
  ),
]
