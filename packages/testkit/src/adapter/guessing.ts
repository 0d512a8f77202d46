import { deepEqual, equal } from '../case.ts'
import { type AdapterCase, must, type Setup } from './app.ts'

const TRUSTING: Setup = { serve: { trustProxy: true }, options: { guessing: { limit: 5 } } }

/** The shape of a token, a different one for each number. */
const forged = (at: number): string => `__Host-Http-sid=${String(at).padStart(43, 'x')}.0.${'y'.repeat(43)}`

export const guessingCases: readonly AdapterCase[] = [
  must(
    'guessing/told',
    'many forged tokens from one address are told, with the address, and cost no store call',
    async (app) => {
      const browser = app.browser({ secure: true })
      for (let at = 0; at < 5; at += 1) equal((await browser.idle({ cookie: forged(at) })).status, 200, 'status')
      const told = app.heard('guessing').map(({ client, tokens }) => ({ client, tokens }))
      deepEqual(told, [{ client: '203.0.113.7', tokens: 5 }], 'events')
      deepEqual(app.store.log, [], 'store calls')
    },
    TRUSTING,
  ),
  must(
    'guessing/stale-cookie',
    'a browser that sends one stale cookie again and again is no guesser',
    async (app) => {
      const browser = app.browser({ secure: true })
      for (let at = 0; at < 12; at += 1) await browser.idle({ cookie: forged(1) })
      equal(app.heard('guessing').length, 0, 'events')
    },
    TRUSTING,
  ),
  must(
    'guessing/neighbour',
    'whoever shares the address of a guesser goes on',
    async (app) => {
      const ada = await app.signedIn('ada', { secure: true })
      const guesser = app.browser({ secure: true })
      for (let at = 0; at < 25; at += 1) await guesser.idle({ cookie: forged(at) })
      equal(app.heard('guessing').length, 5, 'events')
      equal((await ada.look()).subject, 'ada', 'subject')
      equal((await guesser.visit((session) => session.signIn('grace'))).status, 200, 'status of a sign-in')
    },
    TRUSTING,
  ),
]
