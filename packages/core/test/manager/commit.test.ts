import { StoreAmbiguousError, StoreUnavailableError, ValueError } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { cookieOf, failure, MINUTE, SECOND, setUp, signedIn } from './scenario.ts'
import { fails, hangs, losesAnswer } from './scripted-store.ts'

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
    expect(Object.keys(store.only.extra)).toEqual([])
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
    const error = await failure(session.commit())
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('(create)')
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
    const error = await failure(session.commit())
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('(get)')
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
    const error = await failure(session.commit())
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('(create: the store says there is a record of this id)')
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
    expect(Object.keys(store.only.extra)).toEqual([])
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
    expect(error.message).toBe('Another request changed session.data.theme meanwhile; nothing was saved.')
    expect(saved(store.only.data)).toEqual({ theme: 'light' })
    expect(session).toMatchObject({ subject: 'ada', refused: null })
    expect(events).toMatchObject([{ type: 'interrupted', reason: 'conflict', handle: store.only.id, subject: 'ada' }])
  })

  it('throws nothing, if so told, where it overwrites nothing', async () => {
    const { browser, store } = await signedIn({ onOverwrite: 'throw' })
    const session = await browser.open()
    session.data.theme = 'dark'
    store.write(store.only.id, { data: '{"size":1}' })
    await session.commit()
    expect(saved(store.only.data)).toEqual({ size: 1, theme: 'dark' })
  })

  it('names every key that it would have overwritten', async () => {
    const { browser, store } = await signedIn({ onOverwrite: 'throw' })
    const session = await browser.open()
    Object.assign(session.data, { theme: 'dark', size: 2 })
    store.write(store.only.id, { data: '{"theme":"light","size":1}' })
    expect((await failure(session.commit())).message).toMatch(/ session\.data\.theme, size meanwhile/)
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
    ['ended', 'has ended', { state: 'ended', endedReason: 'signed-out', endedAt: 0 }],
    ['ended', 'has ended', { absoluteAt: 0 }],
    ['locked', 'was locked', { state: 'locked' }],
    ['superseded', 'has a new token', { generation: 1, hardRotations: 1 }],
  ] as const)('is interrupted when the session is %s meanwhile: it %s, %j', async (reason, what, change) => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    store.write(store.only.id, change)
    expect(await failure(session.commit())).toMatchObject({
      code: 'ERR_SESS_INTERRUPTED',
      reason,
      message: `The session ${what} while this request ran; nothing was saved.`,
    })
    expect(store.only.data).toBe('')
    expect(session.state).toBe(reason === 'locked' ? 'locked' : 'anonymous')
  })

  it('is interrupted when the session is gone', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    store.records.clear()
    expect(await failure(session.commit())).toMatchObject({
      reason: 'ended',
      message: 'The session is gone from the store; nothing was saved.',
    })
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

  it('confirms no token that the client has not shown, and none twice', async () => {
    const { browser, clock, store } = await signedIn()
    const write = (client: typeof browser) =>
      client.request((session) => {
        session.data.at = clock.now()
      })
    const before = store.only.confirmedAt
    clock.advance(2 * MINUTE)
    await write(browser)
    expect(store.only).toMatchObject({ generation: 0, confirmedAt: before })
    clock.advance(14 * MINUTE)
    const late = browser.copy()
    await browser.request()
    clock.advance(SECOND)
    await write(late)
    expect(store.only).toMatchObject({ generation: 1, confirmedAt: null, lastSeenAt: clock.now() })
  })

  it('confirms the token on what others have written meanwhile', async () => {
    const { browser, clock, store } = await signedIn()
    clock.advance(16 * MINUTE)
    await browser.request()
    const session = await browser.open()
    session.rotate({ hard: true })
    store.write(store.only.id, { data: '{"theirs":1}' })
    await session.commit()
    expect(store.only).toMatchObject({ generation: 2, data: '{"theirs":1}' })
  })

  it('sends a token that was asked for however late the answer leaves', async () => {
    const { browser, clock } = await signedIn()
    const session = await browser.open()
    session.rotate({ hard: true })
    await session.commit()
    clock.advance(10 * MINUTE)
    expect(cookieOf(session)).not.toBeNull()
  })

  it.each([
    ['rotates once, where a rotation is due and one is asked for', { hard: true }, 'authenticated', 'hard'],
    ['rotates along with a lock when a rotation is due', null, 'locked', 'soft'],
  ] as const)('%s', async (_, rotation, state, kind) => {
    const { browser, clock, store, events } = await signedIn()
    clock.advance(16 * MINUTE)
    await browser.request((session) => (rotation === null ? session.lock() : session.rotate(rotation)))
    expect(store.only).toMatchObject({ state, generation: 1, rotation: kind })
    expect(events.at(-1)).toMatchObject({ type: 'rotated', kind, generation: 1 })
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
