import { HeadersSentError, InterruptedError, StoreAmbiguousError, StoreUnavailableError } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { Browser, cookieOf, failure, MINUTE, type Scenario, SECOND, setUp, signedIn } from './scenario.ts'
import { after, fails, gate, losesAnswer } from './scripted-store.ts'

const saved = (data: string): unknown => (data === '' ? {} : JSON.parse(data))

/** A visitor whose session holds `data`. */
async function visitor(data: object, options: Parameters<typeof setUp>[0] = {}): Promise<Scenario & { old: string }> {
  const scenario = setUp(options)
  await scenario.browser.request((session) => Object.assign(session.data, data))
  scenario.store.drain()
  scenario.drainEvents()
  return { ...scenario, old: scenario.store.only.id }
}

describe('sign-in', () => {
  it('of a visitor without a session creates one, durably', async () => {
    const { browser, store, clock, events } = setUp()
    const session = await browser.request((current) => {
      current.signIn('ada', { methods: ['password', 'password', 'totp'], level: 2 })
      expect(current).toMatchObject({ state: 'authenticated', subject: 'ada', handle: null })
    })
    expect(store.calls).toMatchObject([{ operation: 'create', durability: 'replicated' }])
    expect(session.handle).toBe(store.only.id)
    expect(session.auth).toEqual({ at: clock.now(), methods: ['password', 'totp'], level: 2 })
    expect(events).toMatchObject([{ type: 'signed-in', subject: 'ada', replaced: null }])
  })

  it('creates the new record, ends the old one on its revision, and only then sends the cookie', async () => {
    const { browser, store, old, events } = await visitor({ cart: [1] })
    const session = await browser.open()
    session.signIn('ada')
    const { act, reached, open } = gate()
    store.next('replace', act)
    const committing = session.commit()
    await reached
    expect(store.records.size).toBe(2)
    expect(cookieOf(session)).toBeNull()
    open()
    await committing
    expect(cookieOf(session)).not.toBeNull()
    expect(store.calls).toMatchObject([
      { operation: 'get' },
      { operation: 'create', durability: 'replicated' },
      { operation: 'replace', id: old, durability: 'replicated', record: { state: 'ended', endedReason: 'replaced' } },
    ])
    expect(events).toMatchObject([
      { type: 'ended', reason: 'replaced', handle: old },
      { type: 'signed-in', replaced: old },
    ])
  })

  it('makes the old token worth nothing', async () => {
    const { browser, clock } = await visitor({ cart: [1] })
    const planted = browser.copy()
    await browser.request((session) => session.signIn('ada'))
    const session = await planted.open()
    expect(session).toMatchObject({ state: 'anonymous', refused: 'replaced', previous: { reason: 'replaced' } })
    clock.advance(MINUTE)
    expect(await planted.open()).toMatchObject({ refused: null, previous: { reason: 'replaced' } })
  })

  it('begins a new absolute deadline', async () => {
    const { browser, clock } = await signedIn()
    clock.advance(20 * MINUTE)
    const session = await browser.request((current) => current.signIn('ada'))
    expect(session.createdAt).toBe(clock.now())
    expect(session.generation).toBe(0)
  })

  it('keeps a device label only if told to', async () => {
    const facts = { ip: '192.0.2.1', headers: { 'user-agent': 'Browser/1' } }
    const off = setUp()
    await off.browser.request((session) => session.signIn('ada', { deviceName: 'phone' }), facts)
    expect(off.store.only.device).toBeNull()
    const on = setUp({ device: true, fingerprint: 'off' })
    await on.browser.request((session) => session.signIn('ada', { deviceName: 'phone' }), facts)
    expect(on.store.only.device).toEqual({ ip: '192.0.2.1', userAgent: 'Browser/1', name: 'phone' })
    const nameless = setUp({ device: true })
    await nameless.browser.request((session) => session.signIn('ada'))
    expect(nameless.store.only.device).toEqual({})
  })

  it.each([undefined, null, '', 42, {}])('needs a subject that is text: %j', async (subject) => {
    const { browser } = setUp()
    const session = await browser.open()
    // What JavaScript callers may hand in.
    expect(() => session.signIn(subject as string)).toThrow(TypeError)
  })

  it('needs carry to be a list', async () => {
    const { browser } = setUp()
    const session = await browser.open()
    // What JavaScript callers may hand in.
    expect(() => session.signIn('ada', { carry: 'cart' as never })).toThrow(/array of keys/)
  })

  it('is refused on an upgrade', async () => {
    const { browser } = setUp()
    const session = await browser.open({ upgrade: true })
    expect(() => session.signIn('ada')).toThrow(HeadersSentError)
  })

  it('called twice signs the last one in', async () => {
    const { browser, store } = await visitor({ cart: [1] }, { carry: ['cart'] })
    const session = await browser.request((current) => {
      current.signIn('ada')
      current.data.cart = [2]
      current.signIn('grace', { persistent: true })
      expect(current.persistent).toBe(true)
    })
    expect(session.subject).toBe('grace')
    expect(session.data).toEqual({ cart: [1] })
    expect(store.records.size).toBe(2)
  })

  it('takes a reauthentication, a rotation and a lock of the same request along', async () => {
    const { browser, store } = setUp()
    await browser.request((session) => {
      session.signIn('ada', { methods: ['password'], level: 1 })
      session.reauthenticate({ method: 'totp', level: 2 })
      session.reauthenticate({ method: 'otp' })
      session.rotate({ hard: true })
    })
    expect(store.only).toMatchObject({ auth: { methods: ['password', 'totp', 'otp'], level: 2 }, generation: 0 })
    await browser.request((session) => {
      session.signIn('ada')
      session.lock()
      expect(session.state).toBe('locked')
    })
    expect((await browser.open()).state).toBe('locked')
  })
})

describe('carrying', () => {
  it('keeps the listed keys and no others', async () => {
    const { browser } = await visitor({ cart: [1], theme: 'dark', admin: true }, { carry: ['cart', 'theme'] })
    const session = await browser.request((current) => {
      current.signIn('ada')
      expect(current.data).toEqual({ cart: [1], theme: 'dark' })
    })
    expect(session.data).toEqual({ cart: [1], theme: 'dark' })
    expect((await browser.open()).data).toEqual({ cart: [1], theme: 'dark' })
  })

  it('keeps nothing by default, and what the call says instead of the option', async () => {
    const none = await visitor({ cart: [1] })
    expect((await none.browser.request((session) => session.signIn('ada'))).data).toEqual({})
    const own = await visitor({ cart: [1], theme: 'dark' }, { carry: ['cart'] })
    const session = await own.browser.request((current) => current.signIn('ada', { carry: ['theme'] }))
    expect(session.data).toEqual({ theme: 'dark' })
  })

  it('goes from a subject to itself and to nobody else', async () => {
    const same = await signedIn({ carry: ['draft'] })
    await same.browser.request((session) => {
      session.data.draft = 'mine'
    })
    expect((await same.browser.request((session) => session.signIn('ada'))).data).toEqual({ draft: 'mine' })
    const other = await same.browser.request((session) => session.signIn('grace'))
    expect(other.data).toEqual({})
    expect(saved(same.store.records.get(other.handle ?? '')?.data ?? '?')).toEqual({})
  })

  it('tells changes before the sign-in from those after', async () => {
    const { browser, store } = await visitor({ cart: [1], note: 'x' }, { carry: ['cart'] })
    const session = await browser.request((current) => {
      current.data.cart = [1, 2]
      current.data.note = 'lost'
      current.signIn('ada')
      current.data.note = 'new'
      current.update('cart', (cart) => [...(cart as number[]), 3])
    })
    expect(saved(store.records.get(session.handle ?? '')?.data ?? '')).toEqual({ cart: [1, 2, 3], note: 'new' })
    expect(session.data).toEqual({ cart: [1, 2, 3], note: 'new' })
  })

  it('starts again when the old data has changed, until it has not', async () => {
    const { browser, store, old } = await visitor({ cart: [1] }, { carry: ['cart'] })
    const session = await browser.open()
    session.update('cart', (cart) => [...(cart as number[]), 'before'])
    session.signIn('ada')
    session.update('cart', (cart) => [...(cart as number[]), 'after'])
    const somebodyAdds = (item: number) =>
      after(() => {
        const { cart } = saved(store.records.get(old)?.data ?? '') as { cart: number[] }
        store.write(old, { data: JSON.stringify({ cart: [...cart, item] }) })
      })
    store.next('replace', somebodyAdds(2), (apply) => apply(), somebodyAdds(3))
    await session.commit()
    expect(session.data.cart).toEqual([1, 2, 3, 'before', 'after'])
    expect(saved(store.records.get(session.handle ?? '')?.data ?? '')).toEqual({ cart: [1, 2, 3, 'before', 'after'] })
    expect(store.records.get(old)).toMatchObject({ state: 'ended', endedReason: 'replaced', data: '' })
  })

  it('does not start again for a change that is not carried', async () => {
    const { browser, store, old } = await visitor({ cart: [1] }, { carry: ['cart'] })
    const session = await browser.open()
    session.signIn('ada')
    store.write(old, { data: '{"cart":[1],"other":1}' })
    await session.commit()
    expect(store.drain()).toEqual(['get', 'create', 'replace', 'replace'])
  })

  it('starts again when the old one was read again after an error', async () => {
    const { browser, store, old } = await visitor({ cart: [1] }, { carry: ['cart'] })
    const session = await browser.open()
    session.signIn('ada')
    store.next('replace', (apply) => {
      store.write(old, { data: '{"cart":[1,2]}' })
      return fails(apply, {})
    })
    await session.commit()
    expect(session.data.cart).toBeDefined()
    expect(saved(store.records.get(session.handle ?? '')?.data ?? '')).toEqual({ cart: [1, 2] })
    expect(store.records.get(old)?.state).toBe('ended')
  })
})

describe('the old session', () => {
  it.each(['ended', 'gone'])('that has %s meanwhile needs no ending', async (how) => {
    const { browser, store, old } = await visitor({ cart: [1] }, { carry: ['cart'] })
    const session = await browser.open()
    session.signIn('ada')
    if (how === 'gone') store.records.delete(old)
    else store.write(old, { state: 'ended', endedReason: 'revoked', endedAt: 0, data: '' })
    await session.commit()
    expect(session).toMatchObject({ subject: 'ada', data: { cart: [1] } })
    expect(cookieOf(session)).not.toBeNull()
  })

  it('of a visitor that cannot be ended is left, with an event', async () => {
    const { browser, store, old, events } = await visitor({ cart: [1] })
    store.next('replace', fails, fails)
    const session = await browser.request((current) => current.signIn('ada'))
    expect(session.subject).toBe('ada')
    expect(events).toMatchObject([
      { type: 'store-failed', fatal: false, handle: old },
      { type: 'signed-in', handle: session.handle },
    ])
    expect((await browser.open()).subject).toBe('ada')
  })

  it('of a subject that cannot be ended: the new one is given up, 503', async () => {
    const { browser, store, drainEvents } = await signedIn()
    const old = store.only.id
    store.next('replace', fails, fails)
    const session = await browser.open()
    session.signIn('grace')
    const error = await failure(session.commit())
    expect(error).toBeInstanceOf(StoreUnavailableError)
    const orphan = [...store.records.values()].find((record) => record.id !== old)
    expect(orphan).toMatchObject({ state: 'ended', endedReason: 'revoked' })
    expect(store.records.get(old)?.state).toBe('authenticated')
    expect(cookieOf(session)).toBeNull()
    expect(drainEvents()).toEqual(['ended', 'store-failed'])
    expect((await browser.open()).subject).toBe('ada')
  })

  it('of a subject that cannot be ended, nor the new one: still 503, and no cookie', async () => {
    const { browser, store, events } = await signedIn()
    store.next('replace', fails, fails, fails, fails)
    const session = await browser.open()
    session.signIn('grace')
    expect(await failure(session.commit())).toBeInstanceOf(StoreUnavailableError)
    expect(cookieOf(session)).toBeNull()
    expect(events.map(({ type }) => type)).toEqual(['store-failed', 'store-failed'])
  })

  it('that was ended with its answer lost is ended once', async () => {
    const { browser, store, drainEvents } = await signedIn()
    store.next('replace', losesAnswer)
    await browser.request((session) => session.signIn('grace'))
    expect(drainEvents()).toEqual(['ended', 'signed-in'])
  })

  it('is ended although it was rotated and locked meanwhile', async () => {
    const { browser, store } = await signedIn()
    const old = store.only.id
    const session = await browser.open()
    session.signIn('ada')
    store.write(old, { state: 'locked', generation: 3, hardRotations: 2 })
    await session.commit()
    expect(store.records.get(old)?.endedReason).toBe('replaced')
  })

  it('sees its slow requests interrupted, and none of their writes', async () => {
    const { browser, store } = await signedIn()
    const old = store.only.id
    const slow = await browser.open()
    slow.data.cart = 1
    await browser.request((session) => session.signIn('ada'))
    expect(await failure(slow.commit())).toMatchObject({ reason: 'ended' })
    expect(cookieOf(slow)).toBeNull()
    expect(store.records.get(old)?.data).toBe('')
  })
})

describe('a stand-in', () => {
  type Refused = 'superseded' | 'replaced' | 'store' | 'ahead' | 'ambiguous'

  /** A request that is refused for this reason; the record it belongs to has id `old`. */
  async function standIn(refused: Refused) {
    const scenario = await signedIn({ onStoreError: 'anonymous', carry: ['cart'] })
    const { browser, store } = scenario
    await browser.request((session) => {
      session.data.cart = [1]
    })
    const client = browser.copy()
    const old = store.only.id
    const before = store.only
    if (refused === 'superseded') await browser.request((session) => session.rotate({ hard: true }))
    if (refused === 'replaced') await browser.request((session) => session.signIn('ada'))
    if (refused === 'store') store.next('get', fails)
    if (refused === 'ahead') {
      for (let round = 0; round < 9; round += 1) await browser.request((session) => session.rotate({ hard: true }))
      client.cookie = browser.cookie
      store.records.set(old, before)
    }
    if (refused === 'ambiguous') {
      const other = new Browser(scenario.sessions)
      await other.request((session) => session.signIn('mallory'))
      client.cookie = `${client.cookie}; __Host-Http-sid=${other.cookie}`
    }
    const session = await client.open()
    expect(session.refused).toBe(refused)
    store.drain()
    scenario.drainEvents()
    return { ...scenario, session, old }
  }

  const ALL: readonly Refused[] = ['superseded', 'replaced', 'store', 'ahead', 'ambiguous']

  it.each(ALL)('%s: is anonymous and empty', async (refused) => {
    const { session } = await standIn(refused)
    expect(session).toMatchObject({ state: 'anonymous', subject: null, handle: null, data: {}, lockedSubject: null })
    expect(session.previous).toEqual(refused === 'replaced' ? { reason: 'replaced' } : null)
  })

  it.each(ALL)('%s: sets no cookie and writes nothing', async (refused) => {
    const { session, store } = await standIn(refused)
    await session.commit()
    expect(cookieOf(session)).toBeNull()
    expect(store.drain()).toEqual([])
  })

  it.each(ALL)('%s: refuses data', async (refused) => {
    const { session, store } = await standIn(refused)
    session.data.cart = 1
    expect(await failure(session.commit())).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: refused })
    expect(store.drain()).toEqual([])
    expect(cookieOf(session)).toBeNull()
  })

  it.each(ALL)('%s: refuses update, rotate, reauthenticate and lock', async (refused) => {
    const { session } = await standIn(refused)
    expect(() => session.update('cart', () => 1)).toThrow(InterruptedError)
    expect(() => session.rotate()).toThrow(InterruptedError)
    expect(() => session.rotate({ hard: true })).toThrow(InterruptedError)
    expect(() => session.reauthenticate({ method: 'password' })).toThrow(InterruptedError)
    expect(() => session.lock()).toThrow(InterruptedError)
  })

  it.each(ALL)('%s: can be signed in from, and written to then', async (refused) => {
    const { session, sessions } = await standIn(refused)
    session.signIn('ada')
    session.data.fresh = true
    await session.commit()
    expect(session).toMatchObject({ subject: 'ada', refused: null })
    const next = new Browser(sessions)
    next.receive(session)
    expect((await next.open()).data.fresh).toBe(true)
  })

  it.each(['superseded', 'ahead'] as const)('%s: sign-in carries nothing and ends the live one', async (refused) => {
    const { session, store, old } = await standIn(refused)
    session.signIn('ada')
    await session.commit()
    expect(session.data).toEqual({})
    expect(store.records.get(old)).toMatchObject({ state: 'ended', endedReason: 'replaced' })
  })

  it('replaced: sign-in has nothing to end', async () => {
    const { session, store } = await standIn('replaced')
    session.signIn('ada')
    await session.commit()
    expect(store.drain()).toEqual(['create'])
  })

  it('store: sign-in reads the old one first, carries from it and ends it', async () => {
    const { session, store, old } = await standIn('store')
    session.signIn('ada')
    await session.commit()
    expect(store.drain()).toEqual(['get', 'create', 'replace'])
    expect(store.records.get(old)?.endedReason).toBe('replaced')
    expect(session.data).toEqual({ cart: [1] })
  })

  it('store: sign-in of somebody else carries nothing', async () => {
    const { session, store, old } = await standIn('store')
    session.signIn('grace')
    await session.commit()
    expect(session.data).toEqual({})
    expect(store.records.get(old)?.endedReason).toBe('replaced')
  })

  it('store: sign-in with the old one unreadable is a 503, and issues nothing', async () => {
    const { session, store } = await standIn('store')
    store.next('get', fails)
    session.signIn('ada')
    expect(await failure(session.commit())).toBeInstanceOf(StoreUnavailableError)
    expect(store.drain()).toEqual(['get'])
    expect(cookieOf(session)).toBeNull()
  })

  it.each(['gone', 'ended'])('store: sign-in over an old one that is %s ends nothing', async (how) => {
    const { session, store, old } = await standIn('store')
    if (how === 'gone') store.records.clear()
    else store.write(old, { state: 'ended', endedReason: 'revoked', endedAt: 0, data: '' })
    session.signIn('ada')
    await session.commit()
    expect(store.drain()).toEqual(['get', 'create'])
    expect(session.subject).toBe('ada')
  })

  it.each(['superseded', 'ahead'] as const)('%s: sign-out ends the session and clears the cookie', async (refused) => {
    const { session, store, old } = await standIn(refused)
    session.signOut()
    await session.commit()
    expect(store.records.get(old)?.endedReason).toBe('signed-out')
    expect(cookieOf(session)).toBe('')
  })

  it('ambiguous: sign-out ends all of them and clears the cookie', async () => {
    const { session, store } = await standIn('ambiguous')
    session.signOut()
    await session.commit()
    expect([...store.records.values()].map((record) => record.endedReason)).toEqual(['signed-out', 'signed-out'])
    expect(cookieOf(session)).toBe('')
  })

  it('ambiguous: sign-out passes over what is not there', async () => {
    const { session, store, old } = await standIn('ambiguous')
    store.records.delete(old)
    session.signOut()
    await session.commit()
    expect(store.only.endedReason).toBe('signed-out')
  })

  it('replaced: sign-out neither ends nor clears', async () => {
    const { session, store } = await standIn('replaced')
    session.signOut()
    await session.commit()
    expect(store.drain()).toEqual([])
    expect(cookieOf(session)).toBeNull()
    session.data.cart = 1
    expect(await failure(session.commit())).toMatchObject({ reason: 'replaced' })
  })

  it('replaced: not even behind a sign-out is there anything to write to', async () => {
    const { session, store } = await standIn('replaced')
    session.signOut()
    expect(() => session.update('cart', () => 1)).toThrow(InterruptedError)
    await session.commit()
    expect(store.drain()).toEqual([])
  })

  it('superseded: behind a sign-out begins a new visitor’s session', async () => {
    const { session, store, old } = await standIn('superseded')
    session.signOut()
    session.update('cart', () => [2])
    await session.commit()
    expect(store.records.get(old)?.endedReason).toBe('signed-out')
    expect(store.records.get(session.handle ?? '')).toMatchObject({ state: 'anonymous', data: '{"cart":[2]}' })
  })

  it('store: sign-out is a 503, never a silent success', async () => {
    const { session, store, old } = await standIn('store')
    session.signOut()
    expect(await failure(session.commit())).toBeInstanceOf(StoreUnavailableError)
    expect(store.records.get(old)?.state).toBe('authenticated')
    expect(cookieOf(session)).toBeNull()
  })
})

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
})
