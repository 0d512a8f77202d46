import { inspect } from 'node:util'
import { type CsrfError, createSessions, type RequestFacts, type Session, type SessionsOptions } from '@sess/core'
import { needsFormToken, verifyForm } from '@sess/core/http'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Keyring } from '../../src/crypto/keyring.ts'
import { unmaskSecret } from '../../src/http/csrf/form-token.ts'
import { COOKIE, type Data, failure, type Scenario, setUp, signedIn } from '../manager/scenario.ts'
import { fails } from '../manager/scripted-store.ts'

const warn = vi.spyOn(console, 'warn')
beforeEach(() => {
  warn.mockReset().mockImplementation(() => {})
})
afterEach(() => {
  warn.mockReset()
})

/** What becomes of a request with the cookie: its session, or the code of the error it meets, at the latest when it looks. */
async function meets(scenario: Scenario, facts: RequestFacts): Promise<string> {
  try {
    return (await scenario.browser.open(facts)).state
  } catch (error) {
    return (error as CsrfError).code
  }
}

const REFUSED = 'ERR_SESS_CSRF'
const OK = 'authenticated'
const HOST = { host: 'shop.example' }

describe('where a request comes from', () => {
  it.each<[string, RequestFacts, string]>([
    ['own origin', { method: 'POST', headers: { ...HOST, origin: 'https://shop.example' } }, OK],
    ['another', { method: 'POST', headers: { ...HOST, origin: 'https://evil.example' } }, REFUSED],
    ['over http', { method: 'POST', headers: { ...HOST, origin: 'http://shop.example' } }, REFUSED],
    [
      'default port in Host',
      { method: 'POST', headers: { host: 'shop.example:443', origin: 'https://shop.example' } },
      OK,
    ],
    [
      'another port in Host',
      { method: 'POST', headers: { host: 'shop.example:444', origin: 'https://shop.example' } },
      REFUSED,
    ],
    ['capitals in Host', { method: 'POST', headers: { host: 'Shop.Example', origin: 'https://shop.example' } }, OK],
    ['HTTP/2', { method: 'POST', headers: { ':authority': 'shop.example', origin: 'https://shop.example' } }, OK],
    ['no Host', { method: 'POST', headers: { origin: 'https://shop.example' } }, REFUSED],
    [
      'an address in the request line',
      { method: 'POST', url: 'https://shop.example/', headers: { origin: 'https://shop.example' } },
      REFUSED,
    ],
    [
      'the adapter knows better',
      {
        method: 'POST',
        origin: 'https://shop.example:443',
        headers: { host: '127.0.0.1:3000', origin: 'https://shop.example' },
      },
      OK,
    ],
    ['its Referer', { method: 'POST', headers: { ...HOST, referer: 'https://shop.example/a?b' } }, OK],
    [
      'a Referer that starts the same',
      { method: 'POST', headers: { ...HOST, referer: 'https://shop.example.evil.example/' } },
      REFUSED,
    ],
    ['a Referer that is no address', { method: 'POST', headers: { ...HOST, referer: '/page' } }, REFUSED],
    [
      'lists of headers',
      { method: 'POST', headers: { ...HOST, origin: ['https://shop.example', 'https://evil.example'] } },
      REFUSED,
    ],
    ['a method in small letters', { method: 'get', headers: HOST }, REFUSED],
    ['TRACE', { method: 'TRACE', headers: { ...HOST, 'sec-fetch-site': 'cross-site' } }, REFUSED],
    ['a method nobody knows', { method: 'PURGE', headers: { ...HOST, 'sec-fetch-site': 'same-site' } }, REFUSED],
    ['no method and nothing else', { headers: HOST }, OK],
    ['no method, a link elsewhere', { headers: { ...HOST, 'sec-fetch-site': 'cross-site' } }, OK],
    ['no method, another origin', { headers: { ...HOST, origin: 'https://evil.example' } }, REFUSED],
    ['no method, own origin', { headers: { ...HOST, origin: 'https://shop.example' } }, OK],
    [
      'an upgrade of another origin',
      { method: 'GET', upgrade: true, headers: { ...HOST, origin: 'https://evil.example' } },
      REFUSED,
    ],
    [
      'an upgrade of an own page',
      { method: 'GET', upgrade: true, headers: { ...HOST, origin: 'https://shop.example' } },
      OK,
    ],
    ['an upgrade that is no browser', { method: 'GET', upgrade: true, headers: HOST }, OK],
    ['a POST that cannot be answered with a cookie', { method: 'POST', upgrade: true, headers: HOST }, REFUSED],
  ])('%s', async (_, facts, expected) => {
    expect(await meets(await signedIn(), facts)).toBe(expected)
  })

  it.each<[string, CsrfOption, RequestFacts, string]>([
    ['nist lets a handshake pass', 'nist', { method: 'GET', upgrade: true, headers: HOST }, OK],
    ['apiOnly too', 'apiOnly', { method: 'GET', upgrade: true, headers: HOST }, OK],
    [
      'apiOnly refuses that of another origin',
      'apiOnly',
      { upgrade: true, headers: { ...HOST, origin: 'https://x.example' } },
      REFUSED,
    ],
    [
      'a custom scheme can be listed',
      { origins: ['capacitor://localhost'] },
      { method: 'POST', headers: { ...HOST, origin: 'capacitor://localhost' } },
      OK,
    ],
    [
      'a listed Referer',
      { origins: ['https://a.example'] },
      { method: 'POST', headers: { ...HOST, referer: 'https://a.example/x' } },
      OK,
    ],
    ['deny, for a handshake', { missing: 'deny' }, { method: 'GET', upgrade: true, headers: HOST }, OK],
  ])('%s', async (_, csrf, facts, expected) => {
    expect(await meets(await signedIn({ csrf }), facts)).toBe(expected)
  })

  it('is told by a Web Request', async () => {
    const { sessions } = setUp()
    const post = (headers: Record<string, string>) =>
      sessions.open(new Request('https://shop.example/a', { method: 'POST', headers }))
    expect((await post({ origin: 'https://shop.example' })).state).toBe('anonymous')
    expect((await failure(post({ origin: 'https://evil.example' }))).code).toBe(REFUSED)
    expect((await failure(post({ origin: 'https://shop.example@evil.example' }))).code).toBe(REFUSED)
  })

  it('does not matter without headers, or with a token that the caller took from elsewhere', async () => {
    const scenario = await signedIn()
    const { sessions, browser } = scenario
    const cookie = `${COOKIE}=${browser.cookie}`
    expect((await sessions.open({ method: 'POST', cookie })).subject).toBe('ada')
    const facts = { method: 'POST', token: browser.cookie ?? '', headers: { origin: 'https://evil.example' } }
    expect((await sessions.open({ ...facts, secure: true })).subject).toBe('ada')
  })

  it('does not matter where a header carries the token', async () => {
    const { sessions } = setUp({ transport: { header: 'x-session' } })
    const session = await sessions.open({ method: 'POST', secure: true, headers: { origin: 'https://evil.example' } })
    expect(() => session.csrfToken()).toThrow(/has no use with `transport/)
    session.signIn('ada')
    expect(needsFormToken(session)).toBe(false)
    expect(() => verifyForm(session, {})).not.toThrow()
    expect(() => session.verifyCsrf('x')).not.toThrow()
  })
})

type CsrfOption = NonNullable<SessionsOptions['csrf']>

describe('a request that needs a token', () => {
  const silent = { method: 'POST', url: '/transfer?to=eve#x', headers: HOST }

  it('opens, and is refused at each look, with one event', async () => {
    const { browser, events, drainEvents } = await signedIn()
    const session = await browser.open(silent)
    expect(drainEvents()).toEqual([])
    for (const look of [
      () => session.subject,
      () => session.data,
      () => session.signIn('eve'),
      () => session.signOut(),
    ])
      expect(look).toThrow(expect.objectContaining({ code: REFUSED }))
    expect(events).toMatchObject([
      {
        type: 'csrf-refused',
        subject: 'ada',
        reason: 'token',
        enforced: true,
        method: 'POST',
        path: '/transfer',
        origin: null,
      },
    ])
    await session.commit()
    expect(session.toHeaders()).toEqual([
      ['Cache-Control', 'no-store'],
      ['Vary', 'Origin'],
      ['Vary', 'Sec-Fetch-Site'],
      ['Vary', 'Sec-Fetch-Mode'],
      ['Vary', 'Sec-Fetch-Dest'],
    ])
    expect((await browser.open({ method: 'GET' })).subject).toBe('ada')
  })

  it.each([undefined, null])('may carry it in the header where the body has none: %s', async (none) => {
    const { browser } = await signedIn()
    const token = (await browser.open({ method: 'GET' })).csrfToken()
    const session = await browser.open({ ...silent, headers: { ...HOST, 'x-csrf-token': token } })
    session.verifyCsrf(none)
    expect(session.subject).toBe('ada')
    const other = await browser.open({ ...silent, headers: { ...HOST, 'x-csrf-token': token } })
    expect(() => other.verifyCsrf('A'.repeat(87))).toThrow(expect.objectContaining({ code: REFUSED }))
  })

  it('can be logged without a look', async () => {
    const { browser } = await signedIn()
    const session = await browser.open(silent)
    expect(JSON.stringify(session)).toContain('authenticated')
    expect(inspect(session)).toContain('authenticated')
  })

  it('is let through by verifyCsrf(), once and for all its looks', async () => {
    const { browser } = await signedIn()
    const token = (await browser.open({ method: 'GET' })).csrfToken()
    const session = await browser.open(silent)
    expect(needsFormToken(session)).toBe(true)
    session.verifyCsrf(token)
    expect(needsFormToken(session)).toBe(false)
    expect(session.subject).toBe('ada')
    expect(() => session.verifyCsrf('nothing to prove any more')).not.toThrow()
  })

  it.each<[string, (token: string) => unknown]>([
    ['an object', (token) => ({ _csrf: token })],
    ['one without prototype', (token) => Object.assign(Object.create(null), { _csrf: token })],
    ['URLSearchParams', (token) => new URLSearchParams({ _csrf: token })],
    ['FormData', (token) => form(token)],
    ['an object with a field `get`', (token) => ({ get: 'cash', _csrf: token })],
    ['a multipart field', (token) => ({ _csrf: { type: 'field', value: token } })],
  ])('finds the field in %s', async (_, bodyOf) => {
    const { browser } = await signedIn()
    const token = (await browser.open({ method: 'GET' })).csrfToken()
    const session = await browser.open(silent)
    verifyForm(session, bodyOf(token))
    expect(session.subject).toBe('ada')
  })

  it.each<[string, (token: string) => unknown]>([
    ['text', (token) => `_csrf=${token}`],
    ['nothing', () => undefined],
    ['null', () => null],
    ['a list', (token) => [token]],
    ['an inherited field', (token) => Object.create({ _csrf: token })],
    ['a field with several values', (token) => ({ _csrf: [token, token] })],
    ['another field', (token) => ({ csrf: token })],
  ])('finds none in %s', async (_, bodyOf) => {
    const { browser } = await signedIn()
    const token = (await browser.open({ method: 'GET' })).csrfToken()
    const session = await browser.open(silent)
    expect(() => verifyForm(session, bodyOf(token))).toThrow(expect.objectContaining({ code: REFUSED }))
  })

  it('says to the developer how to send one, once', async () => {
    const { browser } = await signedIn()
    for (let turn = 0; turn < 3; turn += 1) {
      const session = await browser.open(silent)
      expect(() => session.subject).toThrow()
    }
    expect(warn.mock.calls.flat()).toEqual([
      'sess: a POST without Sec-Fetch-Site and Origin (no browser sends that) needs a form token: session.csrfToken() in the field `_csrf`, read by csrf(sessions) behind the body parser, or by session.verifyCsrf(token); or in the header `x-csrf-token`. Clients of your own can send Origin.',
    ])
  })

  it('says the same of the nist profile in its own words', async () => {
    const { browser } = await signedIn({ csrf: 'nist' })
    const session = await browser.open({ ...silent, headers: { 'sec-fetch-site': 'same-origin' } })
    expect(needsFormToken(session)).toBe(true)
    expect(() => session.subject).toThrow()
    expect(warn.mock.calls.flat()).toEqual([
      'sess: a POST in the nist profile needs a form token: session.csrfToken() in the field `_csrf`, read by csrf(sessions) behind the body parser, or by session.verifyCsrf(token).',
    ])
  })
})

function form(token: string): FormData {
  const data = new FormData()
  data.set('_csrf', token)
  return data
}

describe('a refusal', () => {
  it('has the same words for every reason, and a response of its own', async () => {
    const { browser } = await signedIn({ csrf: 'nist' })
    const errors = [
      await failure(browser.open({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })),
      await failure(browser.open({ method: 'POST', headers: { origin: 'null' } })),
      await failure(browser.open({ method: 'POST' }).then((session) => session.subject)),
      await failure(browser.open({ method: 'POST' }).then((session) => session.verifyCsrf('A'.repeat(87)))),
    ] as CsrfError[]
    expect(new Set(errors.map(({ message }) => message)).size).toBe(1)
    for (const error of errors) {
      expect(error).toMatchObject({ name: 'CsrfError', code: REFUSED, status: 403, expose: true })
      const response = error.getResponse()
      expect([response.status, response.headers.get('cache-control')]).toEqual([403, 'no-store'])
      expect(response.headers.get('vary')).toBe('Origin, Sec-Fetch-Site, Sec-Fetch-Mode, Sec-Fetch-Dest')
    }
  })

  it('tells an origin only if it can be one', async () => {
    const { browser, events } = await signedIn()
    for (const origin of ['https://evil.example', 'a b', 'x'.repeat(256)])
      await failure(browser.open({ method: 'POST', url: 'https://shop.example/a?b', headers: { ...HOST, origin } }))
    expect(warn).not.toHaveBeenCalled()
    expect(events).toMatchObject([
      { origin: 'https://evil.example', path: '/a', handle: null },
      { origin: null },
      { origin: null },
    ])
  })

  it('tells the whole path, addresses in it included', async () => {
    const { browser, events } = await signedIn()
    const url = '/go/https://a.example/b?c'
    await failure(browser.open({ method: 'POST', url, headers: { ...HOST, origin: 'https://evil.example' } }))
    expect(events).toMatchObject([{ path: '/go/https://a.example/b' }])
  })

  it('tells no path where the facts have none', async () => {
    const { browser, events } = await signedIn()
    await failure(browser.open({ headers: { ...HOST, origin: 'https://evil.example' } }))
    expect(events).toMatchObject([{ method: null, path: null }])
  })
})

describe('csrfToken()', () => {
  const get = { method: 'GET' }

  it('is 65 bytes of base64url that change each time, and holds no secret of the session', async () => {
    const { browser } = await signedIn()
    const session = await browser.open(get)
    const tokens = Array.from({ length: 1000 }, () => session.csrfToken())
    expect(new Set(tokens).size).toBe(1000)
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{87}$/)
    const [sid = ''] = browser.cookie?.split('.') ?? []
    expect(tokens.some((token) => token.includes(sid))).toBe(false)
    expect(session.toHeaders().map(([name]) => name)).toEqual(['Cache-Control', 'Vary'])
  })

  it('of a visitor needs a cookie, so not after the headers, and not over plain http', async () => {
    const { sessions } = setUp()
    const late = await sessions.open({ ...get, secure: true, upgrade: true, headers: {} })
    expect(() => late.csrfToken()).toThrow(/csrfToken\(\) for a visitor needs a Set-Cookie header/)
    const plain = await sessions.open({ ...get, secure: false, headers: HOST })
    expect(() => plain.csrfToken()).toThrow(expect.objectContaining({ code: 'ERR_SESS_INSECURE' }))
  })

  it('of a visitor uses a development cookie on loopback', async () => {
    const { sessions } = setUp()
    const facts = { ...get, secure: false, ip: '127.0.0.1', headers: { host: 'localhost:3000' } }
    const session = await sessions.open(facts)
    const token = session.csrfToken()
    const [, line = ''] = session.toHeaders().find(([name]) => name === 'Set-Cookie') ?? []
    expect(line).toMatch(/^sid-csrf=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
    const cookie = line.slice(0, line.indexOf(';'))
    const post = await sessions.open({ ...facts, method: 'POST', headers: { ...facts.headers, cookie } })
    post.verifyCsrf(token)
    expect(post.state).toBe('anonymous')
  })

  it.each(['x', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}%`])(
    'takes no cookie like %s for a visitor’s',
    async (value) => {
      const { sessions } = setUp()
      const headers = { cookie: `__Host-Http-sid-csrf=${value}` }
      const session = await sessions.open({ ...get, secure: true, headers })
      session.csrfToken()
      expect(session.toHeaders()[0]).toEqual(['Set-Cookie', expect.stringMatching(/^__Host-Http-sid-csrf=[\w-]{43};/)])
      const post = await sessions.open({ method: 'POST', secure: true, headers })
      expect(() => post.verifyCsrf('A'.repeat(87))).toThrow(expect.objectContaining({ code: REFUSED }))
    },
  )

  it('draws one secret for all the forms of a page', async () => {
    const { sessions } = setUp()
    const session = await sessions.open({ ...get, secure: true, headers: {} })
    session.csrfToken()
    session.csrfToken()
    expect(session.toHeaders().filter(([name]) => name === 'Set-Cookie')).toHaveLength(1)
  })

  it.each<[string, (session: Session<Data>) => void]>([
    ['signIn()', (session) => session.signIn('grace')],
    ['reauthenticate()', (session) => session.reauthenticate({ method: 'password' })],
    ['a hard rotate()', (session) => session.rotate({ hard: true })],
  ])('after %s wants the commit first, and is good afterwards', async (_, change) => {
    const { browser } = await signedIn()
    const session = await browser.open(get)
    change(session)
    expect(() => session.csrfToken()).toThrow(expect.objectContaining({ code: 'ERR_SESS_CONFIG' }))
    expect(() => session.csrfToken()).toThrow(/needs `await session\.commit\(\)` in between/)
    await session.commit()
    const token = session.csrfToken()
    browser.receive(session)
    const post = await browser.open({ method: 'POST' })
    post.verifyCsrf(token)
    expect(post.state).toBe('authenticated')
  })

  it('after lock() and a soft rotate() goes on', async () => {
    const { browser } = await signedIn()
    const session = await browser.open(get)
    session.rotate()
    session.csrfToken()
    session.lock()
    const token = session.csrfToken()
    await session.commit()
    const post = await browser.open({ method: 'POST' })
    post.verifyCsrf(token)
    expect(post.state).toBe('locked')
  })

  it('after signOut() is a visitor’s', async () => {
    const { sessions, browser } = await signedIn()
    const session = await browser.open(get)
    session.signOut()
    const token = session.csrfToken()
    await session.commit()
    const cookies = session.toHeaders().filter(([name]) => name === 'Set-Cookie')
    expect(cookies).toHaveLength(2)
    const cookie = cookies[1]?.[1].split(';')[0]
    const post = await sessions.open({ method: 'POST', secure: true, headers: { cookie } })
    post.verifyCsrf(token)
    expect(post.state).toBe('anonymous')
  })

  it('after a commit that failed is a visitor’s', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open(get)
    session.data.cart = 1
    store.next('replace', fails, fails)
    await failure(session.commit())
    session.csrfToken()
    expect(session.toHeaders()[0]).toEqual(['Set-Cookie', expect.stringMatching(/^__Host-Http-sid-csrf=/)])
  })

  it('is an HMAC under a key of its own purpose, so that it stays good from release to release', async () => {
    const key = Uint8Array.from({ length: 32 }, (_, at) => (at * 7 + 5) % 256)
    const { browser } = await signedIn({ keys: [key] })
    const secret = unmaskSecret((await browser.open(get)).csrfToken()) ?? ''
    const signed = `sess/csrf/v1.session.${browser.cookie?.split('.')[0]}.0`
    expect(new Keyring(() => [key], 'csrf').verify(signed, secret)).toBe(0)
  })

  it('of a visitor is good with the same cookie twice, and not with two', async () => {
    const { sessions } = setUp()
    const page = await sessions.open({ ...get, secure: true, headers: {} })
    const token = page.csrfToken()
    const cookie = page.toHeaders()[0]?.[1].split(';')[0]
    const post = (second: string | undefined) =>
      sessions.open({ method: 'POST', secure: true, headers: { cookie: `${cookie}; ${second}` } })
    const twice = await post(cookie)
    twice.verifyCsrf(token)
    expect(twice.state).toBe('anonymous')
    const planted = await post(`__Host-Http-sid-csrf=${'A'.repeat(43)}`)
    expect(() => planted.verifyCsrf(token)).toThrow(expect.objectContaining({ code: REFUSED }))
  })

  it('serves the login form of a request whose session cannot be loaded', async () => {
    const { store, sessions, browser } = await signedIn({ onStoreError: 'anonymous' })
    const open = (facts: RequestFacts) => {
      store.next('get', fails)
      return browser.open(facts)
    }
    const page = await open(get)
    expect(page.refused).toBe('store')
    const token = page.csrfToken()
    const visitor = page
      .toHeaders()
      .find(([name]) => name === 'Set-Cookie')?.[1]
      .split(';')[0]
    const cookie = `${COOKIE}=${browser.cookie}; ${visitor}`
    store.next('get', fails)
    const post = await sessions.open({ method: 'POST', secure: true, headers: { cookie } })
    post.verifyCsrf(token)
    expect(post.refused).toBe('store')
  })

  it('is verified by every key of the ring, and by no other', async () => {
    const key = (step: number) => Uint8Array.from({ length: 32 }, (_, at) => (at * step + 5) % 256)
    const [old, next, other] = [key(7), key(11), key(13)] as [Uint8Array, Uint8Array, Uint8Array]
    const { store, clock, browser } = await signedIn({ keys: [old] })
    const token = (await browser.open(get)).csrfToken()
    const verify = async (keys: Uint8Array[]) => {
      const sessions = createSessions<Data>({ store, clock, keys })
      const headers = { cookie: `${COOKIE}=${browser.cookie}` }
      const session = await sessions.open({ method: 'POST', secure: true, headers })
      session.verifyCsrf(token)
      return session.state
    }
    expect(await verify([next, old])).toBe('authenticated')
    await expect(verify([next, other])).rejects.toMatchObject({ code: REFUSED })
  })

  it('is no session token, nor the other way round', async () => {
    const { browser } = await signedIn()
    const token = (await browser.open(get)).csrfToken()
    const [sid, generation, mac = ''] = browser.cookie?.split('.') ?? []
    const session = await browser.open({ method: 'POST' })
    for (const text of [browser.cookie, mac, `${sid}.${generation}`, 'x'.repeat(87)])
      expect(() => session.verifyCsrf(text)).toThrow(expect.objectContaining({ code: REFUSED }))
    browser.cookie = `${sid}.${generation}.${token.slice(0, 43)}`
    expect((await browser.open(get)).state).toBe('anonymous')
  })
})

it('is judged without a throw of anything else, whatever the headers say', async () => {
  const { sessions, store } = setUp({ csrf: { isolation: 'same-origin', origins: ['https://a.example'] } })
  const text = fc.oneof(
    fc.constantFrom(
      'same-origin',
      'cross-site',
      'none',
      'null',
      'https://shop.example',
      'https://a.example',
      '',
      'application/json',
    ),
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
  )
  const name = fc.constantFrom(
    ...[
      'host',
      ':authority',
      'origin',
      'referer',
      'sec-fetch-site',
      'sec-fetch-mode',
      'sec-fetch-dest',
      'content-type',
    ],
    ...['cookie', 'x-csrf-token'],
  )
  const facts = fc.record(
    {
      method: fc.oneof(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'), fc.string()),
      url: text,
      headers: fc.dictionary(name, fc.oneof(text, fc.array(text))),
      upgrade: fc.boolean(),
      secure: fc.boolean(),
    },
    { requiredKeys: ['headers'] },
  )
  await fc.assert(
    fc.asyncProperty(facts, text, async (each, token) => {
      const outcome = await sessions
        .open(each)
        .then((session) => {
          session.verifyCsrf(token)
          return session.state
        })
        .catch((error) => error.code)
      expect(['anonymous', REFUSED]).toContain(outcome)
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 2000) },
  )
  expect(store.calls).toEqual([])
})

it('judges headers of a megabyte at once', async () => {
  const { sessions } = setUp()
  const long = 'https://a:'.repeat(100_000)
  const headers = { host: long, origin: long, referer: `${long}?#`, 'content-type': long, 'x-csrf-token': long }
  const from = performance.now()
  const opening = sessions.open({ method: 'POST', url: `${long}${'?#'.repeat(100_000)}`, headers })
  expect((await failure(opening)).code).toBe(REFUSED)
  // What looks at every pair of characters takes minutes.
  expect(performance.now() - from).toBeLessThan(2000)
})

it('with `csrf: false` gives tokens and verifies none', async () => {
  const { browser } = await signedIn({ csrf: false })
  const session = await browser.open({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
  expect(session.csrfToken()).toHaveLength(87)
  expect(() => verifyForm(session, {})).not.toThrow()
})

it('exempts from isolation too', async () => {
  const exempt = ({ url }: RequestFacts) => url === '/widget'
  const { browser } = await signedIn({ csrf: { isolation: 'same-origin', exempt } })
  const image = { method: 'GET', headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } }
  expect((await browser.open({ ...image, url: '/widget' })).subject).toBe('ada')
  const session = await browser.open({ ...image, url: '/' })
  expect(() => session.subject).toThrow(expect.objectContaining({ code: REFUSED }))
})

it('reports what isolation would refuse', async () => {
  const { browser, events } = await signedIn({ csrf: { isolation: 'same-origin', reportOnly: true } })
  const session = await browser.open({ method: 'GET', headers: { 'sec-fetch-site': 'cross-site' } })
  expect(session.subject).toBe('ada')
  expect(events).toMatchObject([{ type: 'csrf-refused', reason: 'embedded', enforced: false }])
})
