import { createSessions, StoreAmbiguousError, StoreUnavailableError } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { mintToken } from '../../src/crypto/token.ts'
import { createEngine } from '../../src/manager/engine.ts'
import { load } from '../../src/manager/load.ts'
import { Browser, COOKIE, cookieOf, type Data, failure, HOUR, MINUTE, setUp, signedIn } from './scenario.ts'
import { after, fails, losesAnswer, ScriptedStore } from './scripted-store.ts'

const FORGED = `${'A'.repeat(43)}.0.${'B'.repeat(43)}`

describe('a visitor', () => {
  it('costs no store call and gets no cookie', async () => {
    const { browser, store } = setUp()
    const session = await browser.request()
    expect(session).toMatchObject({ state: 'anonymous', subject: null, handle: null, refused: null, previous: null })
    expect(session).toMatchObject({
      generation: null,
      createdAt: null,
      lastSeenAt: null,
      idleAt: null,
      absoluteAt: null,
    })
    expect(session).toMatchObject({ auth: null, persistent: false, lockedSubject: null, data: {} })
    expect(store.calls).toEqual([])
    expect(cookieOf(session)).toBeNull()
  })

  it.each([FORGED, '', 'x', 'A'.repeat(8192), `"${FORGED}"`, '%E0%A4%A'])(
    'is what a forgery makes one: %j',
    async (cookie) => {
      const { browser, store, events } = setUp()
      browser.cookie = cookie
      const session = await browser.request()
      expect(session.state).toBe('anonymous')
      expect(session.refused).toBeNull()
      expect(store.calls).toEqual([])
      expect(events).toMatchObject([{ type: 'token-refused', reason: 'malformed', handle: null }])
    },
  )

  it('with a forged cookie gets a session of its own at the first write', async () => {
    const { browser, store } = setUp()
    browser.cookie = FORGED
    const session = await browser.request((current) => {
      current.data.cart = 1
    })
    expect(store.drain()).toEqual(['create'])
    expect(cookieOf(session)).not.toContain('AAAA')
  })
})

describe('a session', () => {
  it('is read once and shows what is stored', async () => {
    const { browser, store, clock } = await signedIn()
    const session = await browser.open()
    const { id, createdAt } = store.only
    expect(session).toMatchObject({ state: 'authenticated', subject: 'ada', handle: id, generation: 0, createdAt })
    expect(session.idleAt).toBe(clock.now() + 30 * MINUTE)
    expect(session.absoluteAt).toBe(clock.now() + 24 * HOUR)
    expect(session.lastSeenAt).toBe(clock.now())
    expect(session.auth).toEqual({ at: clock.now(), methods: [], level: null })
    await session.commit()
    expect(store.drain()).toEqual(['get'])
  })

  it('that the store does not know makes a visitor', async () => {
    const { browser, store, events } = await signedIn()
    const { id } = store.only
    store.records.clear()
    const session = await browser.request()
    expect(session).toMatchObject({ state: 'anonymous', refused: null, previous: null })
    expect(events).toMatchObject([{ type: 'token-refused', reason: 'unknown', handle: id }])
    expect(cookieOf(session)).toBeNull()
  })

  it.each([
    ['idle', 30 * MINUTE - 1, null],
    ['idle', 30 * MINUTE, 'idle'],
    ['idle', 30 * MINUTE + 1, 'idle'],
  ])('past its %s deadline (%i ms) says so: %s', async (_, ms, reason) => {
    const { browser, clock, events, store } = await signedIn()
    clock.advance(ms)
    const session = await browser.open()
    expect(session.previous).toEqual(reason === null ? null : { reason })
    expect(session.state).toBe(reason === null ? 'authenticated' : 'anonymous')
    expect(session.refused).toBeNull()
    if (reason === null) return
    await session.commit()
    expect(events).toMatchObject([{ type: 'expired', reason }])
    expect(store.drain()).toEqual(['get'])
  })

  it('that the store does not know is looked for once more by a sign-out', async () => {
    const { browser, store } = await signedIn()
    const record = store.only
    store.records.clear()
    const session = await browser.open()
    store.records.set(record.id, record)
    session.signOut()
    await session.commit()
    expect(store.only.endedReason).toBe('signed-out')
  })

  it('past its absolute deadline says so, however much it was used', async () => {
    const { browser, clock } = await signedIn({ absolute: '2h' })
    for (let minute = 0; minute < 119; minute += 7) {
      expect((await browser.request()).subject).toBe('ada')
      clock.advance(7 * MINUTE)
    }
    clock.advance(MINUTE)
    const late = await browser.open()
    expect(late.previous).toEqual({ reason: 'absolute' })
  })

  it('that has ended says why, and is a new visitor’s', async () => {
    const { browser, store, events } = await signedIn()
    store.write(store.only.id, { state: 'ended', endedReason: 'revoked', endedAt: 0 })
    const session = await browser.open()
    expect(session).toMatchObject({ state: 'anonymous', refused: null, previous: { reason: 'revoked' } })
    expect(events).toMatchObject([{ type: 'token-refused', reason: 'ended' }])
    session.data.cart = 1
    await session.commit()
    expect(store.records.size).toBe(2)
  })
})

describe('a session that was over by its deadlines when it was ended', () => {
  it.each([
    ['revoked', 'idle'],
    ['evicted', 'idle'],
    ['signed-out', 'signed-out'],
  ] as const)('%s: says %s', async (endedReason, reason) => {
    const { browser, store, clock } = await signedIn()
    clock.advance(HOUR)
    store.write(store.only.id, { state: 'ended', endedReason, endedAt: clock.now() })
    expect((await browser.open()).previous).toEqual({ reason })
  })
})

describe('several cookies of our name', () => {
  const open = (scenario: Awaited<ReturnType<typeof signedIn>>, ...values: (string | null)[]) =>
    scenario.sessions.open({ cookie: values.map((value) => `${COOKIE}=${value}`).join('; ') })

  it('of one session: the highest generation counts, wherever it stands', async () => {
    const scenario = await signedIn()
    const old = scenario.browser.cookie
    await scenario.browser.request((session) => session.rotate({ hard: true }))
    const { cookie } = scenario.browser
    expect((await open(scenario, old, cookie)).subject).toBe('ada')
    expect((await open(scenario, cookie, old)).subject).toBe('ada')
    expect((await open(scenario, FORGED, cookie)).subject).toBe('ada')
  })

  it('of different sessions: none counts', async () => {
    const scenario = await signedIn()
    const other = new Browser(scenario.sessions)
    await other.request((session) => session.signIn('mallory'))
    scenario.store.drain()
    scenario.drainEvents()
    const session = await open(scenario, other.cookie, scenario.browser.cookie)
    expect(session).toMatchObject({ state: 'anonymous', refused: 'ambiguous' })
    expect(scenario.store.drain()).toEqual([])
    expect(scenario.events).toMatchObject([{ type: 'token-refused', reason: 'ambiguous' }])
  })

  it('beyond the third are not looked at', async () => {
    const scenario = await signedIn()
    expect((await open(scenario, FORGED, FORGED, scenario.browser.cookie)).subject).toBe('ada')
    expect((await open(scenario, FORGED, FORGED, FORGED, scenario.browser.cookie)).subject).toBeNull()
  })

  it('beyond the third are not looked at, however many are handed in', async () => {
    const store = new ScriptedStore()
    const engine = createEngine({ store })
    const arrival = { client: null, device: null, upgrade: false, passive: false }
    const tokens = [FORGED, FORGED, FORGED, mintToken('A'.repeat(43), 0, engine.tokens)]
    await load(engine, { ...arrival, tokens })
    expect(store.drain()).toEqual([])
    await load(engine, { ...arrival, tokens: tokens.slice(1) })
    expect(store.drain()).toEqual(['get'])
  })
})

describe('a reused token', () => {
  async function stolen() {
    const scenario = await signedIn()
    const thief = scenario.browser.copy()
    scenario.clock.advance(16 * MINUTE)
    await scenario.browser.request()
    await scenario.browser.request()
    scenario.clock.advance(2 * MINUTE)
    scenario.store.drain()
    scenario.drainEvents()
    return { ...scenario, thief }
  }

  it('ends the session, durably, for everybody', async () => {
    const { thief, browser, store, events } = await stolen()
    const session = await thief.request()
    expect(session).toMatchObject({ state: 'anonymous', refused: null, previous: { reason: 'reuse' } })
    expect(store.calls).toMatchObject([{ operation: 'get' }, { operation: 'replace', durability: 'replicated' }])
    expect(events).toMatchObject([{ type: 'ended', reason: 'reuse', subject: 'ada' }])
    expect(cookieOf(session)).toBeNull()
    expect((await browser.open()).previous).toEqual({ reason: 'reuse' })
  })

  it('is refused as superseded while the end cannot be written', async () => {
    const { thief, browser, store, events } = await stolen()
    store.next('replace', fails, fails)
    const session = await thief.open()
    expect(session).toMatchObject({ state: 'anonymous', refused: 'superseded' })
    expect(events).toMatchObject([{ type: 'store-failed', operation: 'replace', fatal: false }])
    expect((await browser.open()).subject).toBe('ada')
  })

  it('ends it once when the answer was lost', async () => {
    const { thief, store, drainEvents } = await stolen()
    store.next('replace', losesAnswer)
    expect((await thief.open()).previous).toEqual({ reason: 'reuse' })
    expect(drainEvents()).toEqual(['ended'])
  })

  it('ends it over a write of somebody else', async () => {
    const { thief, store } = await stolen()
    const { id } = store.only
    store.next(
      'replace',
      after(() => store.write(id, { data: '{}' })),
    )
    expect((await thief.open()).previous).toEqual({ reason: 'reuse' })
    expect(store.only.endedReason).toBe('reuse')
  })

  it('is judged again when the session has ended meanwhile, or is gone', async () => {
    const { thief, store, clock, drainEvents } = await stolen()
    const { id } = store.only
    store.next(
      'replace',
      after(() => store.write(id, { state: 'ended', endedReason: 'signed-out', endedAt: clock.now() })),
    )
    expect((await thief.open()).previous).toEqual({ reason: 'signed-out' })
    expect(drainEvents()).toEqual(['token-refused'])
    const gone = await stolen()
    const record = gone.store.only
    gone.store.next(
      'replace',
      after(() => gone.store.records.clear()),
    )
    const session = await gone.thief.open()
    expect(session).toMatchObject({ refused: null, previous: null, state: 'anonymous' })
    gone.store.records.set(record.id, record)
    session.signOut()
    await session.commit()
    expect(gone.store.only.endedReason).toBe('signed-out')
  })

  it('is judged again when the store has lost the rotation meanwhile', async () => {
    const { thief, store, drainEvents } = await stolen()
    const { id } = store.only
    store.next(
      'replace',
      after(() => store.write(id, { generation: 0, confirmedAt: null })),
    )
    expect(await thief.open()).toMatchObject({ subject: 'ada', previous: null })
    expect(store.drain()).toEqual(['get', 'replace'])
    expect(drainEvents()).toEqual([])
  })
})

describe('a store that fails while a session is loaded', () => {
  it('fails the request, cookie untouched', async () => {
    const { browser, store, events } = await signedIn()
    store.next('get', fails)
    const error = await failure(browser.open())
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error).toMatchObject({ code: 'ERR_SESS_STORE_UNAVAILABLE', status: 503, expose: false })
    expect(events).toMatchObject([
      { type: 'store-failed', operation: 'get', fatal: true, message: 'the store is down', handle: null },
    ])
  })

  it('makes a stand-in if so told', async () => {
    const { browser, store, events } = await signedIn({ onStoreError: 'anonymous' })
    store.next('get', fails)
    const session = await browser.request()
    expect(session).toMatchObject({ state: 'anonymous', refused: 'store', previous: null, data: {} })
    expect(events).toMatchObject([{ type: 'store-failed', fatal: false }])
    expect(cookieOf(session)).toBeNull()
  })

  it('throwing at once, or something that is no error, is no different', async () => {
    const { browser, store, events } = await signedIn({ onStoreError: 'anonymous' })
    store.get = () => {
      throw new TypeError('not connected')
    }
    expect((await browser.open()).refused).toBe('store')
    store.get = () => Promise.reject('just text')
    expect((await browser.open()).refused).toBe('store')
    expect(events).toMatchObject([{ message: 'not connected' }, { message: 'The session store failed (get).' }])
  })

  it('passes on what a store says by itself', async () => {
    const { browser, store } = await signedIn({ onStoreError: 'anonymous' })
    store.next('get', () => Promise.reject(new StoreAmbiguousError()))
    await expect(browser.open()).rejects.toBeInstanceOf(StoreAmbiguousError)
  })

  it('does not hide a defect of ours', async () => {
    const { browser, store } = await signedIn()
    const broken = createSessions<Data>({
      store,
      clock: {
        now: () => {
          throw new Error('no clock')
        },
      },
    })
    await expect(broken.open({ cookie: `${COOKIE}=${browser.cookie}` })).rejects.toThrow('no clock')
  })
})
