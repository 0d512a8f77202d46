import { inspect } from 'node:util'
import { createSessions, type SessEvent } from '@sess/core'
import { afterEach, expect, it, vi } from 'vitest'
import { Browser, type Data, MINUTE, MovableClock, SECOND } from './scenario.ts'
import { fails, ScriptedStore } from './scripted-store.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const KEYS = [7, 11].map((step) => Uint8Array.from({ length: 32 }, (_, index) => (index * step + 3) % 256))

/** Everything a value shows when it is logged or serialised, hidden and nested parts included. */
function shown(value: unknown): string {
  const deep = inspect(value, { depth: 20, showHidden: true, getters: false, maxStringLength: null })
  return `${deep}\n${JSON.stringify(value) ?? ''}\n${value instanceof Error ? `${value.stack}${shown(value.cause)}` : ''}`
}

it('no sid, token or key appears in events, errors, logs, records or serialised sessions', async () => {
  const store = new ScriptedStore(true)
  const clock = new MovableClock()
  const logged: unknown[] = []
  for (const method of ['log', 'warn', 'error', 'info', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void logged.push(args))
  }
  const sessions = createSessions<Data>({ store, clock, keys: KEYS, device: true, carry: ['cart'] })
  const seen: unknown[] = []
  const events: SessEvent[] = []
  for (const type of ['*', 'opened', 'committed', 'touched', 'saved'] as const) {
    sessions.on(type, (event) => events.push(event))
  }
  sessions.on('*', () => {
    throw new Error('a listener that fails')
  })
  const secrets = new Set<string>()
  const browser = new Browser(sessions)
  const thief = new Browser(sessions)

  const act = async (client: Browser, handle: Parameters<Browser['request']>[0] = () => {}) => {
    if (client.cookie !== null) secrets.add(client.cookie)
    try {
      const session = await client.request(handle)
      seen.push(session, session.previous, session.data)
    } catch (error) {
      seen.push(error)
    }
    if (client.cookie !== null) secrets.add(client.cookie)
    seen.push(...store.records.values(), ...store.calls)
  }

  await act(browser, (session) => {
    session.data.cart = [1]
  })
  await act(browser, (session) => session.signIn('ada'))
  thief.cookie = browser.cookie
  clock.advance(16 * MINUTE)
  await act(browser)
  await act(browser, (session) => {
    session.data.at = new Date()
  })
  await act(browser, (session) => session.rotate({ hard: true }))
  await act(thief)
  store.next('get', fails)
  await act(browser)
  store.next('replace', fails, fails)
  await act(browser, (session) => {
    session.data.cart = [2]
  })
  await act(browser, (session) => session.reauthenticate({ method: 'password' }))
  await act(browser)
  clock.advance(2 * MINUTE)
  await act(browser)
  await act(thief)
  const forged = `${browser.cookie?.slice(0, 43)}.9.${'x'.repeat(43)}`
  browser.cookie = forged
  await act(browser)
  await act(browser, (session) => session.signIn('grace'))
  await act(browser, (session) => session.signOut())
  clock.advance(SECOND)
  await sessions.open({ headers: { host: 'example.com', cookie: `__Host-Http-sid=${forged}` } }).catch((error) => {
    seen.push(error)
  })
  await sessions.flushEvents()
  seen.push(sessions, logged, events)

  const texts = [...secrets].flatMap((token) => {
    const [sid = '', , mac = ''] = token.split('.')
    return [token, sid, mac]
  })
  const keys = KEYS.flatMap((key) =>
    ['base64', 'base64url', 'hex', 'latin1'].map((encoding) => Buffer.from(key).toString(encoding as BufferEncoding)),
  )
  expect([...new Set(events.map(({ type }) => type))].sort()).toEqual([
    'committed',
    'created',
    'ended',
    'insecure',
    'opened',
    'reauthenticated',
    'rotated',
    'signed-in',
    'store-failed',
    'token-refused',
    'touched',
  ])
  expect(secrets.size).toBeGreaterThanOrEqual(6)
  const everything = seen.map(shown).join('\n')
  for (const secret of [...texts, ...keys]) {
    if (secret !== 'x'.repeat(43)) expect(everything).not.toContain(secret)
  }
})
