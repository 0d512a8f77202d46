import { type Session, SessionEndedError } from '@sess/core'
import { equal, ok } from '../case.ts'
import { type AdapterCase, type App, must, reply } from './app.ts'
import type { Browser } from './browser.ts'
import type { Exchange } from './client.ts'

/**
 * Far more than the second within which endings are told, for a busy machine, and far less than what is read now and then where
 * a store tells by itself.
 */
const SOON_MS = 5000

/** Opens a stream that lives as long as the session; resolves when its first line has arrived. */
async function stream(browser: Browser): Promise<Exchange> {
  const exchange = browser.start((session) =>
    reply({ headers: [['Content-Type', 'text/event-stream']], body: untilOver(session) }),
  )
  await exchange.received('data: open\n\n')
  return exchange
}

async function* untilOver({ signal }: Session): AsyncGenerator<string> {
  yield 'data: open\n\n'
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  const { reason } = signal
  yield `data: ${reason instanceof SessionEndedError ? reason.ending.reason : String(reason)}\n\n`
}

/** The stream ends soon, and says why. */
async function closes(exchange: Exchange, reason: string): Promise<void> {
  const { body, complete } = await soon(exchange.answer, 'the stream')
  ok(complete, 'a complete stream')
  equal(body, `data: open\n\ndata: ${reason}\n\n`, 'the stream')
}

async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} was still open after ${SOON_MS} ms`)), SOON_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Signs out in what is another process, as far as sessions can tell: only the store is the same. */
async function signOutElsewhere(app: App, browser: Browser): Promise<void> {
  const session = await app.instance().open({ token: browser.token })
  session.signOut()
  await session.commit()
}

export const liveCases: readonly AdapterCase[] = [
  must('live/sign-out', 'a stream ends when its session signs out in another request', async (app) => {
    const [browser, other] = [await app.signedIn(), await app.signedIn('grace')]
    const [ending, staying] = [await stream(browser), await stream(other)]
    await browser.visit((session) => session.signOut())
    await closes(ending, 'signed-out')
    await other.visit((session) => session.signOut())
    await closes(staying, 'signed-out')
  }),
  must('live/elsewhere', 'a stream ends soon when another process ends its session', async (app) => {
    const browser = await app.signedIn()
    const exchange = await stream(browser)
    await signOutElsewhere(app, browser)
    await closes(exchange, 'signed-out')
  }),
  must('live/replaced', 'a stream outlives rotations, and ends when the browser signs in anew', async (app) => {
    const browser = await app.signedIn()
    const exchange = await stream(browser)
    await browser.visit((session) => session.rotate({ hard: true }))
    await browser.visit((session) => session.reauthenticate({ method: 'password' }))
    await app.sessions.flushEvents()
    await browser.visit((session) => session.signIn('ada'))
    await closes(exchange, 'replaced')
  }),
  must('live/locked', 'a stream ends when its session is locked', async (app) => {
    const browser = await app.signedIn()
    const exchange = await stream(browser)
    await browser.visit((session) => session.lock())
    await closes(exchange, 'locked')
  }),
  must('live/idle', 'a stream is no activity: it ends with the idle deadline', async (app) => {
    const browser = await app.signedIn()
    const exchange = await stream(browser)
    app.clock.advance('30m')
    await closes(exchange, 'idle')
  }),
]
