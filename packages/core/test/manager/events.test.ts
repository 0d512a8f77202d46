import {
  type ActivityEventType,
  ConfigError,
  createSessions,
  memoryStore,
  type SessEvent,
  type Session,
  SessionInterruptedError,
  type Sessions,
} from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Data, failure, MINUTE, MovableClock, setUp, signedIn } from './scenario.ts'
import { after, fails } from './scripted-store.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('listeners', () => {
  it('get the events of their type, or all, until they unsubscribe', async () => {
    const { browser, sessions, clock, store } = setUp()
    const created: SessEvent<'created'>[] = []
    const all: SessEvent[] = []
    const stop = sessions.on('created', (event) => created.push(event))
    sessions.on('*', (event) => all.push(event))
    await browser.request((session) => {
      session.data.cart = 1
    })
    await sessions.flushEvents()
    const event = { type: 'created', at: clock.now(), handle: store.only.id, subject: null }
    expect(created).toEqual([event])
    stop()
    await browser.request((session) => session.signIn('ada'))
    await sessions.flushEvents()
    expect(created).toHaveLength(1)
    expect(all.map(({ type }) => type)).toEqual(['created', 'ended', 'signed-in'])
  })

  it('are subscribed one by one, the same function twice too', async () => {
    const { browser, sessions } = setUp()
    const listener = vi.fn()
    sessions.on('created', listener)
    const stop = sessions.on('created', listener)
    stop()
    await browser.request((session) => {
      session.data.cart = 1
    })
    await sessions.flushEvents()
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('hear nothing of what happened before, nor once they have unsubscribed', async () => {
    const { browser, sessions } = setUp()
    const write = () =>
      browser.request((session) => {
        session.data.cart = 1
      })
    const early = vi.fn()
    const late = vi.fn()
    const stop = sessions.on('created', early)
    await write()
    sessions.on('created', late)
    stop()
    await sessions.flushEvents()
    expect(early).not.toHaveBeenCalled()
    expect(late).not.toHaveBeenCalled()
  })

  it('that throw or reject break neither the request nor other listeners', async () => {
    const reported = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { browser, sessions } = setUp()
    const seen: string[] = []
    sessions.on('created', () => {
      throw new Error('thrown')
    })
    sessions.on('created', async () => {
      throw new Error('rejected')
    })
    sessions.on('created', ({ type }) => seen.push(type))
    await browser.request((session) => {
      session.data.cart = 1
    })
    await sessions.flushEvents()
    expect(seen).toEqual(['created'])
    expect(reported.mock.calls.map(([text, error]) => [text, (error as Error).message])).toEqual([
      ["sess: a listener for 'created' failed", 'thrown'],
      ["sess: a listener for 'created' failed", 'rejected'],
    ])
  })

  it('are not needed', async () => {
    const sessions = createSessions({ store: memoryStore() })
    const session = await sessions.open({ secure: true })
    session.signIn('ada')
    await expect(session.commit()).resolves.toBeUndefined()
    await expect(sessions.flushEvents()).resolves.toBeUndefined()
  })
})

describe('delivery', () => {
  it('comes after the commit has resolved and the answer could leave, by itself', async () => {
    const { browser, sessions } = setUp()
    const order: string[] = []
    const heard = new Promise<void>((resolve) => {
      sessions.on('signed-in', () => {
        order.push('listener')
        resolve()
      })
    })
    await browser.request((session) => session.signIn('ada'))
    order.push('answer')
    await heard
    expect(order).toEqual(['answer', 'listener'])
  })

  it('gives everything else a turn between listeners that take long, and keeps the order', async () => {
    const { browser, sessions } = setUp()
    const order: string[] = []
    const slow = (name: string) => () => {
      const until = performance.now() + 15
      while (performance.now() < until);
      order.push(name)
    }
    sessions.on('signed-in', slow('first'))
    sessions.on('signed-in', slow('second'))
    const done = new Promise((resolve) => sessions.on('signed-in', resolve))
    await browser.request((session) => session.signIn('ada'))
    setImmediate(() => order.push('another request'))
    await done
    expect(order).toEqual(['first', 'another request', 'second'])
  })

  it('waits with a flush for what listeners return, and for the events they cause', async () => {
    const { browser, sessions } = setUp()
    const done: string[] = []
    sessions.on('created', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      done.push('stored')
      await browser.request((session) => session.signIn('ada'))
    })
    sessions.on('signed-in', () => void sessions.flushEvents().then(() => done.push('flushed')))
    sessions.on('signed-in', () => done.push('heard'))
    await browser.request((session) => {
      session.data.cart = 1
    })
    await sessions.flushEvents()
    await sessions.flushEvents()
    expect(done).toEqual(['stored', 'heard', 'flushed'])
  })

  it('does not fall behind without bound: a long backlog is worked off at once', async () => {
    const { sessions } = setUp()
    let heard = 0
    sessions.on('token-refused', () => {
      const until = performance.now() + 0.01
      while (performance.now() < until);
      heard += 1
    })
    for (let request = 0; request < 12_000; request += 1) await sessions.open({ token: 'forged' })
    const start = performance.now()
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toBeGreaterThan(2000)
    expect(performance.now() - start).toBeGreaterThan(10)
    await sessions.flushEvents()
    expect(heard).toBe(12_000)
  })

  it('needs no setImmediate', async () => {
    vi.stubGlobal('setImmediate', undefined)
    vi.resetModules()
    const fresh = await import('@sess/core')
    vi.unstubAllGlobals()
    const sessions = fresh.createSessions({ store: fresh.memoryStore() })
    const heard = new Promise((resolve) => sessions.on('signed-in', resolve))
    const session = await sessions.open({ secure: true })
    session.signIn('ada')
    await session.commit()
    expect(await heard).toMatchObject({ type: 'signed-in' })
  })
})

describe('the iterator of events', () => {
  const forge = (sessions: Sessions<Data>) => sessions.open({ token: 'forged' })

  it('gives the events in order, from the call on', async () => {
    const { browser, sessions } = setUp()
    const events = sessions.events()
    await browser.request((session) => session.signIn('ada'))
    await browser.request((session) => session.signOut())
    await sessions.flushEvents()
    const [first, second] = [await events.next(), await events.next()]
    expect(first).toMatchObject({ done: false, value: { type: 'signed-in', subject: 'ada', dropped: 0 } })
    expect(second).toMatchObject({ done: false, value: { type: 'ended', reason: 'signed-out', dropped: 0 } })
    const next = events.next()
    await browser.request((session) => session.signIn('grace'))
    expect((await next).value).toMatchObject({ type: 'signed-in', subject: 'grace' })
  })

  it('drops the oldest for a slow reader, and says how many', async () => {
    const { browser, sessions } = await signedIn()
    const events = sessions.events('*', { max: 2 })
    for (let request = 0; request < 3; request += 1) await forge(sessions)
    await browser.request((session) => session.signOut())
    await sessions.flushEvents()
    expect((await events.next()).value).toMatchObject({ type: 'token-refused', dropped: 2 })
    expect((await events.next()).value).toMatchObject({ type: 'ended', dropped: 0 })
  })

  it('ends when the loop is left', async () => {
    const { sessions } = setUp()
    const events = sessions.events('token-refused')
    await forge(sessions)
    await sessions.flushEvents()
    for await (const event of events) {
      expect(event.reason).toBe('malformed')
      break
    }
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  it('ends when its signal aborts, waiting readers included', async () => {
    const { sessions } = setUp()
    const stop = new AbortController()
    const events = sessions.events('*', { signal: stop.signal })
    const waiting = events.next()
    stop.abort()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await events.next()).toEqual({ done: true, value: undefined })
    expect(await sessions.events('*', { signal: stop.signal }).next()).toEqual({ done: true, value: undefined })
  })

  it.each([0, 1.5, Number.NaN])('refuses %d as its bound', (max) => {
    const { sessions } = setUp()
    expect(() => sessions.events('*', { max })).toThrow(ConfigError)
  })
})

describe('events of ordinary requests', () => {
  const heardBy = (sessions: Sessions<Data>) => {
    const heard: SessEvent<ActivityEventType>[] = []
    for (const type of ['opened', 'committed', 'touched', 'saved'] as const)
      sessions.on(type, (event) => heard.push(event))
    return () => {
      void sessions.flushEvents()
      return heard.splice(0)
    }
  }

  it('are told to those who name them, never to all', async () => {
    const { browser, sessions, clock, events } = await signedIn()
    const drain = heardBy(sessions)
    clock.advance(2 * MINUTE)
    await browser.request()
    expect(drain()).toMatchObject([
      { type: 'opened', outcome: 'authenticated', subject: 'ada', durationMs: expect.any(Number) },
      { type: 'touched', subject: 'ada' },
      { type: 'committed', outcome: 'ok', subject: 'ada', durationMs: expect.any(Number) },
    ])
    await browser.request((session) => {
      session.data.cart = 1
    })
    expect(drain().map(({ type }) => type)).toEqual(['opened', 'saved', 'committed'])
    await browser.request()
    expect(drain().map(({ type }) => type)).toEqual(['opened'])
    expect(events).toEqual([])
  })

  it('say what was found', async () => {
    const { browser, sessions } = await signedIn()
    const drain = heardBy(sessions)
    await sessions.open({ cookie: '' })
    await browser.request((session) => session.lock())
    await browser.request((session) => session.reauthenticate({ method: 'password' }))
    const stale = browser.copy()
    await browser.request((session) => session.rotate({ hard: true }))
    await browser.request()
    await stale.request()
    const late = browser.copy()
    await browser.request((session) => session.signOut())
    await late.request()
    const outcomes = drain().flatMap((event) => (event.type === 'opened' ? [event.outcome] : []))
    expect(outcomes).toEqual([
      'anonymous',
      'authenticated',
      'locked',
      'authenticated',
      'authenticated',
      'refused',
      'authenticated',
      'anonymous',
    ])
  })

  it('tell of visitors with a session and of ended ones as of visitors', async () => {
    const { browser, sessions } = setUp()
    const drain = heardBy(sessions)
    await browser.request((session) => {
      session.data.cart = 1
    })
    const late = browser.copy()
    await browser.request((session) => session.signOut())
    await late.request()
    const opened = drain().filter(({ type }) => type === 'opened')
    expect(opened.map((event) => [event.type === 'opened' && event.outcome, event.handle === null])).toEqual([
      ['anonymous', true],
      ['anonymous', false],
      ['anonymous', true],
    ])
  })

  it('tell of failures', async () => {
    const { browser, sessions, store } = await signedIn()
    const drain = heardBy(sessions)
    store.next('get', fails)
    await failure(browser.open())
    const session = await browser.open()
    session.data.cart = 1
    store.write(store.only.id, { state: 'ended', endedReason: 'revoked', endedAt: 0, data: '' })
    await failure(session.commit())
    expect(drain()).toMatchObject([
      { type: 'opened', outcome: 'failed', handle: null },
      { type: 'opened', outcome: 'authenticated' },
      { type: 'committed', outcome: 'ERR_SESS_INTERRUPTED' },
    ])
  })

  it('are told where nothing else is listened to', async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    const drain = heardBy(sessions)
    const session = await sessions.open({ secure: true })
    session.signIn('ada')
    await session.commit()
    expect(drain().map(({ type }) => type)).toEqual(['opened', 'committed'])
  })

  it('say how long it took', async () => {
    const { browser, sessions, store } = await signedIn()
    const drain = heardBy(sessions)
    const durations = () => drain().map((event) => 'durationMs' in event && event.durationMs)
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      vi.advanceTimersByTime(1000)
      const taking = (ms: number) => after(() => vi.advanceTimersByTime(ms))
      store.next('get', taking(25))
      store.next('replace', taking(7))
      await browser.request((session) => session.rotate({ hard: true }))
      expect(durations()).toEqual([25, 7])
      store.next('get', async () => {
        vi.advanceTimersByTime(3)
        throw new Error('the store is down')
      })
      await failure(browser.open())
      expect(durations()).toEqual([3])
    } finally {
      vi.useRealTimers()
    }
  })

  it('tell of failures that are the application’s', async () => {
    const { browser, sessions, store } = await signedIn()
    const session = await browser.open()
    const drain = heardBy(sessions)
    let runs = 0
    session.update('cart', () => {
      runs += 1
      if (runs > 1) throw new Error('not again')
      return 1
    })
    store.write(store.only.id, { data: '{"cart":7}' })
    expect((await failure(session.commit())).message).toBe('not again')
    expect(drain()).toMatchObject([{ type: 'committed', outcome: 'failed' }])
  })
})

describe('refusals', () => {
  it.each<[string, string, (session: Session<Data>) => void, (session: Session<Data>) => void]>([
    ['anonymous', 'a step without anybody signed in', () => {}, (session) => session.lock()],
    ['locked', 'data of a locked session', (session) => lock(session), (session) => session.update('cart', () => 1)],
  ])('%s: %s is told', async (reason, _, prepare, act) => {
    const { browser, drainEvents, events } = reason === 'anonymous' ? setUp() : await signedIn()
    await browser.request(prepare)
    drainEvents()
    const session = await browser.open()
    expect(() => act(session)).toThrow(SessionInterruptedError)
    expect(events).toMatchObject([{ type: 'interrupted', reason }])
  })

  it('tells a plain assignment to a locked session, when it is committed', async () => {
    const { browser, drainEvents, events } = await signedIn()
    await browser.request(lock)
    drainEvents()
    const session = await browser.open()
    session.data.cart = 1
    await failure(session.commit())
    expect(events).toMatchObject([{ type: 'interrupted', reason: 'locked', subject: 'ada' }])
  })

  it('tells what a stand-in may not do', async () => {
    const { browser, sessions, store, events, drainEvents } = await signedIn({ onStoreError: 'anonymous' })
    store.next('get', fails)
    const session = await browser.open()
    drainEvents()
    expect(() => session.rotate()).toThrow(SessionInterruptedError)
    expect(events).toMatchObject([{ type: 'interrupted', reason: 'store', handle: null }])
    await sessions.flushEvents()
  })

  it('tells that the session ended under a request', async () => {
    const { browser, store, events } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    store.write(store.only.id, { state: 'ended', endedReason: 'revoked', endedAt: 0, data: '' })
    await failure(session.commit())
    expect(events).toMatchObject([{ type: 'interrupted', reason: 'ended', handle: store.only.id }])
  })
})

describe('locks', () => {
  it('say by what', async () => {
    const { browser, clock, events } = await signedIn({ onIdle: 'lock' })
    await browser.request(lock)
    await browser.request((session) => session.reauthenticate({ method: 'password' }))
    clock.advance(31 * MINUTE)
    await browser.request()
    const reasons = () => events.flatMap((event) => (event.type === 'locked' ? [event.reason] : []))
    expect(reasons()).toEqual(['asked', 'idle'])
  })

  it('for a fingerprint are told once', async () => {
    const { browser, events } = setUp({ fingerprint: 'standard' })
    const firefox = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0' }
    const chrome = {
      'user-agent':
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
    }
    await browser.request((session) => session.signIn('ada'), { headers: firefox })
    await browser.request(() => {}, { headers: chrome })
    await browser.request(() => {}, { headers: chrome })
    const locks = events.filter(({ type }) => type === 'locked')
    expect(locks).toMatchObject([{ reason: 'fingerprint', subject: 'ada' }])
  })
})

function lock(session: Session<Data>): void {
  session.lock()
}

describe('the story of a session', () => {
  it('is told in order', async () => {
    const { browser, drainEvents, clock } = await signedIn()
    clock.advance(16 * 60_000)
    await browser.request()
    await browser.request((session) => session.lock())
    await browser.request((session) => session.reauthenticate({ method: 'password' }))
    await browser.request((session) => session.signOut())
    expect(drainEvents()).toEqual(['rotated', 'locked', 'reauthenticated', 'rotated', 'ended'])
  })

  it('names an eviction by the store', async () => {
    const clock = new MovableClock()
    const sessions = createSessions<Data>({ store: memoryStore({ max: 1 }), clock })
    const events: SessEvent[] = []
    sessions.on('evicted', (event) => events.push(event))
    const handles: (string | null)[] = []
    for (let round = 0; round < 2; round += 1) {
      const session = await sessions.open({ secure: true })
      session.signIn('ada')
      await session.commit()
      handles.push(session.handle)
    }
    await sessions.flushEvents()
    expect(events).toEqual([{ type: 'evicted', at: clock.now(), handle: handles[0], subject: null }])
  })
})
