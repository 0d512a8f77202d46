import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  ConfigError,
  createSessions,
  type Ending,
  type EndingsFeed,
  memoryStore,
  SessionEndedError,
  SessionInterruptedError,
} from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createEngine } from '../../src/manager/engine.ts'
import { watcherOf } from '../../src/manager/watcher.ts'
import { HOUR, MINUTE, type Scenario, SECOND, setUp, signedIn } from './scenario.ts'
import { fails, gate, ScriptedStore } from './scripted-store.ts'

/** What endings in other processes and deadlines may be late by. */
const TICK = 400

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A store that tells what ended, when the test says so. */
class FeedingStore extends ScriptedStore implements EndingsFeed {
  readonly listeners: Set<(handle: string) => void> = new Set()

  onEnding(listener: (handle: string) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  tell(handle: string): void {
    for (const listener of this.listeners) listener(handle)
  }
}

interface Watch {
  readonly handle: string
  readonly endings: Ending[]
  stop(): void
}

/** Watches the only session, which was read once already. */
async function watch({ sessions, store }: Scenario, options?: { keepAlive?: boolean }): Promise<Watch> {
  const endings: Ending[] = []
  const handle = store.only.id
  const stop = sessions.onEnded(handle, (ending) => endings.push(ending), options)
  await settled()
  store.drain()
  return { handle, endings, stop }
}

const settled = () => vi.advanceTimersByTimeAsync(0)
const ended = { state: 'ended', endedReason: 'revoked', endedAt: 7, data: '' } as const

describe('onEnded()', () => {
  it('tells at once what this process ends, without reading', async () => {
    const scenario = await signedIn()
    const { endings, handle } = await watch(scenario)
    await scenario.browser.request((session) => session.signOut())
    await scenario.sessions.flushEvents()
    expect(endings).toEqual([{ handle, subject: 'ada', reason: 'signed-out', at: scenario.clock.now() }])
    expect(scenario.store.drain()).toEqual(['get', 'replace'])
    await vi.advanceTimersByTimeAsync(10 * SECOND)
    expect(endings).toHaveLength(1)
  })

  it('has nothing to say of a session that nobody watches', async () => {
    const scenario = await signedIn()
    const { endings, stop } = await watch(scenario)
    const said = vi.spyOn(console, 'error')
    const other = await scenario.sessions.open({ cookie: '' })
    other.signIn('grace')
    await other.commit()
    other.signOut()
    await other.commit()
    await scenario.sessions.flushEvents()
    expect(endings).toEqual([])
    expect(said).not.toHaveBeenCalled()
    stop()
  })

  it('tells within a second what another process ends', async () => {
    const scenario = await signedIn()
    const { endings, handle } = await watch(scenario)
    await vi.advanceTimersByTimeAsync(3 * TICK)
    expect(scenario.store.drain()).toEqual(['get', 'get', 'get'])
    expect(endings).toEqual([])
    scenario.store.write(handle, ended)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toEqual([{ handle, subject: 'ada', reason: 'revoked', at: 7 }])
  })

  it('tells of what had ended before, or never was', async () => {
    const { sessions, store } = await signedIn()
    const endings: Ending[] = []
    store.write(store.only.id, ended)
    sessions.onEnded(store.only.id, (ending) => endings.push(ending))
    sessions.onEnded('nobody', (ending) => endings.push(ending))
    await settled()
    expect(endings).toMatchObject([
      { reason: 'revoked', subject: 'ada' },
      { reason: 'gone', subject: null, handle: 'nobody' },
    ])
  })

  it('reads a tombstone without particulars as revoked now', async () => {
    const { sessions, store, clock } = await signedIn()
    const endings: Ending[] = []
    store.write(store.only.id, { state: 'ended' })
    sessions.onEnded(store.only.id, (ending) => endings.push(ending))
    await settled()
    expect(endings).toMatchObject([{ reason: 'revoked', at: clock.now() }])
  })

  it('takes a sign-in in its place for an end, and a rotation for none', async () => {
    const scenario = await signedIn()
    const { endings, handle } = await watch(scenario)
    await scenario.browser.request((session) => session.rotate({ hard: true }))
    await scenario.browser.request((session) => session.reauthenticate({ method: 'password' }))
    await vi.advanceTimersByTimeAsync(TICK)
    await scenario.sessions.flushEvents()
    expect(endings).toEqual([])
    await scenario.browser.request((session) => session.signIn('ada'))
    await scenario.sessions.flushEvents()
    expect(endings).toMatchObject([{ handle, reason: 'replaced' }])
  })

  it('takes a lock for an end, unless it was opened again at once', async () => {
    const scenario = await signedIn()
    const { endings } = await watch(scenario)
    await scenario.browser.request((session) => {
      session.lock()
      session.reauthenticate({ method: 'password' })
    })
    await scenario.sessions.flushEvents()
    await settled()
    expect(endings).toEqual([])
    await scenario.browser.request((session) => session.lock())
    await scenario.sessions.flushEvents()
    await settled()
    expect(endings).toMatchObject([{ reason: 'locked', at: scenario.clock.now() }])
  })

  it('tells of a session that a bounded store has dropped', async () => {
    const sessions = createSessions({ store: memoryStore({ max: 1 }) })
    const endings: Ending[] = []
    for (const subject of ['ada', 'grace']) {
      const session = await sessions.open({ secure: true })
      session.signIn(subject)
      await session.commit()
      if (subject === 'ada') sessions.onEnded(session.handle ?? '', (ending) => endings.push(ending))
    }
    await sessions.flushEvents()
    expect(endings).toMatchObject([{ reason: 'gone', subject: null }])
  })

  it('tells each listener, whatever the others do, and none that has stopped', async () => {
    const reported = vi.spyOn(console, 'error').mockImplementation(() => {})
    const scenario = await signedIn()
    const { endings, handle } = await watch(scenario)
    const stopped = await watch(scenario)
    stopped.stop()
    stopped.stop()
    scenario.sessions.onEnded(handle, () => {
      throw new Error('thrown')
    })
    scenario.sessions.onEnded(handle, async () => {
      throw new Error('rejected')
    })
    const last = await watch(scenario)
    await scenario.browser.request((session) => session.signOut())
    await scenario.sessions.flushEvents()
    await settled()
    expect([endings.length, stopped.endings.length, last.endings.length]).toEqual([1, 0, 1])
    last.stop()
    expect(reported.mock.calls.map(([text, error]) => [text, (error as Error).message])).toEqual([
      ['sess: a listener of onEnded() failed', 'thrown'],
      ['sess: a listener of onEnded() failed', 'rejected'],
    ])
  })

  it('leaves the listeners of other sessions alone', async () => {
    const scenario = await signedIn()
    const { endings, stop } = await watch(scenario)
    await setUp().browser.request((session) => session.signIn('grace'))
    const other = await scenario.sessions.open({ secure: true })
    other.signIn('grace')
    await other.commit()
    other.lock()
    await other.commit()
    other.signOut()
    await other.commit()
    await scenario.sessions.flushEvents()
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toEqual([])
    stop()
  })

  it('goes on for the others when one stops, and for those who came later', async () => {
    const scenario = await signedIn()
    const { sessions, store } = scenario
    const first = await watch(scenario)
    sessions.onEnded('nobody', () => {})()
    store.write(first.handle, { state: 'locked' })
    await vi.advanceTimersByTimeAsync(TICK)
    expect(first.endings).toMatchObject([{ reason: 'locked' }])
    store.write(first.handle, { state: 'authenticated' })
    const second = await watch(scenario)
    first.stop()
    store.write(first.handle, ended)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(second.endings).toMatchObject([{ reason: 'revoked' }])
  })

  it('reads nothing for those who cannot hear it any more', async () => {
    const { store, clock } = await signedIn()
    const nobody = { end: () => {}, heard: () => false, keepAlive: false }
    watcherOf(createEngine({ store, clock })).watch(store.only.id, nobody)
    await settled()
    expect(store.drain()).toEqual(['get'])
    await vi.advanceTimersByTimeAsync(TICK)
    expect(store.calls).toEqual([])
  })

  it.each([[null], [7], [undefined]])('refuses %s as a handle', (handle) => {
    const { sessions } = setUp()
    // What plain JavaScript lets through.
    expect(() => sessions.onEnded(handle as unknown as string, () => {})).toThrow(/onEnded\(handle, listener\) needs/)
    expect(() => sessions.onEnded('handle', handle as unknown as () => void)).toThrow(ConfigError)
  })
})

describe('a store that tells by itself', () => {
  const feeding = async () => {
    const store = new FeedingStore()
    const scenario = setUp({ store })
    await scenario.browser.request((session) => session.signIn('ada'))
    scenario.drainEvents()
    return { ...scenario, store }
  }

  it('is read when it has told something, and now and then', async () => {
    const { store, sessions, browser, clock } = await feeding()
    const endings: Ending[] = []
    const session = await browser.open()
    const handle = session.handle as string
    sessions.onEnded(handle, (ending) => endings.push(ending))
    expect(store.listeners.size).toBe(1)
    await settled()
    store.drain()
    clock.advance(2 * MINUTE)
    for (let round = 0; round < 2; round += 1) {
      await vi.advanceTimersByTimeAsync(10 * SECOND - 1)
      expect(store.drain()).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(store.drain()).toEqual(['get'])
    }
    store.tell(handle)
    await vi.advanceTimersByTimeAsync(3 * TICK)
    expect(store.drain()).toEqual(['get', 'get'])
    store.tell('somebody else')
    store.write(handle, ended)
    store.tell(handle)
    await settled()
    expect(endings).toMatchObject([{ handle, reason: 'revoked' }])
    expect(store.drain()).toEqual(['get'])
    expect(store.listeners.size).toBe(0)
  })

  it('is not believed, but looked at once more', async () => {
    const { store, sessions, browser } = await feeding()
    const endings: Ending[] = []
    const handle = (await browser.open()).handle as string
    sessions.onEnded(handle, (ending) => endings.push(ending))
    await settled()
    store.drain()
    store.tell(handle)
    await settled()
    expect([endings, store.drain()]).toEqual([[], ['get']])
    store.write(handle, ended) // the feed was faster than the write
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toHaveLength(1)
  })

  it('is asked again soon when it could not be read', async () => {
    const { store, sessions, browser, events } = await feeding()
    const endings: Ending[] = []
    const handle = (await browser.open()).handle as string
    store.next('get', fails, fails)
    sessions.onEnded(handle, (ending) => endings.push(ending))
    store.write(handle, ended)
    await vi.advanceTimersByTimeAsync(2 * TICK)
    expect(endings).toHaveLength(1)
    expect(events).toMatchObject([{ type: 'store-failed', operation: 'get' }])
  })

  it('is touched when it is time, for who keeps the session alive', async () => {
    const { store, sessions, browser, clock } = await feeding()
    const handle = (await browser.open()).handle as string
    const stop = sessions.onEnded(handle, () => {}, { keepAlive: true })
    await settled()
    store.drain()
    await vi.advanceTimersByTimeAsync(TICK)
    expect(store.drain()).toEqual([])
    clock.advance(MINUTE)
    await vi.advanceTimersByTimeAsync(2 * TICK)
    expect(store.drain()).toEqual(['get', 'touch'])
    stop()
  })

  it('is not read again when it could not be touched and nobody keeps the session alive any more', async () => {
    const { store, sessions, browser, clock } = await feeding()
    const handle = (await browser.open()).handle as string
    const stopLooking = sessions.onEnded(handle, () => {})
    const stop = sessions.onEnded(handle, () => {}, { keepAlive: true })
    await settled()
    store.drain()
    store.next('touch', () => {
      stop()
      throw new Error('down')
    })
    clock.advance(MINUTE)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(store.drain()).toEqual(['get', 'touch'])
    await vi.advanceTimersByTimeAsync(3 * TICK)
    expect(store.drain()).toEqual([])
    stopLooking()
  })

  it('is read again when there was nothing to touch, even if nobody keeps the session alive any more', async () => {
    const { store, sessions, browser, clock } = await feeding()
    const handle = (await browser.open()).handle as string
    const endings: Ending[] = []
    sessions.onEnded(handle, (ending) => endings.push(ending))
    const stop = sessions.onEnded(handle, () => {}, { keepAlive: true })
    await settled()
    store.next('touch', () => {
      stop()
      store.write(handle, ended)
      return false
    })
    clock.advance(MINUTE)
    await vi.advanceTimersByTimeAsync(2 * TICK)
    expect(endings).toMatchObject([{ reason: 'revoked' }])
  })
})

describe('deadlines', () => {
  it('end a session that nobody uses', async () => {
    const scenario = await signedIn()
    const { endings } = await watch(scenario)
    const idleAt = scenario.clock.now() + 30 * MINUTE
    scenario.clock.advance(30 * MINUTE)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toMatchObject([{ reason: 'idle', at: idleAt, subject: 'ada' }])
  })

  it('are those of the record as it is then: requests elsewhere move them', async () => {
    const scenario = await signedIn()
    const { endings, handle } = await watch(scenario)
    scenario.clock.advance(29 * MINUTE)
    scenario.store.write(handle, { lastSeenAt: scenario.clock.now() })
    scenario.clock.advance(2 * MINUTE)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toEqual([])
    scenario.clock.advance(28 * MINUTE)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toMatchObject([{ reason: 'idle' }])
  })

  it('that are absolute need no store', async () => {
    const scenario = await signedIn({ idle: false })
    const { endings, handle } = await watch(scenario)
    scenario.clock.advance(24 * HOUR)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toMatchObject([{ handle, reason: 'absolute', at: scenario.clock.now() }])
    expect(scenario.store.drain()).toEqual([])
  })

  it('that had passed before are told, too', async () => {
    const { sessions, store, clock } = await signedIn()
    clock.advance(25 * HOUR)
    const endings: Ending[] = []
    sessions.onEnded(store.only.id, (ending) => endings.push(ending))
    await settled()
    expect(endings).toMatchObject([{ reason: 'absolute', at: store.only.absoluteAt }])
  })

  it('that lock are told as a lock', async () => {
    const scenario = await signedIn({ onIdle: 'lock' })
    const { endings } = await watch(scenario)
    scenario.clock.advance(30 * MINUTE)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toMatchObject([{ reason: 'locked' }])
  })

  it('are noticed with a store that tells by itself', async () => {
    const store = new FeedingStore()
    const { browser, sessions, clock } = setUp({ store })
    await browser.request((session) => session.signIn('ada'))
    const { handle } = await browser.open()
    const endings: Ending[] = []
    sessions.onEnded(handle as string, (ending) => endings.push(ending))
    await settled()
    clock.advance(30 * MINUTE)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toMatchObject([{ reason: 'idle' }])
  })
})

describe('keepAlive', () => {
  it('counts as activity every touchEvery, for as long as somebody watches', async () => {
    const scenario = await signedIn()
    const { clock, store, sessions } = scenario
    const touched: string[] = []
    sessions.on('touched', ({ handle }) => touched.push(handle as string))
    const { endings, handle, stop } = await watch(scenario, { keepAlive: true })
    const other = await watch(scenario)
    for (let minute = 0; minute < 60; minute += 1) {
      clock.advance(MINUTE)
      await vi.advanceTimersByTimeAsync(2 * TICK)
    }
    expect(endings).toEqual([])
    expect(store.drain().filter((operation) => operation === 'touch')).toHaveLength(60)
    expect(store.only.lastSeenAt).toBe(clock.now())
    await sessions.flushEvents()
    expect(touched).toEqual(Array(60).fill(handle))
    stop()
    clock.advance(30 * MINUTE)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(other.endings).toMatchObject([{ reason: 'idle' }])
    expect(endings).toEqual([])
  })

  it('is for those who ask for it: to watch alone is no activity', async () => {
    const scenario = await signedIn()
    const { stop } = await watch(scenario)
    const session = await scenario.browser.open()
    expect(session.signal.aborted).toBe(false)
    await settled()
    scenario.clock.advance(2 * MINUTE)
    await vi.advanceTimersByTimeAsync(TICK)
    expect(scenario.store.drain()).not.toContain('touch')
    stop()
    await session.commit()
    await scenario.browser.request((other) => other.signOut())
    await scenario.sessions.flushEvents()
    expect(session.signal.aborted).toBe(true)
  })

  it('does not reach over the absolute deadline', async () => {
    const scenario = await signedIn({ idle: '30m', absolute: '1h' })
    const { endings } = await watch(scenario, { keepAlive: true })
    for (let minute = 0; minute < 60; minute += 1) {
      scenario.clock.advance(MINUTE)
      await vi.advanceTimersByTimeAsync(TICK)
    }
    expect(endings).toMatchObject([{ reason: 'absolute', at: scenario.clock.now() }])
  })

  it('notices that there is nothing left to touch', async () => {
    const scenario = await signedIn()
    const { endings, handle } = await watch(scenario, { keepAlive: true })
    scenario.clock.advance(MINUTE)
    scenario.store.next('touch', () => {
      scenario.store.write(handle, ended)
      return false
    })
    await vi.advanceTimersByTimeAsync(2 * TICK)
    expect(endings).toMatchObject([{ reason: 'revoked' }])
  })

  it('tries again when the store failed', async () => {
    const scenario = await signedIn()
    const { stop } = await watch(scenario, { keepAlive: true })
    scenario.clock.advance(MINUTE)
    scenario.store.next('touch', fails)
    await vi.advanceTimersByTimeAsync(2 * TICK)
    expect(scenario.store.only.lastSeenAt).toBe(scenario.clock.now())
    expect(scenario.events).toMatchObject([{ type: 'store-failed', operation: 'touch', fatal: false }])
    stop()
  })
})

describe('a store that fails', () => {
  it('ends nothing, and is told of once until it is well', async () => {
    const scenario = await signedIn()
    const { endings, stop } = await watch(scenario)
    scenario.clock.advance(31 * MINUTE)
    scenario.store.next('get', fails, fails, fails)
    await vi.advanceTimersByTimeAsync(3 * TICK)
    expect(endings).toEqual([])
    expect(scenario.events).toMatchObject([{ type: 'store-failed', operation: 'get', fatal: false }])
    scenario.drainEvents()
    await vi.advanceTimersByTimeAsync(TICK)
    expect(endings).toMatchObject([{ reason: 'idle' }])
    stop()
  })

  it('is told of anew after it was well', async () => {
    const scenario = await signedIn()
    const { stop } = await watch(scenario)
    scenario.store.next('get', fails)
    await vi.advanceTimersByTimeAsync(2 * TICK)
    scenario.store.next('get', fails)
    await vi.advanceTimersByTimeAsync(2 * TICK)
    expect(scenario.drainEvents()).toEqual(['store-failed', 'store-failed'])
    stop()
  })

  it('is read by sixteen at a time, each session once', async () => {
    const { sessions, store } = setUp()
    const gates = Array.from({ length: 50 }, gate)
    store.next('get', ...gates.map(({ act }) => act))
    const stops = gates.map((_, index) => sessions.onEnded(`handle-${index}`, () => {}))
    await vi.advanceTimersByTimeAsync(5 * TICK)
    expect(store.calls).toHaveLength(16)
    stops[20]?.()
    for (const { open } of gates) open()
    await settled()
    expect(store.calls).toHaveLength(49)
    expect(new Set(store.calls.map(({ id }) => id)).size).toBe(49)
  })

  it('may answer late: who has stopped meanwhile is told nothing', async () => {
    const scenario = await signedIn()
    const { endings, handle, stop } = await watch(scenario)
    const slow = gate()
    scenario.store.next('get', slow.act)
    await vi.advanceTimersByTimeAsync(TICK)
    scenario.store.write(handle, ended)
    stop()
    slow.open()
    await settled()
    expect(endings).toEqual([])
  })

  it.each(['get', 'touch'] as const)('may answer a %s late: who was told meanwhile is told once', async (operation) => {
    const scenario = await signedIn()
    const { endings } = await watch(scenario, { keepAlive: true })
    scenario.clock.advance(MINUTE)
    const slow = gate()
    scenario.store.next(operation, slow.act)
    await vi.advanceTimersByTimeAsync(TICK)
    await scenario.browser.request((session) => session.signOut())
    await scenario.sessions.flushEvents()
    slow.open()
    await settled()
    expect(endings).toHaveLength(1)
  })
})

describe('while nobody watches', () => {
  it('nothing runs', async () => {
    const scenario = await signedIn()
    const { stop } = await watch(scenario)
    expect(vi.getTimerCount()).toBe(1)
    stop()
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(scenario.store.drain()).toEqual([])
  })

  it('and a process is not kept, whatever timers look like', async () => {
    const unref = vi.fn()
    const set = vi.spyOn(globalThis, 'setInterval')
    for (const timer of [{ unref }, 7]) {
      set.mockReturnValueOnce(timer as unknown as NodeJS.Timeout) // what other platforms give
      setUp().sessions.onEnded('nobody', () => {})()
    }
    expect(unref).toHaveBeenCalledTimes(1)
    await settled()
  })

  it('ten thousand subscriptions leave nothing behind', async () => {
    const { sessions } = await signedIn()
    const subscribe = (index: number): WeakRef<object> => {
      const listener = () => {}
      sessions.onEnded(`handle-${index % 100}`, listener)()
      return new WeakRef(listener)
    }
    const listeners = Array.from({ length: 10_000 }, (_, index) => subscribe(index))
    await settled()
    await new Promise((resolve) => setTimeout(resolve, 5))
    collector()()
    expect(listeners.filter((listener) => listener.deref() !== undefined).length).toBeLessThan(10)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('session.signal', () => {
  it('aborts with the reason', async () => {
    const { browser, sessions, store, clock } = await signedIn()
    const { signal } = await browser.open()
    const heard = vi.fn()
    signal.addEventListener('abort', heard)
    expect(signal.aborted).toBe(false)
    await browser.request((session) => session.signOut())
    await sessions.flushEvents()
    expect(heard).toHaveBeenCalledTimes(1)
    expect(signal.reason).toBeInstanceOf(SessionEndedError)
    expect(signal.reason).toBeInstanceOf(SessionInterruptedError)
    expect(signal.reason).toMatchObject({
      code: 'ERR_SESS_INTERRUPTED',
      reason: 'ended',
      message: 'The session is over (signed-out).',
      ending: { handle: store.only.id, subject: 'ada', reason: 'signed-out', at: clock.now() },
    })
  })

  it('says locked for a lock', async () => {
    const { browser, sessions } = await signedIn()
    const { signal } = await browser.open()
    await browser.request((session) => session.lock())
    await sessions.flushEvents()
    await settled()
    expect(signal.reason).toMatchObject({ reason: 'locked', ending: { reason: 'locked' } })
  })

  it('is the same each time, and another after a sign-in', async () => {
    const { browser, sessions } = await signedIn()
    const session = await browser.open()
    const { signal } = session
    expect(session.signal).toBe(signal)
    session.signIn('grace')
    expect(session.signal).toBe(signal)
    await session.commit()
    browser.receive(session)
    const next = session.signal
    expect(next).not.toBe(signal)
    await sessions.flushEvents()
    expect([signal.aborted, next.aborted]).toEqual([true, false])
    expect(signal.reason).toMatchObject({ ending: { reason: 'replaced' } })
    session.signOut()
    await session.commit()
    await sessions.flushEvents()
    expect(session.signal).toBe(next)
    expect(next.aborted).toBe(true)
  })

  it('never aborts while nothing is stored, and costs nothing', async () => {
    const { sessions, store } = setUp()
    const session = await sessions.open({ secure: true })
    const { signal } = session
    expect(session.signal).toBe(signal)
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect([signal.aborted, store.calls]).toEqual([false, []])
  })

  it('makes the answer depend on the cookie', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    const { signal } = session
    expect(session.toHeaders()).toContainEqual(['Vary', 'Cookie'])
    await browser.request((other) => other.signOut())
    await vi.advanceTimersByTimeAsync(TICK)
    expect(signal.aborted).toBe(true)
  })

  describe('when garbage is collected', () => {
    const gc = collector()
    const collect = async () => {
      for (let round = 0; round < 5; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        gc()
        await vi.advanceTimersByTimeAsync(TICK)
      }
    }

    it('is let go if nobody holds it or listens', async () => {
      const { browser } = await signedIn()
      await (async () => (await browser.open()).signal.aborted)()
      expect(vi.getTimerCount()).toBe(1)
      await collect()
      expect(vi.getTimerCount()).toBe(0)
    })

    it('stays as long as somebody listens', async () => {
      const { browser, sessions } = await signedIn()
      const heard = vi.fn()
      await (async () => (await browser.open()).signal.addEventListener('abort', heard))()
      await collect()
      expect(vi.getTimerCount()).toBe(1)
      await browser.request((session) => session.signOut())
      await sessions.flushEvents()
      expect(heard).toHaveBeenCalledTimes(1)
    })

    it('stays as long as the session is held, for signals made of it', async () => {
      const { browser, sessions } = await signedIn()
      const session = await browser.open()
      const heard = vi.fn()
      AbortSignal.any([session.signal, new AbortController().signal]).addEventListener('abort', heard)
      await collect()
      await browser.request((other) => other.signOut())
      await sessions.flushEvents()
      expect(heard).toHaveBeenCalledTimes(1)
      expect(session.subject).toBe('ada')
    })
  })
})

/** The garbage collector, in a process that was started without it. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
