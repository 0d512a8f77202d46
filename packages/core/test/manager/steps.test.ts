import { CsrfError, SessionInterruptedError } from '@sess/core'
import { finish } from '@sess/core/http'
import { describe, expect, it, vi } from 'vitest'
import { cookieOf, failure, HOUR, MINUTE, SECOND, setUp, signedIn } from './scenario.ts'

const saved = (data: string): unknown => (data === '' ? {} : JSON.parse(data))

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
    await browser.request((session) => {
      session.rotate()
      session.rotate({ hard: true })
      expect(session.csrfToken()).toHaveLength(87)
    })
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
    store.drain()
    await late.request((session) => session.rotate())
    expect(store.only.generation).toBe(1)
    expect(store.drain()).toEqual(['get'])
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
    expect(() => session.reauthenticate({ method: 'password' })).toThrow(SessionInterruptedError)
    expect(() => session.lock()).toThrow(/lock\(\) needs a signed-in session; nobody is signed in/)
    expect(() => session.lock()).toThrow(expect.objectContaining({ reason: 'anonymous' }))
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
      /^update\(\) is not possible: the session is locked\. reauthenticate\(\), signIn\(\) and signOut\(\) are/,
    )
    expect(() => session.rotate()).toThrow(SessionInterruptedError)
    expect(() => session.rotate({ hard: true })).toThrow(SessionInterruptedError)
    session.data.secret = 2
    expect(await failure(session.commit())).toMatchObject({
      reason: 'locked',
      message: expect.stringMatching(/^Changing session\.data is not possible: the session is locked/),
    })
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
    const { browser, store, clock } = await locked()
    const { lastSeenAt } = store.only
    clock.advance(2 * MINUTE)
    await browser.request((session) => session.lock())
    expect(store.only).toMatchObject({ state: 'locked', lastSeenAt })
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

describe('rotate() that is not due', () => {
  it('writes nothing on an anonymous session', async () => {
    const { browser, store } = setUp()
    await browser.request((session) => {
      session.data.cart = []
    })
    store.drain()
    await browser.request((session) => session.rotate())
    expect(store.drain()).toEqual(['get'])
  })

  it('writes nothing so soon after the last rotation', async () => {
    const { browser, store } = await signedIn()
    await browser.request((session) => session.rotate())
    expect(store.drain()).toEqual(['get'])
  })

  it('does not count as activity on a passive upgrade request', async () => {
    const { browser, store } = await signedIn({ touch: false })
    const session = await browser.open({ upgrade: true })
    session.rotate()
    await session.commit()
    expect(store.drain()).toEqual(['get'])
  })
})

describe('lock()', () => {
  it('hides the data at once', async () => {
    const { browser } = await signedIn()
    await browser.request((session) => {
      session.data.secret = 42
    })
    const session = await browser.open()
    session.lock()
    expect(session.data).toEqual({})
    await session.commit()
    expect(session).toMatchObject({ state: 'locked', lockedSubject: 'ada' })
    expect(session.data).toEqual({})
  })

  it('makes later writes of the request throw and keeps earlier ones', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.before = 1
    session.lock()
    expect(() => session.update('after', () => 1)).toThrow(/locked/)
    await session.commit()
    expect(JSON.parse(store.only.data)).toEqual({ before: 1 })
  })

  it('does not swallow a hard rotation that follows it', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.lock()
    let refused = false
    try {
      session.rotate({ hard: true })
    } catch {
      refused = true
    }
    await session.commit()
    expect(refused || store.only.hardRotations === 1).toBe(true)
  })
})

describe('lock() after signIn() in one request', () => {
  it('names the new subject as the one who may reopen it', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    session.signIn('grace')
    session.lock()
    expect(session.lockedSubject).toBe('grace')
  })
})

describe('reauthenticate() and data on a locked session', () => {
  it('reports no overwriting of keys that nobody else has changed', async () => {
    const { browser, drainEvents } = await signedIn()
    await browser.request((session) => {
      session.data.theme = 'dark'
    })
    await browser.request((session) => session.lock())
    drainEvents()
    await browser.request((session) => {
      session.reauthenticate({ method: 'password' })
      session.data.theme = 'light'
    })
    expect(drainEvents()).toEqual(['reauthenticated', 'rotated'])
  })
})

describe('a write to the data of a locked session', () => {
  it('does not keep a sign-out from being carried out', async () => {
    const { browser, store } = await signedIn()
    await browser.request((session) => session.lock())
    const session = await browser.open()
    session.data.theme = 'dark'
    session.signOut()
    await session.commit()
    expect(store.only.endedReason).toBe('signed-out')
  })

  it('does not keep a sign-in from being carried out', async () => {
    const { browser } = await signedIn()
    await browser.request((session) => session.lock())
    const session = await browser.open()
    session.data.theme = 'dark'
    session.signIn('ada')
    await session.commit()
    expect(session.subject).toBe('ada')
  })

  it('does not keep a lock from being carried out', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.lock()
    session.data.theme = 'dark'
    const error = await failure(finish(session, 200) ?? Promise.resolve())
    expect(error).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: 'locked' })
    expect(store.only.state).toBe('locked')
  })
})

describe('what is written in place of the data of a locked session', () => {
  it('is refused once, and again when more is written', async () => {
    const { browser } = await signedIn()
    await browser.request((session) => session.lock())
    const session = await browser.open()
    const { data } = session
    await session.commit()
    data.theme = 'dark'
    expect(await failure(session.commit())).toMatchObject({ reason: 'locked' })
    await session.commit()
    session.data.theme = 'light'
    expect(await failure(session.commit())).toMatchObject({ reason: 'locked' })
  })
})

describe('verifyCsrf()', () => {
  it('throws for what is no token of the session', async () => {
    const advice = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { browser } = await signedIn()
    const session = await browser.open({ method: 'POST' })
    expect(() => session.verifyCsrf('A'.repeat(87))).toThrow(CsrfError)
    advice.mockRestore()
  })
})

describe('fingerprint: off', () => {
  it('keeps none on reauthenticate either, with device labels on', async () => {
    const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0' }
    const { browser, store } = setUp({ fingerprint: 'off', device: true })
    await browser.request((session) => session.signIn('ada'), { headers })
    await browser.request((session) => session.reauthenticate({ method: 'password' }), { headers })
    expect(store.only.fingerprint).toBeNull()
  })
})
