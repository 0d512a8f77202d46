import { ConfigError, type Freshness, FreshnessError, NotMountedError, SessionInterruptedError } from '@sess/core'
import { freshnessGuard } from '@sess/core/http'
import { describe, expect, it } from 'vitest'
import { Browser, COOKIE, HOUR, MINUTE, setUp, signedIn } from './scenario.ts'
import { fails } from './scripted-store.ts'

describe('requireFresh()', () => {
  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /`maxAge` is undefined; use milliseconds/],
    ['null', null, /`maxAge` is null/],
    ['no age', {}, /`maxAge` is undefined/],
    ['an age of 0', 0, /`maxAge` must be longer than 0/],
    [
      'a misspelt name',
      { maxage: '5m' },
      /`maxage` is nothing that can be required\. There are: maxAge, methods, level\./,
    ],
    ['one method', { maxAge: '5m', methods: 'pwd' }, /`methods` must be an array of names/],
    ['numbers for methods', { maxAge: '5m', methods: [1] }, /`methods` must be an array of names/],
    ['a level in words', { maxAge: '5m', level: 'high' }, /`level` is "high"; use a number/],
  ])('refuses %s, also where nobody is signed in and where the guard is made', async (_, freshness, message) => {
    const session = await setUp().browser.open()
    // What JavaScript callers may hand in.
    const asked = freshness as Freshness
    expect(() => session.requireFresh(asked)).toThrow(message)
    expect(() => session.isFresh(asked)).toThrow(ConfigError)
    expect(() => freshnessGuard(asked)).toThrow(ConfigError)
  })

  it('lets a session pass that was signed in recently, as of the arrival', async () => {
    const { browser, clock } = await signedIn()
    const session = await browser.open()
    clock.advance(HOUR)
    expect(session.requireFresh('5m')).toBeUndefined()
    expect(session.isFresh(1)).toBe(true)
  })

  it('counts what this request says, before and after it is committed', async () => {
    const { browser, clock } = await signedIn()
    clock.advance(10 * MINUTE)
    const session = await browser.open()
    expect(session.isFresh('5m')).toBe(false)
    session.reauthenticate({ method: 'otp', level: 2 })
    expect(session.isFresh({ maxAge: '5m', methods: ['otp'], level: 2 })).toBe(true)
    await session.commit()
    expect(session.isFresh({ maxAge: '5m', methods: ['otp'], level: 2 })).toBe(true)
    session.signOut()
    expect(session.isFresh('5m')).toBe(false)
    session.signIn('ada', { methods: ['pwd'] })
    expect(session.isFresh({ maxAge: '5m', methods: ['pwd'] })).toBe(true)
    expect(session.isFresh({ maxAge: '5m', level: 1 })).toBe(false)
  })

  it('says why it refuses and what it asked for', async () => {
    const { browser, clock } = await signedIn()
    clock.advance(10 * MINUTE)
    const session = await browser.open()
    try {
      session.requireFresh({ maxAge: '90s', methods: ['otp'], level: 2 })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(FreshnessError)
      expect(error).toMatchObject({ reason: 'methods', demand: { maxAgeMs: 90_000, methods: ['otp'], level: 2 } })
    }
  })

  it('tells a locked session from a signed-out one', async () => {
    const { browser } = await signedIn()
    await browser.request((session) => session.lock())
    const session = await browser.open()
    expect(() => session.requireFresh('5m')).toThrow(expect.objectContaining({ reason: 'locked' }))
    const visitor = await setUp().browser.open()
    expect(() => visitor.requireFresh('5m')).toThrow(expect.objectContaining({ reason: 'signed-out' }))
  })

  it('asks nobody to sign in whose session is only out of sight', async () => {
    const { browser, store } = await signedIn({ onStoreError: 'anonymous' })
    const older = browser.copy()
    await browser.request((session) => session.rotate({ hard: true }))
    const superseded = await older.open()
    expect(superseded.isFresh('5m')).toBe(false)
    expect(() => superseded.requireFresh('5m')).toThrow(SessionInterruptedError)
    expect(() => superseded.requireFresh('5m')).toThrow(/this request was refused \(superseded\)/)
    const before = browser.copy()
    await browser.request((session) => session.signIn('ada'))
    const replaced = await before.open()
    expect(() => replaced.requireFresh('5m')).toThrow(expect.objectContaining({ status: 409, reason: 'replaced' }))
    store.next('get', fails)
    const unread = await browser.open()
    expect(() => unread.requireFresh('5m')).toThrow(expect.objectContaining({ code: 'ERR_SESS_STORE_UNAVAILABLE' }))
    expect(() => unread.requireFresh('5m')).toThrow('(requireFresh(): the session could not be read)')
  })

  it('asks to sign in where loading again would not help', async () => {
    const { browser, sessions, store } = await signedIn()
    const other = new Browser(sessions)
    await other.request((session) => session.signIn('grace'))
    const both = `${COOKIE}=${browser.cookie}; ${COOKIE}=${other.cookie}`
    const ambiguous = await sessions.open({ secure: true, headers: { cookie: both } })
    expect(ambiguous.refused).toBe('ambiguous')
    expect(() => ambiguous.requireFresh('5m')).toThrow(expect.objectContaining({ reason: 'signed-out' }))
    await browser.request((session) => session.rotate({ hard: true }))
    for (const id of store.records.keys()) store.write(id, { generation: -10 })
    const ahead = await browser.open()
    expect(ahead.refused).toBe('ahead')
    expect(() => ahead.requireFresh('5m')).toThrow(expect.objectContaining({ reason: 'signed-out' }))
  })
})

describe('the guard of adapters', () => {
  it('throws what the session throws', async () => {
    const { browser, clock } = await signedIn()
    const guard = freshnessGuard('5m')
    expect(guard(await browser.open())).toBeUndefined()
    clock.advance(5 * MINUTE)
    const session = await browser.open()
    expect(() => guard(session)).toThrow(FreshnessError)
  })

  it.each([undefined, null, 'session', {}, { user: 'ada' }])('knows that %j is no session', (session) => {
    expect(() => freshnessGuard('5m')(session)).toThrow(NotMountedError)
  })
})
