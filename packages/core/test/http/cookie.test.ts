import { ConfigError, type CookieOptions, CookieTooLargeError, createSessions } from '@sess/core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clearCookie, readCookieOptions, writeCookie } from '../../src/http/cookie.ts'
import { COOKIE, cookieOf, HOUR, MINUTE, SECOND, setUp, signedIn } from '../manager/scenario.ts'
import { ScriptedStore } from '../manager/scripted-store.ts'

/** RFC 6265bis §4.1.1, with the attributes that we use. */
const SET_COOKIE =
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*(?:; (?:Path=\/[\x20-\x3a\x3c-\x7e]*|Domain=[A-Za-z0-9.-]+|Secure|HttpOnly|SameSite=(?:Lax|Strict|None)|Partitioned|Max-Age=(?:0|[1-9][0-9]*)|Expires=[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT))*$/

function problem(cookie: unknown): Error {
  try {
    // What JavaScript callers may hand in.
    createSessions({ store: new ScriptedStore(), cookie: cookie as CookieOptions })
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('expected an error')
}

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('the session cookie', () => {
  it.each<[string, CookieOptions, string, string]>([
    ['by default', {}, '__Host-Http-sid', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
    ['named', { name: 'app' }, '__Host-Http-app', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
    ['with a path', { path: '/shop' }, '__Secure-sid', 'Path=/shop; Secure; HttpOnly; SameSite=Lax'],
    [
      'shared by subdomains',
      { domain: 'example.com' },
      '__Secure-sid',
      'Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax',
    ],
    ['strict', { sameSite: 'strict' }, '__Host-Http-sid', 'Path=/; Secure; HttpOnly; SameSite=Strict'],
    [
      'embedded',
      { sameSite: 'none', partitioned: true },
      '__Host-Http-sid',
      'Path=/; Secure; HttpOnly; SameSite=None; Partitioned',
    ],
    ['with a prefix of its own', { name: '__Host-id' }, '__Host-id', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
    ['with a weaker prefix', { name: '__Secure-id' }, '__Secure-id', 'Path=/; Secure; HttpOnly; SameSite=Lax'],
    ['__Http- and a path', { name: '__Http-id', path: '/a' }, '__Http-id', 'Path=/a; Secure; HttpOnly; SameSite=Lax'],
  ])('%s', (_, options, name, attributes) => {
    expect(readCookieOptions(options).secure).toEqual({ name, attributes })
  })

  it.each<[string, CookieOptions, string, string]>([
    ['by default', {}, 'sid', 'Path=/; HttpOnly; SameSite=Lax'],
    ['with a prefix of its own', { name: '__Host-id' }, 'id', 'Path=/; HttpOnly; SameSite=Lax'],
    ['embedded', { sameSite: 'none', partitioned: true }, 'sid', 'Path=/; HttpOnly; SameSite=Lax'],
    ['strict', { sameSite: 'strict', domain: 'example.com' }, 'sid', 'Path=/; HttpOnly; SameSite=Strict'],
  ])('in development, %s: no prefix, no Secure, this host', (_, options, name, attributes) => {
    expect(readCookieOptions(options).development).toEqual({ name, attributes })
  })

  it.each<[string, unknown, RegExp]>([
    ['an empty name', { name: '' }, /`cookie\.name` must be a token/],
    ['a name with a space', { name: 'my sid' }, /`cookie\.name` must be a token/],
    ['a name with an equals sign', { name: 'a=b' }, /`cookie\.name` must be a token/],
    ['a name with a semicolon', { name: 'a;b' }, /`cookie\.name` must be a token/],
    ['a name with a line break', { name: 'a\nb' }, /`cookie\.name` must be a token/],
    ['a name beyond ASCII', { name: 'sitzüng' }, /`cookie\.name` must be a token/],
    ['a prefix in another case', { name: '__host-id' }, /write the prefix as __Host-/],
    ['a prefix and nothing else', { name: '__Secure-' }, /consists of a prefix only/],
    ['__Host- with a path', { name: '__Host-id', path: '/a' }, /__Host- allows neither.*Use __Secure-id/],
    ['__Host-Http- with a domain', { name: '__Host-Http-id', domain: 'a.com' }, /__Host-Http- allows neither/],
    ['a relative path', { path: 'shop' }, /`cookie\.path` must start with "\/"/],
    ['a path with a semicolon', { path: '/a;b' }, /`cookie\.path`/],
    ['a path with a line break', { path: '/a\r\nSet-Cookie: x=y' }, /`cookie\.path`/],
    ['a path of 1025 octets', { path: `/${'a'.repeat(1024)}` }, /longer than 1024 octets/],
    ['maxAge', { maxAge: 1000 }, /`cookie.maxAge` is no option.*persistent/],
    ['secure: false', { secure: false }, /`cookie.secure` is no option.*always set/],
    ['a leading dot', { domain: '.example.com' }, /`cookie\.domain`.*without a leading dot/],
    ['a port', { domain: 'example.com:80' }, /`cookie\.domain`/],
    ['an empty domain', { domain: '' }, /`cookie\.domain`/],
    ['a domain with more', { domain: 'a.com; Secure' }, /`cookie\.domain`/],
    ['an unknown SameSite', { sameSite: 'Lax' }, /`cookie\.sameSite` must be/],
  ])('refuses %s at construction', (_, cookie, message) => {
    expect(problem(cookie)).toBeInstanceOf(ConfigError)
    expect(problem(cookie).message).toMatch(message)
  })

  it('refuses a name that leaves no room for the token, before any header is written', () => {
    const error = problem({ name: 'n'.repeat(4000) })
    expect(error).toBeInstanceOf(CookieTooLargeError)
    expect(error).toMatchObject({ code: 'ERR_SESS_COOKIE_TOO_LARGE', status: 500 })
    const longest = 4096 - '__Host-Http-'.length - 97
    expect(problem({ name: 'n'.repeat(longest + 1) })).toBeInstanceOf(CookieTooLargeError)
    expect(() => readCookieOptions({ name: 'n'.repeat(longest) })).not.toThrow()
  })
})

describe('a Set-Cookie line', () => {
  const options: fc.Arbitrary<CookieOptions> = fc.record(
    {
      name: fc
        .stringMatching(/^[!#$%&'*+.^_`|~A-Za-z0-9-]{1,20}$/)
        .filter((name) => !/^__(host|http|secure)-/i.test(name)),
      path: fc.stringMatching(/^\/[!-:<-~]{0,10}$/),
      domain: fc.constantFrom('example.com', 'a.b.example'),
      sameSite: fc.constantFrom('lax', 'strict', 'none'),
      strictWrites: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  const valid = options
    .filter(({ sameSite = 'lax', strictWrites = false }) => sameSite === 'lax' || !strictWrites)
    .chain((cookie) =>
      fc.boolean().map((partitioned) => ({ ...cookie, partitioned: partitioned && cookie.sameSite === 'none' })),
    )
  const lifetimes = fc.option(fc.integer({ min: -10_000, max: 10 ** 13 }), { nil: null })

  it('fits the grammar, whatever the options', () => {
    fc.assert(
      fc.property(valid, lifetimes, (cookie, lifetime) => {
        const { secure, development } = readCookieOptions(cookie)
        for (const shape of [secure, development]) {
          expect(writeCookie(shape, 'a.0.b-_', lifetime)).toMatch(SET_COOKIE)
          expect(clearCookie(shape)).toMatch(SET_COOKIE)
          expect(clearCookie(shape).startsWith(`${shape.name}=; ${shape.attributes}; Max-Age=0`)).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('has no lifetime by default, and one of at most 400 days otherwise', () => {
    const { secure } = readCookieOptions({})
    const maxAge = (ms: number) => /Max-Age=(.*)$/.exec(writeCookie(secure, 'v', ms))?.[1]
    expect(writeCookie(secure, 'v', null)).toBe('__Host-Http-sid=v; Path=/; Secure; HttpOnly; SameSite=Lax')
    expect(maxAge(1999)).toBe('1')
    expect(maxAge(-1)).toBe('0')
    expect(maxAge(400 * 24 * HOUR)).toBe('34560000')
    expect(maxAge(400 * 24 * HOUR + SECOND)).toBe('34560000')
  })
})

describe('on the way through a session', () => {
  const line = (session: { toHeaders(): [string, string][] }) =>
    session.toHeaders().find(([name]) => name === 'Set-Cookie')?.[1] ?? ''
  const plain = (token: RegExp) => new RegExp(`^${COOKIE}=${token.source}; Path=/; Secure; HttpOnly; SameSite=Lax$`)
  const TOKEN = /[\w-]{43}\.\d+\.[\w-]{43}/

  it('a first write, a sign-in, a rotation and a reauthentication set it alike', async () => {
    const { browser, clock } = setUp()
    const first = await browser.request((session) => {
      session.data.cart = 1
    })
    const signed = await browser.request((session) => session.signIn('ada'))
    clock.advance(16 * MINUTE)
    const rotated = await browser.request()
    const proved = await browser.request((session) => session.reauthenticate({ method: 'totp' }))
    for (const session of [first, signed, rotated, proved]) {
      expect(line(session)).toMatch(plain(TOKEN))
      expect(line(session)).toMatch(SET_COOKIE)
    }
  })

  it('a persistent one lives for the rest of the absolute lifetime, after a rotation too', async () => {
    const { browser, clock } = setUp({ persistent: { absolute: '10h' } })
    const signed = await browser.request((session) => session.signIn('ada', { persistent: true }))
    expect(line(signed)).toMatch(/; Max-Age=36000$/)
    expect(signed.persistent).toBe(true)
    clock.advance(20 * MINUTE)
    const rotated = await browser.request()
    expect(line(rotated)).toMatch(new RegExp(`; Max-Age=${36_000 - 1200}$`))
  })

  it('a persistent one is capped at 400 days', async () => {
    const { browser } = setUp({ absolute: '1000d', idle: '500d' })
    const signed = await browser.request((session) => session.signIn('ada', { persistent: true }))
    expect(line(signed)).toMatch(/; Max-Age=34560000$/)
  })

  it('a sign-out clears it: same name, place and attributes', async () => {
    const { browser } = await signedIn({ cookie: { domain: 'example.com', sameSite: 'strict' } })
    browser.cookie = null
    const { browser: plainBrowser } = await signedIn()
    const session = await plainBrowser.request((current) => current.signOut())
    expect(line(session)).toBe(
      `${COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`,
    )
    expect(cookieOf(session)).toBe('')
  })
})
