import { createSessions, type RequestFacts, type Session, type Sessions, type SessionsOptions } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { Keyring } from '../../src/crypto/keyring.ts'
import { type Data, MovableClock } from '../manager/scenario.ts'
import { ScriptedStore } from '../manager/scripted-store.ts'

const KEY = Uint8Array.from({ length: 32 }, (_, at) => (at * 7 + 5) % 256)
const OWN = { host: 'shop.example', origin: 'https://shop.example' }
const DAYS = 86_400_000

function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = new MovableClock()
  const cookie = { strictWrites: true }
  const sessions = createSessions<Data>({ store: new ScriptedStore(), clock, keys: [KEY], cookie, ...options })
  return { sessions, clock }
}

const cookiesOf = (session: Session<Data>): string[] =>
  session
    .toHeaders()
    .filter(([name]) => name === 'Set-Cookie')
    .map(([, line]) => line)

/** Signs in by a POST of an own page; what it sets. */
async function signIn(sessions: Sessions<Data>, persistent = false, facts: RequestFacts = {}): Promise<string[]> {
  const session = await sessions.open({ method: 'POST', secure: true, headers: OWN, ...facts })
  session.signIn('ada', { persistent })
  await session.commit()
  return cookiesOf(session)
}

const pairOf = (line = ''): string => line.slice(0, line.indexOf(';'))

describe('the strict cookie', () => {
  it('goes out with the token, and is a MAC of its session under a key of its own purpose', async () => {
    const [token = '', strict = '', ...others] = await signIn(setUp().sessions)
    expect(others).toEqual([])
    expect(strict).toMatch(/^__Host-Http-sid-write=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/)
    const sid = pairOf(token).split(/[=.]/)[1]
    expect(new Keyring(() => [KEY], 'write').verify(`sess/write/v1.${sid}`, pairOf(strict).split('=')[1] ?? '')).toBe(0)
  })

  it('lasts as long as the session, whenever it is set', async () => {
    const { sessions, clock } = setUp()
    const [token, strict] = await signIn(sessions, true)
    expect(strict).toContain(`; Max-Age=${(30 * DAYS) / 1000}`)
    clock.advance(DAYS)
    const page = await sessions.open({ method: 'GET', secure: true, headers: { cookie: pairOf(token) } })
    expect(page.subject).toBe('ada')
    expect(cookiesOf(page)).toEqual([expect.stringContaining(`; Max-Age=${(29 * DAYS) / 1000}`)])
  })

  it('has its development name over plain http on loopback', async () => {
    const facts = { secure: false, ip: '127.0.0.1', headers: { host: 'localhost', origin: 'http://localhost' } }
    expect((await signIn(setUp().sessions, false, facts))[1]).toMatch(/^sid-write=/)
  })

  it.each<[string, RequestFacts, boolean]>([
    ['a page', { method: 'GET' }, true],
    ['a request whose method nobody told', {}, true],
    ['a page that another site has called up', { method: 'GET', headers: { 'sec-fetch-site': 'cross-site' } }, false],
    ['a handshake', { method: 'GET', upgrade: true }, false],
    ['an unsafe request', { method: 'POST', headers: OWN }, false],
  ])('is made up for where it is missed: %s', async (_, { headers, ...facts }, set) => {
    const { sessions } = setUp({ csrf: { reportOnly: true } })
    const [token = ''] = await signIn(sessions)
    const session = await sessions.open({ secure: true, ...facts, headers: { ...headers, cookie: pairOf(token) } })
    expect(session.subject).toBe('ada')
    expect(cookiesOf(session)).toHaveLength(set ? 1 : 0)
  })

  it('is not made up for where nobody has looked at the session, and not for visitors', async () => {
    const { sessions } = setUp()
    const [token = ''] = await signIn(sessions)
    expect(cookiesOf(await sessions.open({ secure: true, headers: { cookie: pairOf(token) } }))).toEqual([])
    const visitor = await sessions.open({ method: 'GET', secure: true, headers: {} })
    expect(visitor.subject).toBeNull()
    expect(cookiesOf(visitor)).toEqual([])
  })
})
