import { SessionInterruptedError, StoreUnavailableError } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { Browser, cookieOf, failure, signedIn } from './scenario.ts'
import { fails } from './scripted-store.ts'

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
    const error = await failure(session.commit())
    expect(error).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: refused })
    expect(error.message).toMatch(/^Changing session\.data is not possible/)
    expect(store.drain()).toEqual([])
    expect(cookieOf(session)).toBeNull()
  })

  it.each(ALL)('%s: refuses update, rotate, reauthenticate and lock', async (refused) => {
    const { session } = await standIn(refused)
    for (const [action, act] of [
      ['update()', () => session.update('cart', () => 1)],
      ['rotate()', () => session.rotate()],
      ['rotate()', () => session.rotate({ hard: true })],
      ['reauthenticate()', () => session.reauthenticate({ method: 'password' })],
      ['lock()', () => session.lock()],
    ] as const) {
      expect(act).toThrow(SessionInterruptedError)
      expect(act).toThrow(
        `${action} is not possible: this request was refused (${refused}). Signing in starts a new session.`,
      )
    }
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

  it.each(['superseded', 'ahead', 'store'] as const)(
    '%s: sign-in carries nothing of what was written to it',
    async (refused) => {
      const { session } = await standIn(refused)
      session.data.cart = ['planted']
      session.signIn('grace', { carry: ['cart'] })
      expect(session.data).toEqual({})
    },
  )

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
    const { session, store, old, events } = await standIn('store')
    if (how === 'gone') store.records.clear()
    else store.write(old, { state: 'ended', endedReason: 'revoked', endedAt: 0, data: '' })
    session.signIn('ada')
    await session.commit()
    expect(store.drain()).toEqual(['get', 'create'])
    expect(session.subject).toBe('ada')
    expect(events.at(-1)).toMatchObject({ type: 'signed-in', replaced: null })
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

  it('ambiguous: sign-out fails where one of them cannot be read', async () => {
    const { session, store } = await standIn('ambiguous')
    session.signOut()
    store.next('get', fails)
    await expect(session.commit()).rejects.toThrow('(get)')
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
    expect(() => session.update('cart', () => 1)).toThrow(SessionInterruptedError)
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
