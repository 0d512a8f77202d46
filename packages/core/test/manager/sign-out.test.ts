import { StoreAmbiguousError, StoreUnavailableError } from '@sess/core'
import { describe, expect, it, vi } from 'vitest'
import { cookieOf, failure, MINUTE, SECOND, setUp, signedIn } from './scenario.ts'
import { after, fails, losesAnswer } from './scripted-store.ts'

const saved = (data: string): unknown => (data === '' ? {} : JSON.parse(data))

describe('sign-out', () => {
  it('is visible at once, ends durably and clears the cookie', async () => {
    const { browser, store, events } = await signedIn()
    const session = await browser.request((current) => {
      current.signOut()
      expect(current).toMatchObject({ state: 'anonymous', subject: null, handle: null, data: {} })
    })
    expect(store.calls.at(-1)).toMatchObject({ operation: 'replace', durability: 'replicated' })
    expect(store.only).toMatchObject({ state: 'ended', endedReason: 'signed-out', data: '' })
    expect(events).toMatchObject([{ type: 'ended', reason: 'signed-out' }])
    expect(cookieOf(session)).toBe('')
    expect(browser.cookie).toBeNull()
  })

  it('is final for every token, and for requests in flight', async () => {
    const { browser, store, clock } = await signedIn()
    const [first, slow] = [browser.copy(), await browser.open()]
    slow.data.cart = 1
    clock.advance(16 * MINUTE)
    await browser.request()
    const second = browser.copy()
    await second.request()
    await browser.request((session) => session.signOut())
    for (const client of [first, second]) expect((await client.open()).previous).toEqual({ reason: 'signed-out' })
    expect(await failure(slow.commit())).toMatchObject({ reason: 'ended' })
    expect(store.only.state).toBe('ended')
  })

  it.each([
    ['a superseded token', 0, true],
    ['a token in flight during a rotation', 16 * MINUTE, false],
  ])('works with %s', async (_, ms, hard) => {
    const { browser, store, clock } = await signedIn()
    const old = browser.copy()
    clock.advance(ms)
    await browser.request((session) => (hard ? session.rotate({ hard }) : session.subject))
    const session = await old.request((current) => current.signOut())
    expect(store.only.endedReason).toBe('signed-out')
    expect(cookieOf(session)).toBe('')
  })

  it.each([
    ['idle', 30 * MINUTE],
    ['absolute', 24 * 60 * MINUTE],
  ])('ends a session past its %s deadline, so that no slow request revives it', async (_, ms) => {
    const { browser, store, clock } = await signedIn()
    clock.advance(ms)
    const session = await browser.request((current) => current.signOut())
    expect(store.only.endedReason).toBe('signed-out')
    expect(cookieOf(session)).toBe('')
  })

  it('of what has ended clears the cookie and writes nothing', async () => {
    const { browser, store } = await signedIn()
    store.write(store.only.id, { state: 'ended', endedReason: 'revoked', endedAt: 0 })
    const session = await browser.request((current) => current.signOut())
    expect(store.drain()).toEqual(['get'])
    expect(store.only.endedReason).toBe('revoked')
    expect(cookieOf(session)).toBe('')
  })

  it('of a visitor does nothing, and clears what it cannot read', async () => {
    const { browser, store } = setUp()
    expect(cookieOf(await browser.request((session) => session.signOut()))).toBeNull()
    browser.cookie = 'forged'
    expect(cookieOf(await browser.request((session) => session.signOut()))).toBe('')
    expect(store.calls).toEqual([])
  })

  it('goes over what others write meanwhile, and over a lost answer', async () => {
    const { browser, store, drainEvents } = await signedIn()
    const { id } = store.only
    store.next(
      'replace',
      after(() => store.write(id, { data: '{}', generation: 1, hardRotations: 1 })),
      losesAnswer,
    )
    await browser.request((session) => session.signOut())
    expect(store.only.endedReason).toBe('signed-out')
    expect(drainEvents()).toEqual(['ended'])
  })

  it('of a record that is gone is done', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.signOut()
    store.records.clear()
    await session.commit()
    expect(cookieOf(session)).toBe('')
  })

  it('fails when the store does, cookie untouched', async () => {
    const { browser, store } = await signedIn()
    store.next('replace', fails, fails)
    const session = await browser.open()
    session.signOut()
    expect(await failure(session.commit())).toBeInstanceOf(StoreUnavailableError)
    expect(cookieOf(session)).toBeNull()
    expect((await browser.open()).subject).toBe('ada')
  })

  it('fails with what the store says about replication', async () => {
    const { browser, store } = await signedIn()
    store.next('replace', () => Promise.reject(new StoreAmbiguousError()))
    const session = await browser.open()
    session.signOut()
    expect(await failure(session.commit())).toBeInstanceOf(StoreAmbiguousError)
  })

  it('drops what the request changed before, and begins anew with what it changes after', async () => {
    const { browser, store } = await signedIn()
    const old = store.only.id
    const session = await browser.request((current) => {
      current.data.lost = 1
      current.signOut()
      current.data.fresh = 1
    })
    expect(store.records.get(old)?.state).toBe('ended')
    expect(session).toMatchObject({ state: 'anonymous', data: { fresh: 1 } })
    expect(saved(store.records.get(session.handle ?? '')?.data ?? '')).toEqual({ fresh: 1 })
    expect(cookieOf(session)).not.toBe('')
  })

  it('and then sign-in: ends the old one as signed out, carries nothing', async () => {
    const { browser, store } = await signedIn({ carry: ['cart'] })
    const old = store.only.id
    await browser.request((session) => {
      session.data.cart = 1
    })
    const session = await browser.request((current) => {
      current.signOut()
      current.signIn('ada')
    })
    expect(store.records.get(old)?.endedReason).toBe('signed-out')
    expect(session).toMatchObject({ subject: 'ada', data: {} })
    expect(cookieOf(session)).not.toBe('')
  })

  it('and then sign-in: what a visitor wrote in between is not carried', async () => {
    const { browser } = await signedIn({ carry: ['cart'] })
    const session = await browser.request((current) => {
      current.signOut()
      current.data.cart = 1
      current.signIn('ada')
    })
    expect(session.subject).toBe('ada')
    expect(session.data).toEqual({})
  })

  it('leaves no step behind that a form token would have to wait for', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    session.signOut()
    session.rotate({ hard: true })
    expect(session.csrfToken()).toHaveLength(87)
  })

  it('after sign-in: nobody is signed in, and the old one has ended', async () => {
    const { browser, store } = await signedIn()
    await browser.request((session) => {
      session.signIn('grace')
      session.signOut()
    })
    expect(store.only).toMatchObject({ subject: 'ada', endedReason: 'signed-out' })
  })

  it('of a session begun in the same request sends nothing', async () => {
    const { browser, store } = setUp()
    const session = await browser.open()
    session.signIn('ada')
    await session.commit()
    session.signOut()
    await session.commit()
    expect(store.only.endedReason).toBe('signed-out')
    expect(cookieOf(session)).toBeNull()
  })

  it('twice is once', async () => {
    const { browser, store, clock, drainEvents } = await signedIn()
    const session = await browser.open()
    session.signOut()
    await session.commit()
    clock.advance(SECOND)
    session.signOut()
    await session.commit()
    expect(drainEvents()).toEqual(['ended'])
    expect(store.only.endedReason).toBe('signed-out')
    expect(cookieOf(session)).toBe('')
  })

  it.each([
    ['activity', [2 * MINUTE]],
    ['a periodic rotation', [16 * MINUTE]],
    ['the confirmation of a token', [16 * MINUTE, 0]],
  ])('leaves nothing to be written later: %s', async (_, pauses) => {
    const { browser, store, clock, events } = await signedIn()
    const last = pauses.at(-1)
    for (const pause of pauses.slice(0, -1)) {
      clock.advance(pause)
      await browser.request()
    }
    clock.advance(last ?? 0)
    const session = await browser.open()
    session.signOut()
    await session.commit()
    store.drain()
    events.splice(0)
    await session.commit()
    expect([store.drain(), events.map(({ type }) => type)]).toEqual([[], []])
  })

  it('cannot be carried out where the session could not be read', async () => {
    const { browser, store } = await signedIn({ onStoreError: 'anonymous' })
    store.next('get', fails)
    const session = await browser.open()
    session.signOut()
    await expect(session.commit()).rejects.toThrow('(sign-out: the session could not be read)')
  })

  it('meets no lock: rotate and reauthenticate after it are a visitor’s', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    session.signOut()
    expect(() => session.reauthenticate({ method: 'password' })).toThrow(/nobody is signed in/)
    session.rotate({ hard: true })
    session.rotate()
    await session.commit()
    expect(cookieOf(session)).toBe('')
  })

  it('never waits between attempts, so that steady writers elsewhere cannot keep it from happening', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    const { id } = store.only
    for (let count = 0; count < 20; count += 1) {
      store.next('replace', (apply) => {
        store.write(id, { data: `{"n":${count}}` })
        return apply()
      })
    }
    vi.useFakeTimers()
    try {
      session.signOut()
      await session.commit()
      expect(store.only.state).toBe('ended')
    } finally {
      vi.useRealTimers()
    }
  })
})
