import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { callSafely, type EventHub } from '../../src/manager/event-hub.ts'
import { EventStream } from '../../src/manager/event-stream.ts'
import type { SessEvent } from '../../src/manager/events.ts'

const event = (type: 'created' | 'opened' = 'created') => ({ type, at: 0, handle: null, subject: null }) as SessEvent

/** What the hub wants to be run soon. */
const tasks: (() => void)[] = []
let now = 0
let fresh: typeof import('../../src/manager/event-hub.ts')
let hub: EventHub

beforeAll(async () => {
  vi.stubGlobal('setImmediate', (task: () => void) => tasks.push(task))
  vi.resetModules()
  fresh = await import('../../src/manager/event-hub.ts')
  vi.unstubAllGlobals()
})
beforeEach(() => {
  now = 0
  tasks.length = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  hub = new fresh.EventHub()
})
afterEach(() => void vi.restoreAllMocks())
// What is loaded later gets a hub with the platform's own tasks.
afterAll(() => void vi.resetModules())

const runNext = () => tasks.shift()?.()

describe('whether anybody hears', () => {
  it('nobody does at first, nor of another type, nor of activity who asked for everything', () => {
    expect(hub.hears('created')).toBe(false)
    hub.on('ended', () => {})
    expect([hub.hears('created'), hub.hears('ended')]).toEqual([false, true])
    hub.on('*', () => {})
    expect([hub.hears('created'), hub.hears('opened')]).toEqual([true, false])
  })

  it('nobody does any more once the last one has unsubscribed', () => {
    const stops = [hub.on('created', () => {}), hub.on('created', () => {})]
    stops[0]?.()
    expect(hub.hears('created')).toBe(true)
    stops[1]?.()
    expect(hub.hears('created')).toBe(false)
  })
})

describe('delivery', () => {
  it('is one task for all that happens until then, and none for what nobody hears', () => {
    const heard = vi.fn()
    hub.on('created', heard)
    hub.emit(event('opened'))
    expect(tasks).toHaveLength(0)
    hub.emit(event())
    hub.emit(event())
    hub.emit(event('opened'))
    expect(tasks).toHaveLength(1)
    runNext()
    expect(heard).toHaveBeenCalledTimes(2)
    expect(tasks).toHaveLength(0)
    hub.emit(event())
    expect(tasks).toHaveLength(1)
  })

  it('makes a pause once its time is up', () => {
    const heard = vi.fn(() => {
      now += 5
    })
    hub.on('created', heard)
    for (let count = 0; count < 3; count += 1) hub.emit(event())
    runNext()
    expect(heard).toHaveBeenCalledTimes(2)
    expect(tasks).toHaveLength(1)
    runNext()
    expect(heard).toHaveBeenCalledTimes(3)
    expect(tasks).toHaveLength(0)
  })

  it('makes none before fewer than 10 000 wait', () => {
    const heard = vi.fn(() => {
      now += 10
    })
    hub.on('created', heard)
    for (let count = 0; count < 10_002; count += 1) hub.emit(event())
    runNext()
    expect(heard).toHaveBeenCalledTimes(3)
  })
})

describe('callSafely()', () => {
  it.each([undefined, null, 1, {}])('has nothing to wait for where the call gives %j', (value) => {
    expect(callSafely(() => value, 'a call')).toBeUndefined()
  })

  it('gives a promise to wait for, which never rejects', async () => {
    const report = vi.spyOn(console, 'error').mockImplementation(() => {})
    expect(await callSafely(() => Promise.resolve(7), 'a call')).toBe(7)
    await callSafely(() => Promise.reject(new Error('no')), 'a call')
    expect(report).toHaveBeenCalledTimes(1)
  })
})

describe('a stream of events', () => {
  it('keeps one event if so told', async () => {
    const stream = new EventStream(hub, 'created', { max: 1 })
    hub.emit(event())
    hub.emit({ ...event(), at: 7 })
    await hub.flush()
    expect(await stream.next()).toEqual({ done: false, value: { ...event(), at: 7, dropped: 1 } })
  })

  it('gives what comes to the one who waits', async () => {
    const stream = new EventStream(hub, 'created', {})
    const next = stream.next()
    hub.emit(event())
    await hub.flush()
    expect(await next).toEqual({ done: false, value: { ...event(), dropped: 0 } })
  })

  it('lets go of the hub and of its signal when it ends', async () => {
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    const stream = new EventStream(hub, 'created', { signal })
    expect(hub.hears('created')).toBe(true)
    expect(await stream.return()).toEqual({ done: true, value: undefined })
    expect(hub.hears('created')).toBe(false)
    expect(removed).toHaveBeenCalledWith('abort', expect.any(Function))
  })

  it.each([0, 1.5])('needs a bound of at least one: %d', (max) => {
    expect(() => new EventStream(hub, 'created', { max })).toThrow('events(…, { max }) must be a positive integer.')
  })
})
