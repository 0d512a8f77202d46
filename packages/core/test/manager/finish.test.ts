import { HeadersSentError, ValueError } from '@sess/core'
import { applyHeaders, finish } from '@sess/core/http'
import { describe, expect, it } from 'vitest'
import { cookieOf, failure, MINUTE, SECOND, setUp, signedIn } from './scenario.ts'
import { after, fails } from './scripted-store.ts'

const saved = (data: string): unknown => (data === '' ? {} : JSON.parse(data))

const nowhere = { get: () => undefined, set: () => {}, append: () => {} }

describe('best effort', () => {
  it('touches at most once per touchEvery', async () => {
    const { browser, store, clock } = await signedIn()
    clock.advance(MINUTE - 1)
    await browser.request()
    expect(store.drain()).toEqual(['get'])
    clock.advance(1)
    await Promise.all([browser.request(), browser.request()])
    expect(store.drain()).toEqual(['get', 'get', 'touch', 'touch'])
    await browser.request()
    expect(store.drain()).toEqual(['get'])
    expect(store.only.lastSeenAt).toBe(clock.now())
  })

  it('does not touch for passive requests, written or not', async () => {
    const { browser, store, clock } = await signedIn({ touch: (facts) => facts.url !== '/poll' })
    const seen = store.only.lastSeenAt
    clock.advance(2 * MINUTE)
    await browser.request(() => {}, { url: '/poll' })
    expect(store.drain()).toEqual(['get'])
    await browser.request(
      (session) => {
        session.data.polled = true
      },
      { url: '/poll' },
    )
    expect(store.only.lastSeenAt).toBe(seen)
    await browser.request(() => {}, { url: '/' })
    expect(store.only.lastSeenAt).toBe(clock.now())
  })

  it.each([
    ['touch', 2 * MINUTE, 'touch'],
    ['rotation', 16 * MINUTE, 'replace'],
  ] as const)('a %s that fails is an event, never a refused page', async (_, ms, operation) => {
    const { browser, store, clock, events } = await signedIn()
    clock.advance(ms)
    store.next(operation, fails)
    const session = await browser.request()
    expect(session.subject).toBe('ada')
    expect(cookieOf(session)).toBeNull()
    expect(events).toMatchObject([{ type: 'store-failed', operation, fatal: false }])
    await session.commit()
    expect(store.drain()).toEqual(['get', operation])
  })

  it.each([
    ['touch', 2 * MINUTE],
    ['replace', 16 * MINUTE],
  ] as const)('names the %s that failed without an error', async (operation, ms) => {
    const { browser, store, clock, events } = await signedIn()
    clock.advance(ms)
    store.next(operation, () => Promise.reject('just text'))
    await browser.request()
    expect(events).toMatchObject([{ handle: store.only.id, message: `The session store failed (${operation}).` }])
  })

  it('a rotation that meets another write is left to the next request', async () => {
    const { browser, store, clock, drainEvents } = await signedIn()
    clock.advance(16 * MINUTE)
    store.next(
      'replace',
      after(() => store.write(store.only.id, { data: '{"a":1}' })),
    )
    expect(cookieOf(await browser.request())).toBeNull()
    expect(drainEvents()).toEqual([])
    expect(store.only.generation).toBe(0)
    expect(cookieOf(await browser.request())).not.toBeNull()
  })

  it('a confirmation is written, and moves the idle deadline with it', async () => {
    const { browser, store, clock, events } = await signedIn()
    clock.advance(16 * MINUTE)
    await browser.request()
    expect(events).toMatchObject([{ type: 'rotated', kind: 'soft', generation: 1, handle: store.only.id }])
    clock.advance(SECOND)
    store.drain()
    const session = await browser.request()
    expect(store.drain()).toEqual(['get', 'replace'])
    expect(store.only).toMatchObject({ confirmedAt: clock.now(), lastSeenAt: clock.now() })
    expect(cookieOf(session)).toBeNull()
    expect(events).toHaveLength(1)
  })

  it('a rotation that was due at load does not happen past the absolute deadline', async () => {
    const { browser, store, clock } = await signedIn({ absolute: '20m', idle: '20m' })
    clock.advance(19 * MINUTE)
    const session = await browser.open()
    clock.advance(MINUTE)
    await session.commit()
    expect(store.only.generation).toBe(0)
    expect(cookieOf(session)).toBeNull()
  })

  it('a touch of a session that has ended changes nothing', async () => {
    const { browser, store, clock } = await signedIn()
    clock.advance(2 * MINUTE)
    const session = await browser.open()
    store.write(store.only.id, { state: 'ended', endedReason: 'revoked', endedAt: 0 })
    await session.commit()
    expect(store.only.state).toBe('ended')
  })
})

describe('an answer of 500 and above', () => {
  it('drops data, sign-in and reauthentication, keeps rotation and lock', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    session.rotate({ hard: true })
    session.reauthenticate({ method: 'password' })
    session.lock()
    await finish(session, 500)
    expect(store.only).toMatchObject({ data: '', state: 'locked', generation: 1, auth: { methods: [] } })
    expect(cookieOf(session)).not.toBeNull()
  })

  it('keeps a sign-out', async () => {
    const { browser, store } = await signedIn()
    await browser.request((session) => {
      session.data.cart = 1
    })
    const session = await browser.open()
    session.signOut()
    session.data.theme = 'dark'
    await finish(session, 503)
    expect(store.only.endedReason).toBe('signed-out')
    expect(cookieOf(session)).toBe('')
    expect(session.data).toEqual({})
  })

  it('drops a sign-in, but not the lock that came before it', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.lock()
    session.signIn('grace')
    session.rotate({ hard: true })
    await finish(session, 500)
    expect(store.only).toMatchObject({ state: 'locked', subject: 'ada', generation: 0 })
  })

  it('has nothing left to wait for when all was dropped', async () => {
    const { browser, store } = setUp()
    const session = await browser.open()
    session.data.cart = 1
    expect(finish(session, 500)).toBeUndefined()
    expect(store.calls).toEqual([])
  })

  it('keeps everything if so told', async () => {
    const { browser, store } = await signedIn({ onServerError: 'keep' })
    const session = await browser.open()
    session.data.cart = 1
    await finish(session, 500)
    expect(saved(store.only.data)).toEqual({ cart: 1 })
  })

  it('499 is none', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    await finish(session, 499)
    expect(saved(store.only.data)).toEqual({ cart: 1 })
  })
})

describe('a write to a locked session’s data, then an answer of 500', () => {
  it('is dropped like any other', async () => {
    const { browser } = await signedIn()
    await browser.request((session) => session.lock())
    const session = await browser.open()
    session.data.theme = 'dark'
    expect(finish(session, 500)).toBeUndefined()
  })
})

describe('finish', () => {
  it('is nothing to wait for when nothing happened', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    expect(session.subject).toBe('ada')
    expect(finish(session, 200)).toBeUndefined()
  })

  it('waits for a commit that is under way', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    const committing = session.commit()
    await finish(session, 200)
    expect(saved(store.only.data)).toEqual({ cart: 1 })
    await committing
    expect(store.drain()).toEqual(['get', 'replace'])
  })

  it('carries out what protects before it rejects with a value that cannot be stored', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.at = new Date()
    session.rotate({ hard: true })
    expect(await failure(finish(session, 200) ?? Promise.resolve())).toBeInstanceOf(ValueError)
    expect(store.only).toMatchObject({ generation: 1, data: '' })
  })

  it('rejects with what a stand-in cannot save', async () => {
    const { browser } = await signedIn()
    const old = browser.copy()
    await browser.request((session) => session.rotate({ hard: true }))
    const session = await old.open()
    session.data.cart = 1
    for (let round = 0; round < 2; round += 1) {
      expect(await failure(finish(session, 200) ?? Promise.resolve())).toMatchObject({ reason: 'superseded' })
    }
    expect(finish(session, 500)).toBeUndefined()
  })

  it('rejects with a value that cannot be stored when there is nothing else', async () => {
    const { browser, store } = setUp()
    const session = await browser.open()
    session.data.at = new Date()
    expect(await failure(finish(session, 200) ?? Promise.resolve())).toBeInstanceOf(ValueError)
    expect(store.calls).toEqual([])
  })
})

describe('after the headers have left', () => {
  it('data of a stored session is saved at the end', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    applyHeaders(session, nowhere)
    session.data.cart = 1
    await finish(session, 200)
    expect(saved(store.only.data)).toEqual({ cart: 1 })
  })

  it('a due rotation is left to the next request', async () => {
    const { browser, store, clock } = await signedIn()
    clock.advance(16 * MINUTE)
    const session = await browser.open()
    applyHeaders(session, nowhere)
    session.data.cart = 1
    await finish(session, 200)
    expect(store.only.generation).toBe(0)
    const idle = await browser.open()
    applyHeaders(idle, nowhere)
    clock.advance(MINUTE)
    await finish(idle, 200)
    expect(store.only.generation).toBe(0)
  })

  it('a rotation that is asked for writes nothing', async () => {
    const { browser, clock, store } = await signedIn({ touch: false })
    clock.advance(MINUTE)
    const session = await browser.open()
    applyHeaders(session, nowhere)
    session.rotate()
    store.drain()
    await finish(session, 200)
    expect(store.drain()).toEqual([])
  })

  it('what needs a cookie is a typed error', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    applyHeaders(session, nowhere)
    expect(() => session.signIn('grace')).toThrow(HeadersSentError)
    expect(() => session.rotate({ hard: true })).toThrow(/rotate\(\) needs a Set-Cookie header/)
    expect(() => session.reauthenticate({ method: 'totp' })).toThrow(HeadersSentError)
  })

  it('the first write of a visitor is one too, and so is a rotation begun before', async () => {
    const { browser, store } = setUp()
    const session = await browser.open()
    applyHeaders(session, nowhere)
    session.data.cart = 1
    const error = await failure(finish(session, 200) ?? Promise.resolve())
    expect(error).toBeInstanceOf(HeadersSentError)
    expect(error).toMatchObject({ code: 'ERR_SESS_HEADERS_SENT', status: 500 })
    expect(error.message).toMatch(/^The first write to a session needs a Set-Cookie header/)
    expect(store.calls).toEqual([])
    const signed = await signedIn()
    const rotating = await signed.browser.open()
    rotating.rotate({ hard: true })
    applyHeaders(rotating, nowhere)
    const late = await failure(rotating.commit())
    expect(late).toBeInstanceOf(HeadersSentError)
    expect(late.message).toMatch(/^A new token needs/)
    const signing = await signed.browser.open()
    signing.signIn('grace')
    applyHeaders(signing, nowhere)
    expect((await failure(signing.commit())).message).toMatch(/^signIn\(\) needs/)
    expect(rotating).toMatchObject({ subject: 'ada', refused: null })
  })

  it('sign-out and lock are carried out all the same', async () => {
    const one = await signedIn()
    const leaving = await one.browser.open()
    applyHeaders(leaving, nowhere)
    leaving.signOut()
    await finish(leaving, 200)
    expect(one.store.only.state).toBe('ended')
    const two = await signedIn()
    const locking = await two.browser.open()
    applyHeaders(locking, nowhere)
    locking.lock()
    await finish(locking, 200)
    expect(two.store.only.state).toBe('locked')
  })
})
