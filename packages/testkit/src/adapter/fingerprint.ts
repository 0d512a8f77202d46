import type { SessionsOptions } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, must, type Setup } from './app.ts'
import type { Visit } from './browser.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
const PHONE =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36'
const DESKTOP_SITE =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

const HOME = '198.51.100.7'
const NEXT_DOOR = '198.51.100.99'
const ELSEWHERE = '203.0.113.200'

/** Behind a proxy that is trusted to tell where requests come from. */
const trusting = (options: Partial<SessionsOptions>): Setup => ({ serve: { trustProxy: true }, options })
const SECURE = { secure: true } as const

/** A request of this browser from this address, as the proxy in front tells it. */
const from = (userAgent: string, address: string, hints: Readonly<Record<string, string>> = {}): Visit => ({
  headers: [['User-Agent', userAgent], ['X-Forwarded-For', address], ...Object.entries(hints)],
})

export const fingerprintCases: readonly AdapterCase[] = [
  must(
    'fingerprint/observe',
    'by default another client is told, with what would have happened, and goes on',
    async (app) => {
      const browser = app.browser(SECURE)
      await browser.visit((session) => session.signIn('ada'), from(FIREFOX, HOME))
      equal((await browser.look(from(CHROME, ELSEWHERE))).subject, 'ada', 'subject')
      const [event] = app.heard('fingerprint-changed')
      deepEqual(event?.reasons, ['browser', 'os', 'network'], 'reasons')
      deepEqual([event?.verdict, event?.enforced, event?.score], ['lock', false, 125], 'verdict, enforced and score')
    },
    trusting({}),
  ),
  must(
    'fingerprint/lock',
    'a session that turns up in another browser elsewhere is locked, until the user proves who they are',
    async (app) => {
      const browser = app.browser(SECURE)
      await browser.visit((session) => session.signIn('ada'), from(FIREFOX, HOME))
      const thief = browser.copy()
      const seen = await thief.look(from(CHROME, ELSEWHERE))
      deepEqual([seen.state, seen.subject, seen.data], ['locked', null, {}], 'what the thief sees')
      equal((await browser.look(from(FIREFOX, HOME))).state, 'locked', 'state for the user')
      const proof = await browser.visit(
        (session) => session.reauthenticate({ method: 'password' }),
        from(FIREFOX, HOME),
      )
      equal(proof.status, 200, 'status of the proof')
      equal((await browser.look(from(FIREFOX, HOME))).subject, 'ada', 'subject after the proof')
      equal((await thief.look(from(CHROME, ELSEWHERE))).state, 'anonymous', 'state for the thief after the proof')
    },
    trusting({ fingerprint: 'standard' }),
  ),
  must(
    'fingerprint/end',
    'a session that turns up in another browser on another system elsewhere is ended under strict',
    async (app) => {
      const browser = app.browser(SECURE)
      await browser.visit((session) => session.signIn('ada'), from(FIREFOX, HOME))
      const { handle } = await browser.look(from(FIREFOX, HOME))
      const seen = await browser.copy().look(from(CHROME, ELSEWHERE))
      deepEqual([seen.state, seen.previous, seen.cookies], ['anonymous', 'fingerprint', []], 'what the thief sees')
      equal((await browser.look(from(FIREFOX, HOME))).previous, 'fingerprint', 'why the user is signed out')
      equal((await app.record(handle))?.fingerprint, null, 'fingerprint in the tombstone')
    },
    trusting({ fingerprint: 'strict' }),
  ),
  must(
    'fingerprint/honest-changes',
    'updates, the desktop site, another language and other networks lock nobody, under strict either',
    async (app) => {
      const browser = app.browser(SECURE)
      await browser.visit((session) => session.signIn('ada'), from(PHONE, HOME, { 'Accept-Language': 'de-DE' }))
      const newer = PHONE.replace('Chrome/140', 'Chrome/141')
      for (const visit of [
        from(newer, HOME, { 'Accept-Language': 'de' }),
        from(newer, ELSEWHERE),
        from(newer, '2001:db8::1'),
        from(DESKTOP_SITE, ELSEWHERE, { 'Accept-Language': 'en-US,en;q=0.5' }),
        { headers: [['X-Forwarded-For', HOME]] } as const,
      ]) {
        equal((await browser.look(visit)).subject, 'ada', `subject after ${JSON.stringify(visit.headers)}`)
      }
      equal(app.heard('fingerprint-changed').length, 0, 'events')
    },
    trusting({ fingerprint: 'strict' }),
  ),
  must(
    'fingerprint/client-hints',
    'client hints that deny the User-Agent are told',
    async (app) => {
      const browser = app.browser(SECURE)
      await browser.visit((session) => session.signIn('ada'), from(FIREFOX, HOME))
      const hints = { 'Sec-CH-UA': '"Chromium";v="140"', 'Sec-CH-UA-Platform': '"Linux"', 'Sec-CH-UA-Mobile': '?0' }
      await browser.look(from(FIREFOX, HOME, hints))
      deepEqual(app.heard('fingerprint-changed')[0]?.reasons, ['contradiction'], 'reasons')
    },
    trusting({}),
  ),
  must(
    'fingerprint/own-signal',
    'a header that the application names is compared',
    async (app) => {
      const browser = app.browser(SECURE)
      await browser.visit((session) => session.signIn('ada'), from(FIREFOX, HOME, { 'X-JA4': 'one' }))
      equal((await browser.look(from(FIREFOX, HOME, { 'X-JA4': 'one' }))).subject, 'ada', 'subject')
      equal((await browser.look(from(FIREFOX, HOME, { 'X-JA4': 'two' }))).state, 'locked', 'state')
    },
    trusting({ fingerprint: { level: 'standard', signals: { ja4: { header: 'x-ja4', weight: 60 } } } }),
  ),
  must(
    'fingerprint/nothing-raw',
    'neither address nor User-Agent nor a signal is in the store',
    async (app) => {
      const browser = app.browser(SECURE)
      const visit = from('Shop/1 (unheard of)', HOME, { 'X-JA4': 'tls-of-the-client' })
      await browser.visit((session) => session.signIn('ada'), visit)
      const { handle } = await browser.look(visit)
      ok((await app.record(handle))?.fingerprint?.address, 'a digest of the address')
      const calls = JSON.stringify(app.store.log)
      for (const raw of ['198.51', 'unheard', 'tls-of']) ok(!calls.includes(raw), `no ${raw} in the calls to the store`)
    },
    trusting({ ipBinding: 'exact', fingerprint: { signals: { ja4: { header: 'x-ja4', weight: 60 } } } }),
  ),
]

export const ipBindingCases: readonly AdapterCase[] = [
  must(
    'ip-binding/prefix',
    'a bound session is locked on another network, as the trusted proxy tells it, and not on its own',
    async (app) => {
      const browser = app.browser(SECURE)
      await browser.visit((session) => session.signIn('ada'), from(FIREFOX, HOME))
      equal((await browser.look(from(FIREFOX, NEXT_DOOR))).subject, 'ada', 'subject on its own network')
      equal((await browser.look(from(FIREFOX, ELSEWHERE))).state, 'locked', 'state on another')
    },
    trusting({ ipBinding: 'prefix' }),
  ),
  must(
    'ip-binding/exact',
    'a session bound to one address is locked on the next one',
    async (app) => {
      const browser = app.browser(SECURE)
      await browser.visit((session) => session.signIn('ada'), from(FIREFOX, HOME))
      equal((await browser.look(from(FIREFOX, HOME))).subject, 'ada', 'subject on its own address')
      equal((await browser.look(from(FIREFOX, NEXT_DOOR))).state, 'locked', 'state on another')
    },
    trusting({ ipBinding: 'exact' }),
  ),
]
