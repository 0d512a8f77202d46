import type { Session } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, type App, must, reply } from './app.ts'
import type { Browser } from './browser.ts'
import { Barrier } from './overlap.ts'

/** What a page that shows the messages shows. */
async function shown(browser: Browser, key = 'notice'): Promise<unknown[]> {
  let messages: unknown[] = []
  const answer = await browser.visit(async (session) => {
    messages = await session.takeFlash(key)
  })
  equal(answer.status, 200, 'status of the page')
  return messages
}

async function leave(browser: Browser, ...messages: readonly unknown[]): Promise<void> {
  const answer = await browser.visit((session) => {
    for (const message of messages) session.flash('notice', message)
  })
  equal(answer.status, 200, 'status of the request that leaves it')
}

/** Who may have messages: somebody who is signed in, and a visitor. */
const holders: Readonly<Record<string, (app: App) => Promise<Browser>>> = {
  'signed-in': (app) => app.signedIn(),
  visitor: async (app) => app.browser(),
}

export const flashCases: readonly AdapterCase[] = [
  ...Object.entries(holders).map(([who, open]) =>
    must(`flash/once/${who}`, `a message is shown once (${who}), in the order left`, async (app) => {
      const browser = await open(app)
      await leave(browser, 'saved', { level: 'warn', text: 'twice' })
      await leave(browser, 'last')
      deepEqual(await shown(browser), ['saved', { level: 'warn', text: 'twice' }, 'last'], 'first page')
      deepEqual(await shown(browser), [], 'second page')
    }),
  ),
  must('flash/redirects', 'a message survives redirects until a page takes it', async (app) => {
    const browser = await app.signedIn()
    await browser.visit((session) => {
      session.flash('notice', 'saved')
      return reply({ status: 303, headers: [['Location', '/next']] })
    })
    for (let hop = 0; hop < 5; hop += 1) {
      await browser.visit(() => reply({ status: 302, headers: [['Location', '/next']] }))
    }
    app.clock.advance('20m')
    deepEqual(await shown(browser), ['saved'], 'messages')
  }),
  must('flash/keys', 'messages of other keys stay', async (app) => {
    const browser = await app.signedIn()
    await browser.visit((session) => {
      session.flash('notice', 1)
      session.flash('error', 2)
      session.flash('__proto__', 3)
    })
    deepEqual(await shown(browser, 'error'), [2], 'errors')
    deepEqual(await shown(browser, '__proto__'), [3], 'an unusual key')
    deepEqual(await shown(browser, 'constructor'), [], 'a key of all objects')
    deepEqual(await shown(browser), [1], 'notices')
  }),
  must(
    'flash/parallel',
    'of twenty parallel pages exactly one shows a message, whatever else is written',
    async (app) => {
      const browser = await app.signedIn()
      const second = await app.start({}, app.instance())
      for (let round = 0; round < 10; round += 1) {
        await leave(browser, round)
        const pages = Array.from({ length: 20 }, (_, at) => {
          const page = app.browser({ jar: browser.jar, ...(at % 2 === 0 ? {} : { url: second }) })
          return shownBeside(page, (session) => session.update('pages', (count) => Number(count ?? 0) + 1))
        })
        deepEqual((await Promise.all(pages)).flat(), [round], `messages of round ${round}`)
      }
      deepEqual((await browser.look()).data, { pages: 200 }, 'what the pages have written')
    },
  ),
  must('flash/left-meanwhile', 'a message left by a parallel request is not lost', async (app) => {
    const browser = await app.signedIn()
    await leave(browser, 'first')
    const barriers = [new Barrier(), new Barrier()]
    const takes = browser.start(async (session) => {
      await barriers[0]?.wait()
      deepEqual(await session.takeFlash('notice'), ['first', 'second'], 'what is taken')
    })
    await barriers[0]?.reached
    await leave(browser, 'second')
    barriers[0]?.open()
    equal((await takes.answer).status, 200, 'status of the page')
    const both = ['third', 'fourth'].map((message) => leave(browser, message))
    await Promise.all(both)
    equal((await shown(browser)).length, 2, 'messages left in parallel')
  }),
  must('flash/none', 'where there is none nothing is written, and a visitor gets no session', async (app) => {
    const browser = await app.signedIn()
    app.store.reset()
    deepEqual(await shown(browser), [], 'messages')
    deepEqual(await shown(app.browser()), [], 'messages of a visitor')
    deepEqual(app.store.calls, { get: 1, create: 0, replace: 0, touch: 0 }, 'store calls')
  }),
  must('flash/data', 'messages are not part of the data', async (app) => {
    const browser = await app.signedIn()
    await browser.visit((session) => {
      session.data.notice = 'mine'
      session.flash('notice', 'saved')
    })
    deepEqual((await browser.look()).data, { notice: 'mine' }, 'data')
    deepEqual(await shown(browser), ['saved'], 'messages')
    deepEqual((await browser.look()).data, { notice: 'mine' }, 'data afterwards')
  }),
  must('flash/does-not-commit', 'taking a message commits nothing else', async (app) => {
    const browser = await app.signedIn()
    await leave(browser, 'saved')
    const answer = await browser.visit(async (session) => {
      session.data.half = 'done'
      deepEqual(await session.takeFlash('notice'), ['saved'], 'messages')
      return reply({ status: 500, body: 'sorry' })
    })
    equal(answer.status, 500, 'status')
    deepEqual((await browser.look()).data, {}, 'data')
    deepEqual(await shown(browser), [], 'messages on the next page: what was taken is gone')
  }),
  must('flash/same-request', 'a message can be taken by the request that leaves it', async (app) => {
    const browser = app.browser()
    const answer = await browser.visit(async (session) => {
      session.flash('notice', 'now')
      deepEqual(await session.takeFlash('notice'), ['now'], 'messages')
      deepEqual(await session.takeFlash('notice'), [], 'messages taken again')
    })
    deepEqual([answer.status, answer.cookies], [200, []], 'status and Set-Cookie lines')
  }),
  must(
    'flash/sign-in',
    'a message left by the request that signs in is shown; older ones end with their session',
    async (app) => {
      const browser = app.browser()
      await leave(browser, 'left before')
      await browser.visit((session) => {
        session.flash('notice', 'hello')
        session.signIn('ada')
        session.flash('notice', 'ada')
      })
      deepEqual(await shown(browser), ['hello', 'ada'], 'messages')
    },
  ),
  must('flash/sign-out', 'a message left after signing out is shown to the visitor', async (app) => {
    const browser = await app.signedIn()
    await leave(browser, 'left before')
    await browser.visit((session) => {
      session.signOut()
      session.flash('notice', 'goodbye')
    })
    deepEqual([(await browser.look()).subject, await shown(browser)], [null, ['goodbye']], 'subject and messages')
  }),
  must('flash/server-error', 'a response of 500 and above leaves no message', async (app) => {
    const browser = await app.signedIn()
    await browser.visit((session) => {
      session.flash('notice', 'saved')
      return reply({ status: 500, body: 'sorry' })
    })
    deepEqual(await shown(browser), [], 'messages')
  }),
  must('flash/locked', 'a locked session shows none and keeps them', async (app) => {
    const browser = await app.signedIn()
    await leave(browser, 'saved')
    await browser.visit((session) => session.lock())
    deepEqual(await shown(browser), [], 'messages while locked')
    equal((await browser.visit((session) => session.flash('notice', 'x'))).status, 409, 'status of leaving one')
    await browser.visit((session) => session.reauthenticate({ method: 'pwd' }))
    deepEqual(await shown(browser), ['saved'], 'messages once opened')
  }),
  must('flash/values', 'a value that cannot be stored is refused where it is left', async (app) => {
    const browser = await app.signedIn()
    for (const value of [new Date(0), undefined, Number.NaN, { at: [1n] }]) {
      let code: unknown
      const answer = await browser.visit((session) => {
        try {
          session.flash('notice', value)
        } catch (error) {
          code = Object(error).code
          throw error
        }
      })
      deepEqual([answer.status, code], [500, 'ERR_SESS_VALUE'], 'status and code')
    }
    deepEqual(await shown(browser), [], 'messages')
  }),
  must(
    'flash/lost-acknowledgement',
    'a message whose taking is not acknowledged is shown once all the same',
    async (app) => {
      const browser = await app.signedIn()
      await leave(browser, 'saved')
      app.store.loseAcknowledgement('replace')
      deepEqual(await shown(browser), ['saved'], 'messages')
      deepEqual(await shown(browser), [], 'messages on the next page')
    },
  ),
  must('flash/store-down', 'a store that fails gives 503 and keeps the message', async (app) => {
    const browser = await app.signedIn()
    await leave(browser, 'saved')
    app.store.fail('replace', { times: 2 })
    const answer = await browser.visit(async (session) => void (await session.takeFlash('notice')))
    ok(answer.status === 503, 'status of the page')
    deepEqual(await shown(browser), ['saved'], 'messages once it is back')
  }),
]

/** What a page shows that writes besides. */
async function shownBeside(browser: Browser, work: (session: Session) => void): Promise<unknown[]> {
  let messages: unknown[] = []
  const { answer } = browser.start(async (session) => {
    work(session)
    messages = await session.takeFlash('notice')
  })
  equal((await answer).status, 200, 'status of the page')
  return messages
}
