import { createSessions, memoryStore, type SessEvent } from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Data, MovableClock, setUp, signedIn } from './scenario.ts'

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
    const event = { type: 'created', at: clock.now(), handle: store.only.id, subject: null }
    expect(created).toEqual([event])
    stop()
    await browser.request((session) => session.signIn('ada'))
    expect(created).toHaveLength(1)
    expect(all.map(({ type }) => type)).toEqual(['created', 'ended', 'signed-in'])
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
    await vi.waitFor(() => expect(reported).toHaveBeenCalledTimes(2))
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
  })
})

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
    expect(events).toEqual([{ type: 'evicted', at: clock.now(), handle: handles[0], subject: null }])
  })
})
