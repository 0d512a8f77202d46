import { ConfigError, createSessions, memoryStore, type SessionsOptions, systemClock, systemRandom } from '@sess/core'
import { describe, expect, it, vi } from 'vitest'
import { createEngine } from '../../src/manager/engine.ts'
import { type Data, HOUR, MINUTE, setUp } from './scenario.ts'
import { ScriptedStore } from './scripted-store.ts'

function problem(options: unknown): ConfigError {
  try {
    // What JavaScript callers may hand in.
    createSessions(options as SessionsOptions<Data>)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('expected a ConfigError')
}

const store = new ScriptedStore()
const DAY = 24 * HOUR

describe('createSessions()', () => {
  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /needs an object with at least a `store`/],
    ['null', null, /needs an object with at least a `store`/],
    ['a store instead of options', 'memory', /needs an object with at least a `store`/],
    ['a misspelt name', { store, idel: '5m' }, /`idel` is no option of createSessions\(\)\. There are: store, keys,/],
    ['a clock that is a number', { store, clock: 5 }, /`clock` must have now\(\)/],
    ['no clock', { store, clock: null }, /`clock` must have now\(\)/],
    ['no randomness', { store, random: null }, /`random` must have bytes\(size\)/],
    ['randomness that gives none', { store, random: {} }, /`random` must have bytes\(size\)/],
    ['no device', { store, device: null }, /`device` must be true, false, or \{ describe/],
    ['device: yes', { store, device: 'yes' }, /`device` must be true, false, or \{ describe/],
    ['touch: no', { store, touch: 'no' }, /`touch` must be true, false, or a function/],
    ['a cookie that is a name', { store, cookie: 'sid' }, /`cookie` must be an object/],
    ['no cookie', { store, cookie: null }, /`cookie` must be an object/],
    ['no transport', { store, transport: null }, /`transport` must be 'cookie' or/],
    ['no store', {}, /`store` is not a session store: get\(\), create\(\), replace\(\), touch\(\) missing/],
    ['half a store', { store: { get() {}, touch() {} } }, /: create\(\), replace\(\) missing/],
    ['an idle timeout of 0', { store, idle: 0 }, /`idle` must be longer than 0; use `false`/],
    ['an absolute timeout of 0', { store, absolute: 0 }, /`absolute` must be longer than 0/],
    ['idle longer than absolute', { store, idle: '2h', absolute: '1h' }, /`idle` must not be longer than `absolute`/],
    ['a store timeout of 0', { store, storeTimeout: 0 }, /`storeTimeout` must be longer than 0/],
    ['a store timeout that is none', { store, storeTimeout: 'soon' }, /`storeTimeout`/],
    [
      'a durable store without keys',
      { store: Object.assign(new ScriptedStore(), { durable: true }) },
      /`keys` is required with a durable store.* Make one with: node -e/,
    ],
    ['a short overlap', { store, overlap: '11s' }, /`overlap` \(11000 ms\) must be at least .* \(12000 ms\)/],
    ['much skew', { store, clockSkew: '30s' }, /`overlap` \(60000 ms\) must be at least .* \(62000 ms\)/],
    ['touchEvery as long as idle', { store, touchEvery: '30m' }, /`touchEvery` must be shorter than `idle`/],
    ['persistent: true', { store, persistent: true }, /`persistent` must be an object, like \{ idle: '14d'/],
    ['no persistent', { store, persistent: null }, /`persistent` must be an object/],
    [
      'a misspelt deadline',
      { store, persistent: { idel: 1 } },
      /`persistent\.idel` is no option\. There are: idle, abs/,
    ],
    ['persistent for 0', { store, persistent: { absolute: 0 } }, /`persistent\.absolute` must be longer than 0/],
    ['persistent idle 0', { store, persistent: { idle: 0 } }, /`persistent\.idle` must be longer than 0; use `false`/],
    [
      'persistent idle longer than absolute',
      { store, persistent: { idle: '2d', absolute: '1d' } },
      /`persistent\.idle` must not be longer than `persistent\.absolute`/,
    ],
    [
      'touchEvery as long as persistent idle',
      { store, touchEvery: '20m', persistent: { idle: '20m' } },
      /`touchEvery` must be shorter than `persistent\.idle`/,
    ],
    ['a negative duration', { store, idle: -1 }, /`idle` is -1; use milliseconds as an integer/],
    ['half a millisecond', { store, absolute: 0.5 }, /`absolute` is 0\.5; use milliseconds/],
    ['NaN', { store, overlap: Number.NaN }, /`overlap` is null; use milliseconds/],
    ['a duration without a unit', { store, idle: '30' }, /`idle` is "30"; use milliseconds .*'30s'/],
    ['a duration in weeks', { store, retainEnded: '2w' }, /`retainEnded` is "2w"/],
    ['a touchEvery in words', { store, touchEvery: 'often' }, /`touchEvery` is "often"/],
    ['persistent idle in words', { store, persistent: { idle: 'long' } }, /`persistent\.idle` is "long"/],
    ['persistent absolute in words', { store, persistent: { absolute: 'long' } }, /`persistent\.absolute` is "long"/],
    ['a duration in minutes', { store, idle: '30min' }, /`idle` is "30min"/],
    ['about a duration', { store, idle: '~30m' }, /`idle` is "~30m"/],
    ['a list of durations', { store, idle: ['30m'] }, /`idle` is \["30m"\]/],
    ['a duration in words', { store, rotateEvery: 'often' }, /`rotateEvery` is "often"/],
    ['a bigint', { store, idle: 10n }, /`idle` is 10/],
    ['a symbol', { store, onIdle: Symbol('x') }, /`onIdle` is /],
    ['a number that is none', { store, clockSkew: {} }, /`clockSkew` is \{\}/],
    ['an unknown onIdle', { store, onIdle: 'sleep' }, /`onIdle` is "sleep"; use one of: end, lock\./],
    [
      'an unknown fingerprint',
      { store, fingerprint: true },
      /`fingerprint` is true; use one of: observe, standard, strict, off/,
    ],
    ['an unknown onStoreError', { store, onStoreError: 'x' }, /`onStoreError` is "x"; use one of: fail, anonymous/],
    ['an unknown onOverwrite', { store, onOverwrite: 'x' }, /`onOverwrite` is "x"; use one of: event, throw/],
    ['an unknown onServerError', { store, onServerError: 'x' }, /`onServerError` is "x"; use one of: drop, keep/],
    ['an unknown onInvalid', { store, onInvalid: 'dorp' }, /`onInvalid` is "dorp"; use one of: throw, drop, end/],
    [
      'a codec that only writes',
      { store, codec: { stringify: JSON.stringify } },
      /`codec` must have stringify\(\) and parse\(\)/,
    ],
    ['a codec that only reads', { store, codec: { parse: JSON.parse } }, /`codec` must have/],
    ['a schema of no standard', { store, schema: { parse() {} } }, /`schema` must be a Standard Schema/],
    ['half a version', { store, version: 1.5 }, /`version` must be a positive integer/],
    ['version 0', { store, version: 0 }, /`version` must be a positive integer/],
    ['migrate without a version', { store, migrate() {} }, /`migrate` needs a `version`/],
    ['a number to carry', { store, carry: ['cart', 1] }, /`carry` must be an array of keys/],
    ['carry that is no list', { store, carry: 'cart' }, /`carry` must be an array of keys/],
  ])('refuses %s', (_, options, message) => {
    const error = problem(options)
    expect(error.message).toMatch(message)
    expect(error).toMatchObject({ code: 'ERR_SESS_CONFIG', status: 500, name: 'ConfigError', expose: false })
  })

  it('takes durations as text or milliseconds', async () => {
    const { browser, clock } = setUp({ idle: '1.25m', absolute: '1h', touchEvery: '500ms', overlap: 12_000 })
    const session = await browser.request((current) => current.signIn('ada'))
    expect(session.idleAt).toBe(clock.now() + 75_000)
    expect(session.absoluteAt).toBe(clock.now() + HOUR)
    const days = setUp({ absolute: '7d', idle: '24h' })
    const long = await days.browser.request((current) => current.signIn('ada'))
    expect(long.absoluteAt).toBe(days.clock.now() + 7 * 24 * HOUR)
  })

  it('shortens the default idle timeout to a short absolute one', async () => {
    const { browser, clock } = setUp({ absolute: '10m' })
    const session = await browser.request((current) => current.signIn('ada'))
    expect(session.idleAt).toBe(clock.now() + 10 * MINUTE)
  })

  it.each<[string, SessionsOptions<Data>['persistent'], Partial<SessionsOptions<Data>>, number, number]>([
    ['14 and 30 days by default', undefined, {}, 14 * DAY, 30 * DAY],
    ['what the option says', { idle: '1d', absolute: '2d' }, {}, DAY, 2 * DAY],
    ['no idle timeout, if told to', { idle: false }, {}, 30 * DAY, 30 * DAY],
    ['no idle timeout where others have none', {}, { idle: false }, 30 * DAY, 30 * DAY],
    ['an idle timeout no longer than the absolute one', { absolute: '7d' }, {}, 7 * DAY, 7 * DAY],
    ['at least as long as others', {}, { idle: '20d', absolute: '60d' }, 20 * DAY, 60 * DAY],
  ])('gives persistent sessions deadlines of their own: %s', async (_, persistent, others, idle, absolute) => {
    const { browser, clock } = setUp({ ...others, ...(persistent === undefined ? {} : { persistent }) })
    const session = await browser.request((current) => current.signIn('ada', { persistent: true }))
    expect([session.idleAt, session.absoluteAt]).toEqual([clock.now() + idle, clock.now() + absolute])
    const other = await browser.request((current) => current.signIn('ada'))
    expect(other.persistent).toBe(false)
    expect(other.absoluteAt).toBe(clock.now() + (others.absolute === undefined ? DAY : 60 * DAY))
  })

  it('forbids persistent sessions, and holds those there are to the deadlines of all', async () => {
    const { browser, store: records, clock } = setUp({ persistent: false })
    const session = await browser.open()
    expect(() => session.signIn('ada', { persistent: true })).toThrow(/is forbidden by the option `persistent: false`/)
    session.signIn('ada', { persistent: false })
    await session.commit()
    browser.receive(session)
    records.write(records.only.id, { persistent: true })
    clock.advance(30 * MINUTE)
    expect((await browser.open()).previous).toEqual({ reason: 'idle' })
  })

  it('writes activity down as often as the shortest idle timeout needs', async () => {
    const { browser, store: records, clock } = setUp({ persistent: { idle: '15m' } })
    await browser.request((session) => session.signIn('ada', { persistent: true }))
    clock.advance(MINUTE / 2)
    records.drain()
    await browser.request()
    expect(records.drain()).toEqual(['get', 'touch'])
  })

  it('knows sessions that never idle and never rotate', async () => {
    const { browser, clock, store: records } = setUp({ idle: false, rotateEvery: false })
    await browser.request((session) => session.signIn('ada'))
    clock.advance(23 * HOUR)
    const session = await browser.request()
    expect(session.subject).toBe('ada')
    expect(session.idleAt).toBe(session.absoluteAt)
    expect(records.only.generation).toBe(0)
    clock.advance(14 * MINUTE)
    records.drain()
    await browser.request()
    expect(records.drain()).toEqual(['get'])
    clock.advance(MINUTE)
    await browser.request()
    expect(records.drain()).toEqual(['get', 'touch'])
  })

  it('goes without options but the store, on the system’s clock and randomness', async () => {
    const before = Date.now()
    const sessions = createSessions({ store: memoryStore() })
    const session = await sessions.open({ secure: true })
    session.signIn('ada')
    await session.commit()
    expect(session.createdAt).toBeGreaterThanOrEqual(before)
    expect(session.createdAt).toBeLessThanOrEqual(Date.now())
  })
})

describe('the engine', () => {
  it('carries nothing unless told to, and names no keys that are drawn at random', () => {
    const { carry, keyIds } = createEngine({ store })
    expect([carry, keyIds()]).toEqual([[], []])
    const keys = [1, 3].map((step) => Uint8Array.from({ length: 32 }, (_, index) => index * step + 5))
    expect(createEngine({ store, keys }).keyIds()).toHaveLength(2)
  })

  it('is one for development where the platform says nothing', () => {
    const process = Object.getOwnPropertyDescriptor(globalThis, 'process') as PropertyDescriptor // Node has one
    const found: boolean[] = []
    try {
      for (const value of [undefined, { env: {} }, { env: { NODE_ENV: 'production' } }]) {
        if (value === undefined) Reflect.deleteProperty(globalThis, 'process')
        else Object.defineProperty(globalThis, 'process', { value, configurable: true })
        found.push(createEngine({ store }).development)
      }
    } finally {
      Object.defineProperty(globalThis, 'process', process)
    }
    expect(found).toEqual([true, true, false])
  })
})

describe('the system’s ports', () => {
  it('give the time and fresh random bytes', () => {
    const before = Date.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
    expect(systemRandom.bytes(32)).toHaveLength(32)
    expect(systemRandom.bytes(32)).not.toEqual(systemRandom.bytes(32))
  })
})

describe('advice to the developer', () => {
  it('is said once, and not in production', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const dropping = async () => {
      const { browser } = setUp()
      for (const subject of ['ada', 'ada', 'ada']) {
        await browser.request((session) => Object.assign(session.data, { cart: 1, theme: 'dark' }))
        await browser.request((session) => session.signIn(subject))
      }
    }
    await dropping()
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]?.[0]).toBe(
      'sess: signIn() starts with fresh data and dropped: cart, theme. List in `carry` what should survive.',
    )
    vi.stubEnv('NODE_ENV', 'production')
    await dropping()
    expect(warn).toHaveBeenCalledTimes(1)
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })
})
