import { ConfigError, HeadersSentError, StoreUnavailableError } from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cookieOf, type Data, failure, MINUTE, type Scenario, setUp, signedIn } from './scenario.ts'
import { after, fails, gate, losesAnswer } from './scripted-store.ts'

const saved = (data: string): unknown => (data === '' ? {} : JSON.parse(data))

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
})

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
    expect(console.warn).not.toHaveBeenCalled()
  })

  it('shows nothing of the session before it; a sign-out neither', async () => {
    const { browser } = await signedIn()
    const nothing = { handle: null, generation: null, createdAt: null, lastSeenAt: null, idleAt: null, auth: null }
    const signing = await browser.open()
    expect(signing).toMatchObject({ generation: 0, persistent: false })
    signing.signIn('grace', { persistent: true })
    expect(signing).toMatchObject({ ...nothing, subject: 'grace', persistent: true })
    const leaving = await browser.open()
    leaving.signOut()
    expect(leaving).toMatchObject({ ...nothing, subject: null, persistent: false })
    await signing.commit()
    browser.receive(signing)
    const next = await browser.open()
    expect(next.persistent).toBe(true)
    next.signOut()
    expect(next.persistent).toBe(false)
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
    expect(Object.keys(nameless.store.only.device ?? {})).toEqual([])
  })

  it.each([undefined, null, '', 42, {}])('needs a subject that is text: %j', async (subject) => {
    const { browser } = setUp()
    const session = await browser.open()
    // What JavaScript callers may hand in.
    expect(() => session.signIn(subject as string)).toThrow(ConfigError)
    expect(() => session.signIn(subject as string)).toThrow(/^signIn\(subject\) needs a non-empty string/)
  })

  it('needs carry to be a list', async () => {
    const { browser } = setUp()
    const session = await browser.open()
    // What JavaScript callers may hand in.
    expect(() => session.signIn('ada', { carry: 'cart' as never })).toThrow(
      /^signIn\(…, \{ carry \}\) needs an array of keys/,
    )
  })

  it('is refused on an upgrade', async () => {
    const { browser } = setUp()
    const session = await browser.open({ upgrade: true })
    expect(() => session.signIn('ada')).toThrow(HeadersSentError)
    expect(() => session.signIn('ada')).toThrow(/^signIn\(\) /)
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
    const { browser, store, events } = setUp()
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
    expect(events.at(-1)).toMatchObject({ type: 'locked', reason: 'asked', subject: 'ada' })
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
    expect(session.data).toEqual({ cart: [1, 2] })
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

  it('carries data without a version unread, so that a schema has its say when they are looked at', async () => {
    const validate = (value: unknown) =>
      (value as Data).cart === 'bad' ? { issues: [{ message: 'bad' }] } : { value: value as Data }
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
    const { browser, store, old } = await visitor({ cart: 'good' }, { schema, carry: ['cart'] })
    store.write(old, { data: '{"cart":"bad"}' })
    const session = await browser.open()
    expect(() => session.signIn('ada')).not.toThrow()
    expect(() => session.data).toThrow(/bad/)
  })

  it('that has ended meanwhile is not told to have ended again', async () => {
    const { browser, store, drainEvents } = await signedIn()
    const session = await browser.open()
    session.signIn('ada')
    store.write(store.only.id, { state: 'ended', endedReason: 'revoked', endedAt: 0, data: '' })
    await session.commit()
    expect(drainEvents()).toEqual(['signed-in'])
  })

  it('of a visitor that cannot be ended is left, with an event', async () => {
    const { browser, store, old, events } = await visitor({ cart: [1] })
    store.next('replace', fails, fails)
    const session = await browser.request((current) => current.signIn('ada'))
    expect(session.subject).toBe('ada')
    expect(events).toMatchObject([
      { type: 'store-failed', operation: 'replace', fatal: false, handle: old },
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
    expect(events).toMatchObject([
      { type: 'store-failed', operation: 'replace', fatal: true },
      { type: 'store-failed', operation: 'commit', fatal: true },
    ])
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

describe('carry on conflict', () => {
  it('fails the request when an update function throws, and does not call that a store failure', async () => {
    const { browser, store, drainEvents } = setUp({ carry: ['count'] })
    await browser.request((session) => {
      session.data.count = 1
    })
    const session = await browser.open()
    let runs = 0
    session.update('count', () => {
      runs += 1
      if (runs > 2) throw new Error('the updater failed')
      return 2
    })
    session.signIn('ada')
    const { id } = store.only
    store.next('replace', (apply) => {
      store.write(id, { data: '{"count":7}' })
      return apply()
    })
    drainEvents()
    const error = await failure(session.commit())
    expect(error.message).toBe('the updater failed')
    expect(drainEvents()).not.toContain('store-failed')
  })

  it('fails the request when an update function from after the sign-in throws on what is carried again', async () => {
    const { browser, store } = setUp({ carry: ['count'] })
    await browser.request((session) => {
      session.data.count = 1
    })
    const session = await browser.open()
    session.signIn('ada')
    let runs = 0
    session.update('count', () => {
      runs += 1
      if (runs > 1) throw new Error('the updater failed')
      return 2
    })
    const { id } = store.only
    store.next('replace', (apply) => {
      store.write(id, { data: '{"count":7}' })
      return apply()
    })
    expect((await failure(session.commit())).message).toBe('the updater failed')
  })
})
