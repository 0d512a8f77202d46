import { createSessions } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { Keyring } from '../../src/crypto/keyring.ts'
import { mintToken } from '../../src/crypto/token.ts'
import { Browser, COOKIE, cookieOf, type Data, failure, MINUTE, SECOND, setUp, signedIn } from './scenario.ts'
import { gate, losesAnswerThen } from './scripted-store.ts'

const KEYS = [1, 3].map((step) => Uint8Array.from({ length: 32 }, (_, index) => index * step + 5))

describe('a store that lost a rotation', () => {
  it('is rolled forward to what the client shows, as hard', async () => {
    const { browser, store, events } = await signedIn()
    const before = store.only
    await browser.request((session) => session.rotate({ hard: true }))
    store.records.set(before.id, before)
    events.length = 0
    const session = await browser.request()
    expect(session.subject).toBe('ada')
    expect(events).toMatchObject([{ type: 'store-rollback', generation: 1 }])
    expect(store.only).toMatchObject({ generation: 1, hardRotations: 1, rotation: 'hard' })
  })

  it('is rolled forward by parallel requests alike, and none of them loses its data', async () => {
    const { browser, store } = await signedIn()
    const before = store.only
    const old = browser.copy()
    for (let round = 0; round < 3; round += 1) await browser.request((session) => session.rotate({ hard: true }))
    store.records.set(before.id, before)
    const sessions = await Promise.all([browser.open(), browser.open(), browser.open()])
    for (const session of sessions) session.update('count', (count) => Number(count ?? 0) + 1)
    await Promise.all(sessions.map((session) => session.commit()))
    expect(store.only).toMatchObject({ generation: 3, hardRotations: 3, data: '{"count":3}' })
    expect((await old.open()).refused).toBe('superseded')
  })

  it('interrupts what was accepted with an older token before the roll forward', async () => {
    const { browser, store } = await signedIn()
    const before = store.only
    const old = browser.copy()
    await browser.request((session) => session.rotate({ hard: true }))
    store.records.set(before.id, before)
    const stale = await old.open()
    stale.data.cart = 1
    await browser.request()
    expect(await failure(stale.commit())).toMatchObject({ reason: 'superseded' })
    expect(store.only.data).toBe('')
  })

  it('too many of them makes a stand-in', async () => {
    const { browser, store, events } = await signedIn()
    const before = store.only
    for (let round = 0; round < 9; round += 1) await browser.request((session) => session.rotate({ hard: true }))
    store.records.set(before.id, before)
    events.length = 0
    const session = await browser.open()
    expect(session).toMatchObject({ state: 'anonymous', refused: 'ahead', previous: null })
    expect(events).toMatchObject([{ type: 'token-refused', reason: 'ahead' }])
  })
})

describe('a rolling change of keys', () => {
  async function rolling() {
    const { store, clock, events } = setUp()
    const [old, deploying, moved] = [[KEYS[0]!], [KEYS[0]!, KEYS[1]!], [KEYS[1]!, KEYS[0]!]].map((keys) =>
      createSessions<Data>({ store, clock, keys }),
    )
    const browser = new Browser(old!)
    await browser.request((session) => session.signIn('ada'))
    return { store, clock, events, deploying: deploying!, moved: moved!, cookie: browser.cookie }
  }

  it('signs nobody out and rotates softly once overlap has passed', async () => {
    const { moved, deploying, cookie, clock, store } = await rolling()
    const browser = new Browser(moved)
    browser.cookie = cookie
    await browser.request()
    expect(store.only.generation).toBe(0)
    expect(browser.cookie).toBe(cookie)
    clock.advance(MINUTE)
    await browser.request()
    expect(store.only.generation).toBe(1)
    const elsewhere = new Browser(deploying)
    elsewhere.cookie = browser.cookie
    expect((await elsewhere.open()).subject).toBe('ada')
  })

  it('gives a visitor the same token again, signed with the first key, without a write', async () => {
    const { deploying, moved, store } = await rolling()
    const visitor = new Browser(deploying)
    await visitor.request((session) => {
      session.data.cart = 1
    })
    const [sid, generation] = visitor.cookie?.split('.') ?? []
    const again = new Browser(moved)
    again.cookie = visitor.cookie
    store.drain()
    await again.request()
    expect(again.cookie?.split('.').slice(0, 2)).toEqual([sid, generation])
    expect(again.cookie).not.toBe(visitor.cookie)
    expect(again.cookie).toBe(mintToken(sid ?? '', 0, new Keyring(() => [KEYS[1]!], 'token')))
    expect(store.drain()).toEqual(['get'])
  })
  it('of two tokens that differ in nothing but their keys looks at the first', async () => {
    const { deploying, moved } = await rolling()
    const visitor = new Browser(deploying)
    await visitor.request((session) => {
      session.data.cart = 1
    })
    const old = visitor.cookie
    const fresh = mintToken(old?.split('.')[0] ?? '', 0, new Keyring(() => [KEYS[1]!], 'token'))
    for (const [first, second, answer] of [
      [old, fresh, fresh],
      [fresh, old, null],
    ]) {
      const session = await moved.open({ secure: true, cookie: `${COOKIE}=${first}; ${COOKIE}=${second}` })
      expect(cookieOf(session)).toBe(answer)
    }
  })
})

describe('the answer of a rotation that was due', () => {
  it.each([
    [29, {}, true],
    [31, {}, false],
    [29, { cart: 1 }, true],
    [31, { cart: 1 }, false],
  ])(
    'after %i s of the 60 that the old token lasts, data %j: carries the new one, %s',
    async (seconds, data, carries) => {
      const { browser, clock } = await signedIn()
      clock.advance(16 * MINUTE)
      const session = await browser.open()
      Object.assign(session.data, data)
      await session.commit()
      clock.advance(seconds * SECOND)
      expect(cookieOf(session) !== null).toBe(carries)
    },
  )
})

describe('an upgrade request', () => {
  it('rotates nothing', async () => {
    const { browser, clock, store } = await signedIn()
    clock.advance(16 * MINUTE)
    const session = await browser.open({ upgrade: true })
    await session.commit()
    expect(store.drain()).toEqual(['get', 'touch'])
    expect(store.only.generation).toBe(0)
  })
})

describe('requests in parallel', () => {
  it('that all find a rotation due hand out one token', async () => {
    const { browser, clock, store } = await signedIn()
    clock.advance(16 * MINUTE)
    const { act, reached, open } = gate()
    store.next('replace', act)
    const sessions = await Promise.all(Array.from({ length: 10 }, () => browser.open()))
    const commits = sessions.map((session) => session.commit())
    await reached
    open()
    await Promise.all(commits)
    const cookies = new Set(sessions.map(cookieOf).filter((cookie) => cookie !== null))
    expect(cookies.size).toBe(1)
    expect(store.only.generation).toBe(1)
  })

  it('that lose the answer of a rotation get it again', async () => {
    const { browser, clock, store } = await signedIn()
    clock.advance(16 * MINUTE)
    store.next(
      'replace',
      losesAnswerThen(() => {}),
    )
    const lost = await browser.request()
    expect(cookieOf(lost)).toBeNull()
    const next = await browser.request()
    expect(next.subject).toBe('ada')
    expect(cookieOf(next)).not.toBeNull()
    await browser.request()
    expect(store.only.confirmedAt).not.toBeNull()
  })
})

describe('a commit that meets a soft rotation by another request', () => {
  it('sends no cookie and reports no rotation of its own', async () => {
    const { browser, clock, drainEvents } = await signedIn()
    clock.advance(14 * MINUTE)
    const slow = await browser.open()
    slow.data.cart = [1]
    clock.advance(2 * MINUTE)
    await browser.request()
    await browser.request()
    clock.advance(14 * MINUTE)
    drainEvents()
    await slow.commit()
    expect(drainEvents()).toEqual([])
    expect(slow.toHeaders().map(([name]) => name)).not.toContain('Set-Cookie')
  })

  it('does not give the client back a token that is about to be retired', async () => {
    const { browser, clock, store } = await signedIn()
    clock.advance(14 * MINUTE)
    const slow = await browser.open()
    slow.data.cart = [1]
    clock.advance(2 * MINUTE)
    await browser.request()
    await browser.request()
    clock.advance(15 * MINUTE - 1)
    await slow.commit()
    clock.advance(1)
    await browser.request()
    await browser.request()
    clock.advance(10 * SECOND)
    browser.receive(slow)
    clock.advance(2 * MINUTE)
    const later = await browser.request()
    expect(later.subject).toBe('ada')
    expect(store.only.endedReason).toBeNull()
  })
})
