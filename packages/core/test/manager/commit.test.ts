import { HeadersSentError, InterruptedError, StoreAmbiguousError, StoreUnavailableError, ValueError } from '@sess/core'
import { applyHeaders, finish } from '@sess/core/http'
import { describe, expect, it } from 'vitest'
import { cookieOf, failure, HOUR, MINUTE, SECOND, setUp, signedIn } from './scenario.ts'
import { after, fails, hangs, losesAnswer } from './scripted-store.ts'

const nowhere = { get: () => undefined, set: () => {}, append: () => {} }
const saved = (data: string): unknown => (data === '' ? {} : JSON.parse(data))

describe('the first write of a visitor', () => {
  it('creates an anonymous session and sets its cookie', async () => {
    const { browser, store, events } = setUp()
    const session = await browser.request((current) => {
      current.data.cart = [1]
    })
    expect(store.calls).toMatchObject([{ operation: 'create' }])
    expect(store.calls[0]).not.toHaveProperty('durability')
    expect(store.only).toMatchObject({ state: 'anonymous', subject: null, data: '{"cart":[1]}' })
    expect(events).toMatchObject([{ type: 'created', handle: store.only.id, subject: null }])
    expect(session.handle).toBe(store.only.id)
    expect((await browser.open()).data).toEqual({ cart: [1] })
  })

  it('that writes nothing in the end creates nothing', async () => {
    const { browser, store } = setUp()
    const session = await browser.request((current) => {
      current.data.cart = 1
      delete current.data.cart
      current.update('count', () => undefined)
    })
    expect(store.calls).toEqual([])
    expect(cookieOf(session)).toBeNull()
  })

  it('is found again when its answer was lost', async () => {
    const { browser, store } = setUp()
    store.next('create', losesAnswer)
    await browser.request((session) => {
      session.data.cart = 1
    })
    expect(store.drain()).toEqual(['create', 'get'])
    expect((await browser.open()).data).toEqual({ cart: 1 })
  })

  it('is tried once more when it was not applied', async () => {
    const { browser, store } = setUp()
    store.next('create', fails)
    await browser.request((session) => {
      session.data.cart = 1
    })
    expect(store.drain()).toEqual(['create', 'get', 'create'])
  })

  it('fails when the store keeps failing, and leaves no cookie', async () => {
    const { browser, store, events } = setUp()
    store.next('create', fails, fails)
    const session = await browser.open()
    session.data.cart = 1
    expect(await failure(session.commit())).toBeInstanceOf(StoreUnavailableError)
    expect(cookieOf(session)).toBeNull()
    expect(session).toMatchObject({ refused: 'store', data: {} })
    expect(events).toMatchObject([{ type: 'store-failed', operation: 'commit', fatal: true }])
  })

  it('fails when the answer cannot be looked up', async () => {
    const { browser, store } = setUp()
    store.next('create', fails)
    store.next('get', fails)
    const session = await browser.open()
    session.data.cart = 1
    expect(await failure(session.commit())).toBeInstanceOf(StoreUnavailableError)
  })

  it('fails when another record has its id', async () => {
    const { browser, store } = setUp()
    store.next('create', (apply) => {
      apply()
      const { id } = store.only
      store.records.set(id, { ...store.only, revision: '0.other' })
      return false
    })
    const session = await browser.open()
    session.data.cart = 1
    expect(await failure(session.commit())).toBeInstanceOf(StoreUnavailableError)
    expect(cookieOf(session)).toBeNull()
  })

  it('gives up on a store that neither creates nor finds', async () => {
    const { browser, store } = setUp({ storeTimeout: 20 })
    store.create = async () => false
    const session = await browser.open()
    session.data.cart = 1
    expect(await failure(session.commit())).toBeInstanceOf(StoreUnavailableError)
  })

  it('fails with what the store says about replication', async () => {
    const { browser, store } = setUp()
    store.next('create', () => Promise.reject(new StoreAmbiguousError()))
    const session = await browser.open()
    session.data.cart = 1
    expect(await failure(session.commit())).toBeInstanceOf(StoreAmbiguousError)
    expect(store.drain()).toEqual(['create'])
  })
})

describe('a commit', () => {
  it('writes once, and nothing the second time', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    await session.commit()
    await session.commit()
    expect(store.drain()).toEqual(['get', 'replace'])
  })

  it('merges with what was written meanwhile', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.mine = 1
    session.update('count', (count) => Number(count ?? 0) + 1)
    store.write(store.only.id, { data: '{"theirs":1,"count":10}' })
    await session.commit()
    expect(store.drain()).toEqual(['get', 'replace', 'replace'])
    expect(saved(store.only.data)).toEqual({ theirs: 1, count: 11, mine: 1 })
    expect(session.data.count).toBe(11)
  })

  it('tells when it overwrote a plain change of another request', async () => {
    const { browser, store, events } = await signedIn()
    const session = await browser.open()
    session.data.theme = 'dark'
    store.write(store.only.id, { data: '{"theme":"light"}' })
    await session.commit()
    expect(saved(store.only.data)).toEqual({ theme: 'dark' })
    expect(events).toMatchObject([{ type: 'data-overwritten', key: 'theme' }])
  })

  it('throws instead, if so told', async () => {
    const { browser, store, events } = await signedIn({ onOverwrite: 'throw' })
    const session = await browser.open()
    session.data.theme = 'dark'
    store.write(store.only.id, { data: '{"theme":"light"}' })
    const error = await failure(session.commit())
    expect(error).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', status: 409, reason: 'conflict', expose: true })
    expect(error.message).toContain('session.data.theme')
    expect(saved(store.only.data)).toEqual({ theme: 'light' })
    expect(session).toMatchObject({ subject: 'ada', refused: null })
    expect(events).toEqual([])
  })

  it('rejects again after a failure, and shows a stand-in', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    store.write(store.only.id, { state: 'ended', endedReason: 'revoked', endedAt: 0, data: '' })
    const error = await failure(session.commit())
    expect(error).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: 'ended' })
    expect(await failure(session.commit())).toBe(error)
    expect(session).toMatchObject({ refused: 'replaced', state: 'anonymous', data: {} })
    expect(cookieOf(session)).toBeNull()
  })

  it.each([
    ['ended', { state: 'ended', endedReason: 'signed-out', endedAt: 0 }],
    ['ended', { absoluteAt: 0 }],
    ['locked', { state: 'locked' }],
    ['superseded', { generation: 1, hardRotations: 1 }],
  ] as const)('is interrupted when the session has %s meanwhile: %j', async (reason, change) => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    store.write(store.only.id, change)
    expect(await failure(session.commit())).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason })
    expect(store.only.data).toBe('')
    expect(session.state).toBe(reason === 'locked' ? 'locked' : 'anonymous')
  })

  it('is interrupted when the session is gone', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    store.records.clear()
    expect(await failure(session.commit())).toMatchObject({ reason: 'ended' })
    expect(store.records.size).toBe(0)
  })

  it('judges the absolute deadline at the time of the commit, the idle one as of the arrival', async () => {
    const { browser, clock, store } = await signedIn({ absolute: '40m', idle: '30m' })
    clock.advance(29 * MINUTE)
    const slow = await browser.open()
    slow.data.cart = 1
    clock.advance(10 * MINUTE)
    await slow.commit()
    expect(saved(store.only.data)).toEqual({ cart: 1 })
    expect(store.only.lastSeenAt).toBe(clock.now() - 10 * MINUTE)
    const slower = await browser.open()
    slower.data.cart = 2
    clock.advance(MINUTE)
    expect(await failure(slower.commit())).toMatchObject({ reason: 'ended' })
  })

  it('goes on after soft rotations, however long it took', async () => {
    const { browser, clock, store } = await signedIn({ idle: '5h' })
    const slow = await browser.open()
    slow.data.cart = 1
    for (let round = 0; round < 5; round += 1) {
      clock.advance(16 * MINUTE)
      await browser.request()
    }
    await slow.commit()
    expect(saved(store.only.data)).toEqual({ cart: 1 })
    expect(slow.subject).toBe('ada')
  })

  it('does not count a request in flight during a rotation as activity', async () => {
    const { browser, clock, store } = await signedIn()
    const late = browser.copy()
    clock.advance(16 * MINUTE)
    await browser.request()
    await browser.request()
    const seen = store.only.lastSeenAt
    clock.advance(30 * SECOND)
    const session = await late.request((current) => {
      current.data.cart = 1
    })
    expect(session.subject).toBe('ada')
    expect(store.only.lastSeenAt).toBe(seen)
    expect(cookieOf(session)).toBeNull()
  })

  it('confirms the token along with the data', async () => {
    const { browser, clock, store } = await signedIn()
    clock.advance(16 * MINUTE)
    await browser.request()
    const session = await browser.open()
    session.data.cart = 1
    await session.commit()
    expect(store.only).toMatchObject({ generation: 1, confirmedAt: clock.now() })
    clock.advance(MINUTE)
    const other = await browser.open()
    other.data.cart = 2
    store.write(store.only.id, { confirmedAt: null })
    await other.commit()
    expect(store.only.confirmedAt).toBe(clock.now())
  })

  it('rotates along with the data when a rotation is due, in one write', async () => {
    const { browser, clock, store, drainEvents } = await signedIn()
    clock.advance(16 * MINUTE)
    const session = await browser.request((current) => {
      current.data.cart = 1
    })
    expect(store.drain()).toEqual(['get', 'replace'])
    expect(store.only).toMatchObject({ generation: 1, rotation: 'soft', confirmedAt: null })
    expect(cookieOf(session)).not.toBeNull()
    expect(drainEvents()).toEqual(['rotated'])
  })

  it('rejects with the error of an update function that fails when it is run again', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.update('count', (count) => {
      if (count !== undefined) throw new Error('the updater failed')
      return 1
    })
    store.write(store.only.id, { data: '{"count":10}' })
    expect((await failure(session.commit())).message).toBe('the updater failed')
    expect(session).toMatchObject({ subject: 'ada', refused: null })
  })

  it('refuses a value that cannot be stored, and changes nothing', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.at = new Date()
    session.rotate({ hard: true })
    expect(await failure(session.commit())).toBeInstanceOf(ValueError)
    expect(store.drain()).toEqual(['get'])
    delete session.data.at
    await session.commit()
    expect(store.only.generation).toBe(1)
  })
})

describe('hard rotation', () => {
  it('writes durably, sends the new token, and no older one acts again', async () => {
    const { browser, store, events } = await signedIn()
    const old = browser.copy()
    const session = await browser.request((current) => current.rotate({ hard: true }))
    expect(store.calls.at(-1)).toMatchObject({ operation: 'replace', durability: 'replicated' })
    expect(events).toMatchObject([{ type: 'rotated', kind: 'hard', generation: 1 }])
    expect(session.generation).toBe(1)
    expect((await old.open()).refused).toBe('superseded')
    expect((await browser.open()).subject).toBe('ada')
    expect((await old.open()).refused).toBe('superseded')
  })

  it('works for a visitor’s session, and is nothing without one', async () => {
    const { browser, store } = setUp()
    await browser.request((session) => session.rotate({ hard: true }))
    expect(store.calls).toEqual([])
    await browser.request((session) => {
      session.data.cart = 1
    })
    await browser.request((session) => session.rotate({ hard: true }))
    expect(store.only).toMatchObject({ state: 'anonymous', generation: 1, hardRotations: 1 })
  })

  it('of two requests at once: the later one is refused', async () => {
    const { browser } = await signedIn()
    const [one, two] = [await browser.open(), await browser.open()]
    one.rotate({ hard: true })
    two.rotate({ hard: true })
    await one.commit()
    expect(await failure(two.commit())).toMatchObject({ reason: 'superseded' })
    expect(two).toMatchObject({ refused: 'superseded', subject: null })
    expect(cookieOf(two)).toBeNull()
  })
})

describe('soft rotation on request', () => {
  it('happens when the token has been in use for as long as overlap', async () => {
    const { browser, clock, store } = await signedIn()
    clock.advance(MINUTE)
    await browser.request((session) => session.rotate())
    expect(store.only).toMatchObject({ generation: 1, rotation: 'soft' })
  })

  it('does not happen for a token that is not the current one', async () => {
    const { browser, clock, store } = await signedIn()
    const late = browser.copy()
    clock.advance(16 * MINUTE)
    await browser.request()
    await browser.request()
    await late.request((session) => session.rotate())
    expect(store.only.generation).toBe(1)
  })
})

describe('reauthenticate', () => {
  it('records the proof, rotates hard and moves the idle deadline', async () => {
    const { browser, clock, store, events } = await signedIn()
    clock.advance(10 * SECOND)
    const session = await browser.request((current) => current.reauthenticate({ method: 'totp', level: 2 }))
    expect(session.auth).toEqual({ at: clock.now(), methods: ['totp'], level: 2 })
    expect(store.only).toMatchObject({ generation: 1, hardRotations: 1, lastSeenAt: clock.now() })
    expect(events).toMatchObject([
      { type: 'reauthenticated', method: 'totp' },
      { type: 'rotated', kind: 'hard' },
    ])
    expect(store.calls.at(-1)).toMatchObject({ durability: 'replicated' })
  })

  it.each([
    ['a hard rotation', { generation: 1, hardRotations: 1, confirmedAt: null, rotation: 'hard' }],
    ['a lock', { state: 'locked' }],
  ] as const)('goes on from whatever is current: %s', async (_, change) => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.reauthenticate({ method: 'password' })
    const { generation } = store.write(store.only.id, change)
    await session.commit()
    browser.receive(session)
    expect(store.only).toMatchObject({ state: 'authenticated', generation: generation + 1 })
    expect((await browser.open()).subject).toBe('ada')
  })

  it('opens what was locked meanwhile, though a rotation asked for before it is refused there', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.rotate({ hard: true })
    session.reauthenticate({ method: 'password' })
    store.write(store.only.id, { state: 'locked' })
    await session.commit()
    expect(store.only).toMatchObject({ state: 'authenticated', generation: 1, hardRotations: 1 })
  })

  it('does not bring back what has ended', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.reauthenticate({ method: 'password' })
    store.write(store.only.id, { state: 'ended', endedReason: 'signed-out', endedAt: 0 })
    expect(await failure(session.commit())).toMatchObject({ reason: 'ended' })
  })

  it('needs somebody who is signed in', async () => {
    const { browser } = setUp()
    const session = await browser.open()
    expect(() => session.reauthenticate({ method: 'password' })).toThrow(InterruptedError)
    expect(() => session.lock()).toThrow(/lock\(\) needs a signed-in session; nobody is signed in/)
  })
})

describe('locked', () => {
  async function locked() {
    const scenario = await signedIn()
    await scenario.browser.request((session) => {
      session.data.secret = 1
    })
    await scenario.browser.request((session) => session.lock())
    scenario.store.drain()
    return scenario
  }

  it('reads as signed out, data hidden', async () => {
    const { browser } = await locked()
    const session = await browser.open()
    expect(session).toMatchObject({ state: 'locked', subject: null, lockedSubject: 'ada', data: {}, refused: null })
  })

  it('refuses everything but opening, signing in and signing out', async () => {
    const { browser, store } = await locked()
    const session = await browser.open()
    expect(() => session.update('secret', () => 2)).toThrow(
      /locked\. reauthenticate\(\), signIn\(\) and signOut\(\) are/,
    )
    expect(() => session.rotate()).toThrow(InterruptedError)
    expect(() => session.rotate({ hard: true })).toThrow(InterruptedError)
    session.data.secret = 2
    expect(await failure(session.commit())).toMatchObject({ reason: 'locked' })
    expect(saved(store.only.data)).toEqual({ secret: 1 })
    expect(store.drain()).toEqual(['get'])
  })

  it('opens by reauthenticate, with its data', async () => {
    const { browser } = await locked()
    const session = await browser.request((current) => {
      current.reauthenticate({ method: 'password' })
      expect(current.subject).toBe('ada')
      current.update('count', (count) => Number(count ?? 0) + 1)
    })
    expect(session).toMatchObject({ state: 'authenticated', data: { secret: 1, count: 1 } })
    expect((await browser.open()).data).toEqual({ secret: 1, count: 1 })
  })

  it('can be signed out of and signed in over', async () => {
    const one = await locked()
    await one.browser.request((session) => session.signOut())
    expect(one.store.only.endedReason).toBe('signed-out')
    const two = await locked()
    const session = await two.browser.request((current) => current.signIn('ada', { carry: ['secret'] }))
    expect(session).toMatchObject({ state: 'authenticated', data: { secret: 1 } })
  })

  it('stays so when it is locked again, without a loss', async () => {
    const { browser, store } = await locked()
    await browser.request((session) => session.lock())
    expect(store.only.state).toBe('locked')
    expect(saved(store.only.data)).toEqual({ secret: 1 })
  })

  it('is not touched by requests', async () => {
    const { browser, store, clock } = await locked()
    clock.advance(10 * MINUTE)
    await browser.request()
    expect(store.drain()).toEqual(['get'])
  })

  it('is derived from the idle deadline under onIdle: lock, and opens within the absolute one', async () => {
    const { browser, store, clock } = await signedIn({ onIdle: 'lock' })
    clock.advance(3 * HOUR)
    const session = await browser.open()
    expect(session).toMatchObject({ state: 'locked', lockedSubject: 'ada', previous: null })
    expect(store.only.state).toBe('authenticated')
    session.reauthenticate({ method: 'password' })
    await session.commit()
    browser.receive(session)
    expect((await browser.open()).state).toBe('authenticated')
    clock.advance(22 * HOUR)
    expect((await browser.open()).previous).toEqual({ reason: 'absolute' })
  })
})

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
    const { browser, store, clock } = await signedIn()
    clock.advance(16 * MINUTE)
    await browser.request()
    clock.advance(SECOND)
    store.drain()
    await browser.request()
    expect(store.drain()).toEqual(['get', 'replace'])
    expect(store.only).toMatchObject({ confirmedAt: clock.now(), lastSeenAt: clock.now() })
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
    const session = await browser.open()
    session.signOut()
    session.data.cart = 1
    await finish(session, 503)
    expect(store.only.endedReason).toBe('signed-out')
    expect(cookieOf(session)).toBe('')
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
    expect(await failure(finish(session, 200) ?? Promise.resolve())).toMatchObject({ reason: 'superseded' })
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
    expect(store.calls).toEqual([])
    const signed = await signedIn()
    const rotating = await signed.browser.open()
    rotating.rotate({ hard: true })
    applyHeaders(rotating, nowhere)
    expect(await failure(rotating.commit())).toBeInstanceOf(HeadersSentError)
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

describe('a commit that hangs', () => {
  it('ends with the budget, and the outcome unknown', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 15 })
    store.next('replace', hangs, hangs, hangs)
    const session = await browser.open()
    session.data.cart = 1
    expect(await failure(session.commit())).toBeInstanceOf(StoreAmbiguousError)
    expect(session.refused).toBe('store')
  })
})
