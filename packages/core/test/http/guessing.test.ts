import { type Clock, createSessions, memoryStore, type SessEvent, type SessionsOptions } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { ScriptedStore } from '../manager/scripted-store.ts'

const COOKIE = '__Host-Http-sid'

function setUp(options: Partial<SessionsOptions> = {}) {
  let now = Date.UTC(2026, 0, 1)
  const clock: Clock = { now: () => now }
  const sessions = createSessions({ store: memoryStore(), clock, ...options })
  const events: SessEvent<'guessing'>[] = []
  sessions.on('guessing', (event) => events.push(event))
  const send = async (cookie: string, ip?: string) => {
    const session = await sessions.open({ secure: true, cookie: `${COOKIE}=${cookie}`, ip })
    await sessions.flushEvents()
    return session
  }
  const guess = async (times: number, ip?: string, from = 0) => {
    for (let at = from; at < from + times; at += 1) await send(forged(at), ip)
  }
  return { sessions, events, send, guess, pass: (ms: number) => (now += ms) }
}

/** The shape of a token, and another one for every number. */
const forged = (at: number): string => `${String(at).padStart(43, 'a')}.0.${'b'.repeat(43)}`

describe('guessing', () => {
  it('is told when one client has sent twenty different forged tokens, and again for each further twenty', async () => {
    const { events, guess } = setUp()
    await guess(19, '203.0.113.7')
    expect(events).toEqual([])
    await guess(1, '203.0.113.7', 19)
    expect(events).toMatchObject([{ client: '203.0.113.7', tokens: 20, handle: null, subject: null }])
    await guess(19, '203.0.113.7', 20)
    expect(events).toHaveLength(1)
    await guess(1, '203.0.113.7', 39)
    expect(events[1]).toMatchObject({ client: '203.0.113.7', tokens: 40 })
  })

  it('is not told of a browser that repeats a stale cookie', async () => {
    const { events, send } = setUp({ guessing: { limit: 2 } })
    for (let at = 0; at < 100; at += 1) await send(forged(1), '203.0.113.7')
    expect(events).toEqual([])
  })

  it('counts genuine tokens of sessions that nobody knows', async () => {
    const keys = Uint8Array.from({ length: 32 }, (_, at) => at)
    const elsewhere = createSessions({ store: memoryStore(), keys })
    const { events, send } = setUp({ keys, guessing: { limit: 2 } })
    for (const subject of ['ada', 'grace']) {
      const session = await elsewhere.open({ cookie: '' })
      session.signIn(subject)
      await session.commit()
      await send(session.toHeaders()[0]?.[1].split(/[=;]/)[1] ?? '', '203.0.113.7')
    }
    expect(events).toMatchObject([{ tokens: 2 }])
  })

  it('counts an IPv6 /64 as one client, and no client without an address', async () => {
    const { events, guess } = setUp({ guessing: { limit: 4 } })
    await guess(2, '2001:db8:1:2::1')
    await guess(2, '2001:db8:1:2:ffff::2', 2)
    expect(events).toMatchObject([{ client: '2001:db8:1:2::/64' }])
    await guess(50)
    await guess(50, 'unknown')
    expect(events).toHaveLength(1)
  })

  it('starts anew after the window', async () => {
    const { events, guess, pass } = setUp({ guessing: { limit: 3, window: '1m' } })
    await guess(2, '203.0.113.7')
    pass(59_999)
    await guess(1, '203.0.113.7', 2)
    expect(events).toHaveLength(1)
    await guess(2, '203.0.113.7', 3)
    pass(1)
    await guess(1, '203.0.113.7', 5)
    expect(events).toHaveLength(1)
    await guess(2, '203.0.113.7', 6)
    expect(events[1]).toMatchObject({ tokens: 3 })
  })

  it('takes the application’s word for who is one client', async () => {
    const { events, guess } = setUp({
      guessing: { limit: 2, clientKey: ({ ip }) => (ip === '::1' ? undefined : 'all') },
    })
    await guess(1, '203.0.113.7')
    await guess(5, '::1')
    expect(events).toEqual([])
    await guess(1, '203.0.113.8', 1)
    expect(events).toMatchObject([{ client: 'all', tokens: 2 }])
  })

  it('locks nobody out: the right token works from the same address', async () => {
    const { sessions, events, guess } = setUp()
    const session = await sessions.open({ secure: true, ip: '203.0.113.7' })
    session.signIn('ada')
    await session.commit()
    await guess(100, '203.0.113.7')
    expect(events).toHaveLength(5)
    const cookie = session.toHeaders()[0]?.[1].split(';')[0]
    expect((await sessions.open({ secure: true, cookie, ip: '203.0.113.7' })).subject).toBe('ada')
    expect(events).toHaveLength(5)
  })

  it('costs no store call for what is forged', async () => {
    const store = new ScriptedStore()
    const { events, guess } = setUp({ store })
    await guess(50, '203.0.113.7')
    expect(events).toHaveLength(2)
    expect(store.drain()).toEqual([])
  })

  it('remembers five thousand clients, the busiest for longest', async () => {
    const { events, guess, send } = setUp({ guessing: { limit: 3 } })
    await guess(2, '203.0.113.7')
    await guess(2, '203.0.113.8')
    for (let at = 0; at < 5000; at += 1) {
      await send('x', `10.0.${at >> 8}.${at & 255}`)
      if (at === 100) await send(forged(0), '203.0.113.8')
    }
    await send(forged(9), '203.0.113.8')
    await send(forged(9), '203.0.113.7')
    expect(events).toMatchObject([{ client: '203.0.113.8' }])
  })

  it.each<[string, unknown, RegExp]>([
    ['a switch', true, /`guessing` must be an object/],
    ['null', null, /`guessing` must be an object/],
    ['a misspelt name', { limits: 3 }, /`guessing\.limits` is no option\. There are: limit, window, clientKey/],
    ['a limit of 0', { limit: 0 }, /`guessing\.limit` is 0; use a positive integer/],
    ['a window in words', { window: 'long' }, /`guessing\.window` is "long"/],
    ['a key that is none', { clientKey: 'ip' }, /`guessing\.clientKey` must be a function/],
  ])('refuses %s', (_, guessing, message) => {
    expect(() => setUp({ guessing: guessing as object })).toThrow(message)
  })
})
