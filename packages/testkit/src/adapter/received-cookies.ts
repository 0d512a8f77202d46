import { memoryStore } from '@sess/core'
import { deepEqual, equal, notEqual } from '../case.ts'
import { type AdapterCase, type App, must } from './app.ts'

const SID = 'A'.repeat(43)

/** Cookie headers that hold no token of ours. */
const forgeries: Readonly<Record<string, string>> = {
  empty: 'sid=',
  bare: 'sid',
  malformed: 'sid=abc',
  'made-up': `sid=${SID}.0.${SID}`,
  giant: `sid=${'A'.repeat(8192)}`,
  'percent-broken': `sid=%E0%A4%A.${'%'.repeat(40)}`,
  quoted: `sid="${SID}.0.${SID}"`,
  'huge-generation': `sid=${SID}.9999999999.${SID}`,
  'leading-zero': `sid=${SID}.00.${SID}`,
  'broken-neighbours': `;;; ==; =sid; sid2=x; a="b;c"; %=%; xsid=${SID}`,
}

/** What may stand beside the genuine cookie, and change nothing. */
const neighbours: Readonly<Record<string, (cookie: string) => string>> = {
  'planted-in-front': (cookie) => `sid=${SID}.0.${SID}; ${cookie}`,
  'planted-behind': (cookie) => `${cookie}; sid=planted`,
  'two-planted-in-front': (cookie) => `sid=x; sid=${SID}.7.${SID}; ${cookie}`,
  giant: (cookie) => `big=${'x'.repeat(8192)}; ${cookie}`,
  'percent-broken': (cookie) => `a=%E0%A4%A; %%%; ${cookie}; b=%`,
  quoted: (cookie) => `a="x; y=\\"z\\""; ${cookie}`,
  'misspelt-prefix': (cookie) => `__host-http-sid=x; __HOST-HTTP-SID=y; Sid=z; ${cookie}`,
  'similar-names': (cookie) => `xsid=1; sid2=2; sid.x=3; ${cookie}; mysid=4`,
  'empty-pairs': (cookie) => `;; ; =; ${cookie} ;;`,
}

async function refusesForgery(app: App, cookie: string): Promise<void> {
  const { state, cookies } = await app.browser().look({ cookie })
  equal(state, 'anonymous', 'state')
  deepEqual(cookies, [], 'Set-Cookie lines')
  deepEqual(app.store.log, [], 'store calls')
}

/** Changes the last significant bit of every part in turn: the token is genuine but for it. */
function tampered(token: string): string[] {
  const flip = (at: number) => `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
  const [sid = '', generation = '', mac = ''] = token.split('.')
  return [flip(3), flip(token.length - 4), `${sid}.${Number(generation) + 1}.${mac}`, `${token}A`, token.slice(0, -1)]
}

export const receivedCookieCases: readonly AdapterCase[] = [
  ...Object.entries(forgeries).map(([kind, cookie]) =>
    must(`cookie/forged/${kind}`, `${kind} cookie: a visitor, no cookie set, no store call`, (app) =>
      refusesForgery(app, cookie),
    ),
  ),
  must('cookie/forged/tampered', 'a token changed in any part is a visitor and costs no store call', async (app) => {
    const browser = await app.signedIn()
    app.store.reset()
    for (const token of tampered(browser.token ?? '')) await refusesForgery(app, `sid=${token}`)
  }),
  must(
    'cookie/forged/prefix-with-wrong-case',
    'the genuine token under a prefix in the wrong case is not taken',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const cookie = `__host-http-sid=${browser.token}; __Host-http-sid=${browser.token}; sid=${browser.token}`
      app.store.reset()
      const { state } = await browser.look({ cookie })
      equal(state, 'anonymous', 'state')
      deepEqual(app.store.log, [], 'store calls')
    },
    { serve: { trustProxy: true } },
  ),
  ...Object.entries(neighbours).map(([kind, around]) =>
    must(`cookie/neighbours/${kind}`, `${kind}: the genuine cookie is found, still signed in`, async (app) => {
      const browser = await app.signedIn()
      const { subject, cookies } = await browser.look({ cookie: around(`sid=${browser.token}`) })
      equal(subject, 'ada', 'subject')
      deepEqual(cookies, [], 'Set-Cookie lines')
    }),
  ),
  must('cookie/several-lines', 'Cookie headers on several lines count as one', async (app) => {
    const browser = await app.signedIn()
    const headers = [
      ['Cookie', 'theme=dark'],
      ['Cookie', `sid=${browser.token}`],
      ['Cookie', 'lang=de'],
    ] as const
    const { subject } = await browser.look({ cookie: null, headers })
    equal(subject, 'ada', 'subject')
  }),
  must('cookie/duplicate', 'of several cookies of one session the highest generation counts', async (app) => {
    const browser = await app.signedIn()
    const older = browser.token
    await browser.visit((session) => session.rotate({ hard: true }))
    for (const cookie of [`sid=${older}; sid=${browser.token}`, `sid=${browser.token}; sid=${older}`]) {
      const { subject, generation } = await browser.look({ cookie })
      equal(subject, 'ada', 'subject')
      equal(generation, 1, 'generation')
    }
  }),
  must('cookie/ambiguous', 'genuine cookies of two sessions are a visitor, told by an event', async (app) => {
    const ada = await app.signedIn('ada')
    const mallory = await app.signedIn('mallory')
    const { state, refused, cookies } = await ada.look({ cookie: `sid=${mallory.token}; sid=${ada.token}` })
    equal(state, 'anonymous', 'state')
    equal(refused, 'ambiguous', 'refused')
    deepEqual(cookies, [], 'Set-Cookie lines')
    deepEqual(
      app.heard('token-refused').map(({ reason }) => reason),
      ['ambiguous'],
      'refusals told',
    )
    equal((await ada.look()).subject, 'ada', 'subject of the untouched session')
  }),
  must('cookie/cleared-only-on-sign-out', 'no refused cookie is ever cleared or replaced', async (app) => {
    const browser = await app.signedIn()
    const old = browser.token ?? ''
    await browser.visit((session) => session.rotate({ hard: true }))
    const rotated = browser.token ?? ''
    const quiet = async (token: string, why: string) => {
      deepEqual((await browser.copy(token).look()).cookies, [], `Set-Cookie lines for a token that is ${why}`)
    }
    await quiet(old, 'superseded')
    await quiet(`${rotated}x`, 'malformed')
    const gone = app.browser()
    await gone.visit((session) => session.signOut(), { cookie: `sid=${rotated}` })
    await quiet(rotated, 'ended')
    const idle = await app.signedIn('grace')
    const token = idle.token ?? ''
    app.clock.advance('31m')
    await quiet(token, 'idle')
    app.clock.advance('2d')
    await quiet(token, 'past its absolute deadline')
  }),
  must(
    'cookie/unknown-is-kept',
    'a genuine cookie whose record is gone is kept, and replaced by the next write',
    async (app) => {
      const url = await app.start({}, app.instance({ store: memoryStore() }))
      const browser = app.browser({ url })
      await browser.visit((session) => session.signIn('ada'))
      const { token } = browser
      const here = app.browser()
      here.token = token
      deepEqual((await here.look()).cookies, [], 'Set-Cookie lines')
      await here.visit((session) => {
        session.data.cart = []
      })
      notEqual(here.token, token, 'the cookie after a write')
    },
  ),
]
