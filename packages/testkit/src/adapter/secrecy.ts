import { inspect } from 'node:util'
import { ok } from '../case.ts'
import { type AdapterCase, type App, KEY, must } from './app.ts'
import type { Browser } from './browser.ts'
import { Barrier } from './overlap.ts'

/** Texts that must stay between client and server: whole tokens, their secret ids and signatures, and the key. */
function secretsOf(tokens: readonly (string | undefined)[]): string[] {
  const parts = tokens.flatMap((token = '') => {
    const [sid = '', , mac = ''] = token.split('.')
    return [token, sid, mac]
  })
  return [...parts, Buffer.from(KEY).toString('base64url'), Buffer.from(KEY).toString('hex')].filter(
    (text) => text !== '',
  )
}

function tellsNothing(text: string, secrets: readonly string[], where: string): void {
  ok(!secrets.some((secret) => text.includes(secret)), `no secret in ${where}`)
}

/** A little of everything: refusals, failures, rotations and endings. The bodies that came back and the tokens in use. */
async function live(app: App): Promise<{ bodies: string[]; tokens: (string | undefined)[]; shown: string[] }> {
  const bodies: string[] = []
  const shown: string[] = []
  const browser = await app.signedIn()
  const first = browser.copy()
  const note = async (who: Browser, handler: Parameters<Browser['visit']>[0]) => {
    const answer = await who.visit(handler)
    bodies.push(answer.body, ...answer.headers.filter(([name]) => !/^set-cookie$/i.test(name)).map(String))
  }
  await note(browser, (session) => {
    shown.push(JSON.stringify({ session }), inspect(session, { depth: 9, showHidden: true }), String(session))
    session.data.cart = ['apple']
    session.rotate({ hard: true })
  })
  await note(first, (session) => {
    session.data.cart = []
  })
  await note(browser, () => {
    throw new Error('a defect')
  })
  app.store.fail('replace', { times: Number.POSITIVE_INFINITY })
  await note(browser, (session) => session.rotate({ hard: true }))
  app.store.reset()
  const barrier = new Barrier()
  const slow = browser.start(async (session) => {
    session.data.late = true
    await barrier.wait()
  })
  await barrier.reached
  const tokens = [first.token, browser.token]
  await note(browser, (session) => session.signOut())
  barrier.open()
  bodies.push((await slow.answer).body)
  await note(browser.copy(tokens[1]), (session) => session.subject)
  return { bodies, tokens, shown }
}

export const secrecyCases: readonly AdapterCase[] = [
  must('secrecy/store', 'the store sees no token, secret id, signature or key', async (app) => {
    const { tokens } = await live(app)
    tellsNothing(JSON.stringify(app.store.log), secretsOf(tokens), 'the calls to the store')
  }),
  must('secrecy/events', 'events tell no token, secret id, signature or key', async (app) => {
    const { tokens } = await live(app)
    ok(app.events.length > 4, 'events')
    tellsNothing(JSON.stringify(app.events), secretsOf(tokens), 'the events')
  }),
  must('secrecy/responses', 'pages, error pages and headers but Set-Cookie tell no token', async (app) => {
    const { bodies, tokens } = await live(app)
    tellsNothing(JSON.stringify(bodies), secretsOf(tokens), 'the responses')
  }),
  must('secrecy/session', 'a session that is logged or serialised tells no token', async (app) => {
    const { shown, tokens } = await live(app)
    tellsNothing(shown.join('\n'), secretsOf(tokens), 'a printed session')
  }),
]
