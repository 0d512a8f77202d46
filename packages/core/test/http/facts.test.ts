import { createSessions, InsecureError, type RequestFacts } from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cookieHeaderOf, headerOf, isLoopback, isSecure } from '../../src/http/facts.ts'
import { ScriptedStore } from '../manager/scripted-store.ts'

const LOCAL = { headers: { host: 'localhost:3000' }, ip: '127.0.0.1' }

describe('isSecure', () => {
  it.each<[string, RequestFacts, boolean]>([
    ['secure: true', { secure: true, url: 'http://a/', headers: {} }, true],
    ['secure: false', { secure: false, url: 'https://a/', headers: {} }, false],
    ['secure: false and a cookie alone', { secure: false, cookie: 'a=1' }, false],
    ['an https URL in the request line', { url: 'https://a/', headers: {} }, false],
    ['an https URL with Web headers', { url: 'https://a/', headers: new Headers() }, true],
    ['an http URL', { url: 'http://a/', headers: {} }, false],
    ['a path', { url: '/', headers: {} }, false],
    ['headers alone', { headers: {} }, false],
    ['a cookie alone: the caller vouches', { cookie: 'a=1' }, true],
    ['a token alone: the caller vouches', { token: 't' }, true],
    ['a Web Request', new Request('https://example.com/'), true],
  ])('%s', (_, facts, expected) => {
    expect(isSecure(facts)).toBe(expected)
  })
})

describe('isLoopback', () => {
  const HOSTS: readonly [string, boolean][] = [
    ['localhost', true],
    ['localhost:8080', true],
    ['LOCALHOST', true],
    ['app.localhost:3000', true],
    ['127.0.0.1', true],
    ['127.8.9.1:80', true],
    ['[::1]:3000', true],
    ['[::1]', true],
    ['example.com', false],
    ['localhost.example.com', false],
    ['127.0.0.1.example.com', false],
    ['xlocalhost', false],
    ['128.0.0.1', false],
    ['192.168.0.1', false],
    ['0.0.0.0', false],
    ['', false],
    ['localhost@example.com', false],
  ]
  it.each(HOSTS)('Host %j: %s', (host, expected) => {
    expect(isLoopback({ headers: { host }, ip: '127.0.0.1' })).toBe(expected)
  })

  const ADDRESSES: readonly [string | undefined, boolean][] = [
    ['127.0.0.1', true],
    ['127.0.0.53', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['::FFFF:127.0.0.1', true],
    ['10.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['fe80::1', false],
    ['', false],
    [undefined, false],
  ]
  it.each(ADDRESSES)('peer %j: %s', (ip, expected) => {
    expect(isLoopback({ headers: { host: 'localhost' }, ip })).toBe(expected)
  })

  it.each([
    'forwarded',
    'via',
    'x-forwarded-for',
    'x-forwarded-proto',
    'x-forwarded-host',
    'x-forwarded',
    'X-Forwarded-For',
    'x-real-ip',
  ])('a %s header is a proxy: false', (name) => {
    expect(isLoopback({ ...LOCAL, headers: { ...LOCAL.headers, [name]: 'x' } })).toBe(false)
    expect(isLoopback({ ip: '::1', headers: new Headers({ host: 'localhost', [name]: 'x' }) })).toBe(false)
  })

  it('reads the host of HTTP/2', () => {
    expect(isLoopback({ headers: { ':authority': 'localhost:3000' }, ip: '::1' })).toBe(true)
    expect(isLoopback({ headers: { ':authority': 'example.com' }, ip: '::1' })).toBe(false)
  })

  it('is false without headers', () => {
    expect(isLoopback({ ip: '::1' })).toBe(false)
  })

  it('does not take headers that cannot be listed for the absence of a proxy', () => {
    const headers = { get: (name: string) => (name === 'host' ? 'localhost' : name === 'via' ? '1.1 proxy' : null) }
    expect(isLoopback({ ip: '::1', headers })).toBe(false)
  })
})

describe('headers', () => {
  it('come from Web Headers, from Node’s object, lists joined as the protocol does', () => {
    expect(headerOf({ headers: new Headers({ Accept: 'a' }) }, 'accept')).toBe('a')
    expect(headerOf({ headers: { accept: 'a' } }, 'accept')).toBe('a')
    expect(headerOf({ headers: { accept: ['a', 'b'] } }, 'accept')).toBe('a, b')
    expect(headerOf({ headers: { cookie: ['a=1', 'b=2'] } }, 'cookie')).toBe('a=1; b=2')
    expect(headerOf({ headers: { get: 'a', accept: ['a', 'b'] } }, 'accept')).toBe('a, b')
    expect(headerOf({ headers: { get: 'a' } }, 'get')).toBe('a')
    expect(headerOf({ headers: new Headers({ get: 'a' }) }, 'get')).toBe('a')
    expect(headerOf({ headers: {} }, 'accept')).toBeUndefined()
    expect(headerOf({ headers: new Headers() }, 'accept')).toBeUndefined()
    expect(headerOf({}, 'accept')).toBeUndefined()
  })

  it('leave the cookie to the one who has it', () => {
    expect(cookieHeaderOf({ cookie: 'a=1', headers: { cookie: 'b=2' } })).toBe('a=1')
    expect(cookieHeaderOf({ headers: { cookie: 'b=2' } })).toBe('b=2')
    expect(cookieHeaderOf({})).toBe('')
  })
})

describe('plain http', () => {
  let warnings: string[]

  beforeEach(() => {
    warnings = []
    vi.spyOn(console, 'warn').mockImplementation((text: string) => void warnings.push(text))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })

  const setCookie = (session: { toHeaders(): [string, string][] }) =>
    session.toHeaders().find(([name]) => name === 'Set-Cookie')?.[1]

  it('on loopback uses the development cookie, and says so once', async () => {
    const sessions = createSessions({ store: new ScriptedStore() })
    for (let round = 0; round < 2; round += 1) {
      const session = await sessions.open(LOCAL)
      session.data.cart = 1
      await session.commit()
      expect(setCookie(session)).toMatch(/^sid=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)
    }
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('"sid"')
  })

  it('on loopback reads and clears the development cookie', async () => {
    const sessions = createSessions({ store: new ScriptedStore() })
    const first = await sessions.open(LOCAL)
    first.signIn('ada')
    await first.commit()
    const cookie = setCookie(first)?.split(';')[0] ?? ''
    const next = await sessions.open({ ...LOCAL, headers: { ...LOCAL.headers, cookie } })
    expect(next.subject).toBe('ada')
    next.signOut()
    await next.commit()
    expect(setCookie(next)).toMatch(/^sid=; Path=\/; HttpOnly; SameSite=Lax; Max-Age=0;/)
  })

  const INSECURE: readonly [string, RequestFacts][] = [
    ['from elsewhere', { headers: { host: 'example.com' }, ip: '203.0.113.5' }],
    ['from an unknown peer', { headers: { host: 'localhost' } }],
    [
      'through a proxy on this host',
      { ip: '127.0.0.1', headers: { host: '127.0.0.1', 'x-forwarded-for': '203.0.113.5' } },
    ],
    ['said to be insecure', { secure: false }],
  ]

  it.each(INSECURE)('%s passes while no cookie is carried or needed', async (_, facts) => {
    const sessions = createSessions({ store: new ScriptedStore() })
    const session = await sessions.open(facts)
    expect(session.subject).toBeNull()
    await session.commit()
    expect(setCookie(session)).toBeUndefined()
  })

  it.each(INSECURE)('%s is refused when it carries the cookie', async (_, facts) => {
    const store = new ScriptedStore()
    const sessions = createSessions({ store })
    const events: string[] = []
    sessions.on('insecure', (event) => events.push(event.type))
    const opening = sessions.open({ ...facts, cookie: '__Host-Http-sid=anything' })
    await expect(opening).rejects.toBeInstanceOf(InsecureError)
    await expect(opening).rejects.toMatchObject({ code: 'ERR_SESS_INSECURE', status: 400, expose: true })
    await sessions.flushEvents()
    expect(events).toEqual(['insecure'])
    expect(store.calls).toEqual([])
  })

  it.each(INSECURE)('%s is refused when it needs the cookie', async (_, facts) => {
    const store = new ScriptedStore()
    const sessions = createSessions({ store })
    const writer = await sessions.open(facts)
    writer.data.cart = 1
    await expect(writer.commit()).rejects.toBeInstanceOf(InsecureError)
    const login = await sessions.open(facts)
    login.signIn('ada')
    await expect(login.commit()).rejects.toBeInstanceOf(InsecureError)
    expect(store.calls).toEqual([])
    expect(setCookie(login)).toBeUndefined()
  })

  it('on loopback is refused like any other in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const sessions = createSessions({ store: new ScriptedStore() })
    const session = await sessions.open(LOCAL)
    session.data.cart = 1
    await expect(session.commit()).rejects.toBeInstanceOf(InsecureError)
    expect(warnings).toEqual([])
  })

  it('does not take the development cookie over https', async () => {
    const sessions = createSessions({ store: new ScriptedStore() })
    const first = await sessions.open(LOCAL)
    first.signIn('ada')
    await first.commit()
    const cookie = setCookie(first)?.split(';')[0] ?? ''
    expect((await sessions.open({ secure: true, headers: { cookie } })).subject).toBeNull()
  })

  it('is refused for the header transport too', async () => {
    const sessions = createSessions({ store: new ScriptedStore(), transport: { header: 'X-Session' } })
    const opening = sessions.open({ headers: { host: 'example.com', 'x-session': 'anything' } })
    await expect(opening).rejects.toBeInstanceOf(InsecureError)
  })
})

describe('sessions.open()', () => {
  it('takes Web headers without a Host for what they are: not loopback', () => {
    expect(isLoopback({ headers: new Headers(), ip: '127.0.0.1' })).toBe(false)
  })

  it.each([undefined, null, 'sid=1'])('refuses %j for facts', async (facts) => {
    const sessions = createSessions({ store: new ScriptedStore() })
    await expect(sessions.open(facts as unknown as RequestFacts)).rejects.toThrow(
      /sessions\.open\(facts\) needs an object/,
    )
  })
})
