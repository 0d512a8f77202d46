import { ConfigError, createSessions, LimitError, memoryStore, StoreAmbiguousError } from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { accounts, all, type Device, handles, KEY, signIn } from './account-scenario.ts'
import { Browser, cookieOf, type Data, failure, HOUR, MINUTE, SECOND } from './scenario.ts'
import { type Act, after, fails, gate, hangs, losesAnswer } from './scripted-store.ts'

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
})

const live = (sessions: Parameters<typeof handles>[0]) => handles(sessions).then((found) => found.length)

describe('limit', () => {
  it('ends the session signed in first, and tells its client', async () => {
    const { sessions, signIn, clock, drainEvents } = accounts({ limit: { perSubject: 2 } })
    const first = await signIn()
    clock.advance(SECOND)
    const second = await signIn()
    clock.advance(SECOND)
    await first.browser.request((session) => Object.assign(session.data, { used: 'last' }))
    drainEvents()
    const third = await signIn()
    expect(drainEvents()).toMatchObject([
      { type: 'ended', reason: 'evicted', handle: first.handle, subject: 'ada' },
      { type: 'signed-in', handle: third.handle },
    ])
    expect(await handles(sessions)).toEqual([second.handle, third.handle])
    expect(await first.browser.open()).toMatchObject({ state: 'anonymous', previous: { reason: 'evicted' } })
  })

  it('can end the session not used for longest instead', async () => {
    const { sessions, signIn, clock } = accounts({ limit: { perSubject: 2, onExceed: 'evict-idle' } })
    const first = await signIn()
    clock.advance(SECOND)
    await signIn()
    clock.advance(2 * MINUTE)
    await first.browser.request()
    const third = await signIn()
    expect(await handles(sessions)).toEqual([first.handle, third.handle])
  })

  it('can refuse the new one: 409, one event, nothing changed', async () => {
    const { sessions, signIn, store, drainEvents } = accounts({
      limit: { perSubject: 2, onExceed: 'reject' },
      carry: ['cart'],
    })
    const devices = [await signIn(), await signIn()]
    const browser = new Browser(sessions)
    await browser.request((session) => Object.assign(session.data, { cart: [1] }))
    const { cookie } = browser
    const before = [...store.records.values()]
    drainEvents()
    const session = await browser.open()
    session.signIn('ada')
    const error = await failure(session.commit())
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({ code: 'ERR_SESS_LIMIT', status: 409, limit: 2, expose: true })
    expect(error.message).toBe('No more than 2 sessions may be signed in at a time. Sign out of another one first.')
    expect(drainEvents()).toEqual([
      { type: 'limit-exceeded', at: expect.any(Number), handle: null, subject: 'ada', limit: 2 },
    ])
    expect([...store.records.values()]).toEqual(before)
    expect(session).toMatchObject({ state: 'anonymous', refused: null, data: { cart: [1] } })
    expect(cookieOf(session)).toBeNull()
    expect(browser.cookie).toBe(cookie)
    await sessions.end(devices[0]?.handle as string, { subject: 'ada' })
    await browser.request((current) => current.signIn('ada'))
    expect((await browser.open()).data).toEqual({ cart: [1] })
  })

  it('of one says so in words', () => {
    expect(new LimitError(1).message).toMatch(/No more than one session may be/)
  })

  it('does not count the session that is being replaced', async () => {
    for (const onExceed of ['evict-oldest', 'reject'] as const) {
      const { sessions, signIn } = accounts({ limit: { perSubject: 2, onExceed } })
      const { browser } = await signIn()
      const other = await signIn()
      const session = await browser.request((current) => current.signIn('ada'))
      expect((await handles(sessions)).toSorted()).toEqual([other.handle, session.handle].toSorted())
      expect((await other.browser.open()).subject).toBe('ada')
    }
  })

  it('counts locked sessions', async () => {
    const { signIn, sessions } = accounts({ limit: { perSubject: 2, onExceed: 'reject' } })
    const { browser } = await signIn()
    await browser.request((session) => session.lock())
    await signIn()
    expect(await failure(signIn())).toBeInstanceOf(LimitError)
    expect(await live(sessions)).toBe(2)
  })

  it('counts sessions that idled into a lock, but none past its absolute deadline', async () => {
    const { signIn, clock } = accounts({ limit: { perSubject: 1, onExceed: 'reject' }, onIdle: 'lock' })
    const { browser } = await signIn()
    clock.advance(HOUR)
    expect(await failure(signIn())).toBeInstanceOf(LimitError)
    clock.advance(23 * HOUR)
    await signIn()
    expect((await browser.open()).previous).toEqual({ reason: 'absolute' })
  })

  it('does not count what has ended, or is past its idle deadline, and ends that for good', async () => {
    const { sessions, signIn, clock, store, drainEvents } = accounts({ limit: { perSubject: 2, onExceed: 'reject' } })
    const idle = await signIn()
    const slow = await idle.browser.open()
    slow.data.cart = 1
    clock.advance(29 * MINUTE)
    const out = await signIn()
    await out.browser.request((session) => session.signOut())
    clock.advance(MINUTE)
    await signIn()
    drainEvents()
    await signIn()
    expect(drainEvents()).toMatchObject([{ type: 'signed-in' }])
    expect(store.admissions.slice(-2).map(({ uncounted }) => uncounted)).toEqual([
      [out.handle, idle.handle],
      [idle.handle, out.handle],
    ])
    expect(store.records.get(idle.handle)?.state).toBe('ended')
    expect(await failure(slow.commit())).toMatchObject({ code: 'ERR_SESS_INTERRUPTED' })
    expect((await idle.browser.open()).previous).toEqual({ reason: 'idle' })
    expect(await live(sessions)).toBe(2)
  })

  it('says that an expired session expired, not that it was evicted', async () => {
    const { signIn, clock, drainEvents } = accounts({ limit: { perSubject: 2 } })
    const { handle } = await signIn()
    clock.advance(31 * MINUTE)
    drainEvents()
    await signIn()
    expect(drainEvents()).toMatchObject([{ type: 'expired', reason: 'idle', handle }, { type: 'signed-in' }])
  })

  it('does not count somebody who acts as the subject, nor end their session', async () => {
    const { sessions, signIn, store } = accounts({ limit: { perSubject: 1 } })
    const acting = await signIn()
    store.write(acting.handle, { actor: { subject: 'root', auth: null, absoluteAt: 0, persistent: false } })
    const own = await signIn()
    expect((await handles(sessions)).toSorted()).toEqual([acting.handle, own.handle].toSorted())
  })

  it('does not end a session of the subject whom somebody begins to act as', async () => {
    const { sessions, signIn } = accounts({ limit: { perSubject: 1 } })
    const own = await signIn('ada')
    const root = await signIn('root')
    await root.browser.request((session) => session.actAs('ada'))
    expect((await own.browser.open()).subject).toBe('ada')
    expect(await live(sessions)).toBe(2)
  })

  it('names who has to go in the order of their sign-ins, whatever the order of the listing', async () => {
    const { signIn, store, clock } = accounts({ limit: { perSubject: 2 } })
    const ids: string[] = []
    for (let count = 0; count < 2; count += 1) {
      ids.push((await signIn()).handle)
      clock.advance(SECOND)
    }
    store.next('list', () => store.entries('ada').toReversed())
    await signIn()
    expect(store.admissions.at(-1)?.victims).toEqual(ids)
  })

  it('has its listing cut off with the time of the commit', async () => {
    const { signIn, store } = accounts({ limit: { perSubject: 2 }, storeTimeout: 50 })
    let listed = 0
    store.listBySubject = async function* () {
      for (; listed < 50; listed += 1) {
        await new Promise((resolve) => setTimeout(resolve, 10))
        yield { id: `${listed}`, record: null }
      }
    }
    expect(await failure(signIn())).toMatchObject({ code: 'ERR_SESS_STORE_UNAVAILABLE' })
    expect(listed).toBeLessThan(20)
  })

  it('is each subject’s own', async () => {
    const { sessions, signIn } = accounts({ limit: { perSubject: 1 } })
    await signIn('ada')
    await signIn('grace')
    expect([await handles(sessions, 'ada'), await handles(sessions, 'grace')].flat()).toHaveLength(2)
  })

  it('can be a function of the subject and of how it signed in', async () => {
    const asked: unknown[] = []
    const perSubject = (subject: string, session: object) => {
      asked.push([subject, session])
      return subject === 'ada' ? 1 : Number.POSITIVE_INFINITY
    }
    const { sessions, signIn, store } = accounts({ limit: { perSubject } })
    await signIn('ada')
    await signIn('ada', { methods: ['pwd'], level: 2, persistent: true })
    expect(asked.at(-1)).toEqual(['ada', { methods: ['pwd'], level: 2, persistent: true }])
    expect(await live(sessions)).toBe(1)
    store.drain()
    await signIn('grace')
    expect(store.drain()).toEqual(['create'])
  })

  it.each([0, -1, 1.5, Number.NaN, '3', undefined])('that comes out as %j fails the sign-in', async (count) => {
    // What JavaScript callers may hand in.
    const { sessions, signIn, store } = accounts({ limit: { perSubject: () => count as number } })
    const error = await failure(signIn())
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toMatch(/What `limit.perSubject` gave is .*; use a whole number from 1/)
    expect(store.records.size).toBe(0)
    expect(await live(sessions)).toBe(0)
  })

  it('whose function throws fails the sign-in with that', async () => {
    const { signIn } = accounts({
      limit: {
        perSubject: () => {
          throw new Error('no plan')
        },
      },
    })
    await expect(signIn()).rejects.toThrow('no plan')
  })

  it('costs the store nothing where there is none', async () => {
    const { signIn, store } = accounts()
    const { browser } = await signIn()
    await browser.request((session) => session.signIn('ada'))
    expect(store.drain()).toEqual(['create', 'get', 'create', 'replace'])
  })

  it('costs one listing and one admission, durably, before anything is stored', async () => {
    const { signIn, store, clock } = accounts({ limit: { perSubject: 2 } })
    await signIn()
    expect(store.calls).toMatchObject([
      { operation: 'list' },
      { operation: 'admit', durability: 'replicated' },
      { operation: 'create', durability: 'replicated' },
    ])
    expect(store.admissions).toEqual([
      {
        subject: 'ada',
        id: store.only.id,
        at: clock.now(),
        deadline: store.only.absoluteAt,
        abandonedBefore: clock.now() - 14 * SECOND,
        limit: 2,
        uncounted: [],
        victims: [],
      },
    ])
  })

  it('ends those who have to go before the new session is there', async () => {
    const { signIn, store } = accounts({ limit: { perSubject: 1 } })
    await signIn()
    store.drain()
    await signIn()
    expect(store.drain()).toEqual(['list', 'admit', 'replace', 'create'])
  })

  it('lowered later ends as many as are too many', async () => {
    const { process, sessions, signIn: join } = accounts({ limit: { perSubject: 5 } })
    for (let count = 0; count < 5; count += 1) await join()
    const stricter = process({ limit: { perSubject: 2 } })
    await signIn(stricter)
    expect(await live(sessions)).toBe(2)
  })

  it('introduced later finds any number of sessions', async () => {
    const { process, sessions, signIn: join } = accounts()
    for (let count = 0; count < 500; count += 1) await join()
    await signIn(process({ limit: { perSubject: 3 } }))
    expect(await live(sessions)).toBe(3)
  })

  it('switched to reject still ends who had to go before', async () => {
    const { process, sessions, signIn: join, store } = accounts({ limit: { perSubject: 2 } })
    const { handle } = await join()
    await join()
    store.marked.add(handle)
    const rejecting = process({ limit: { perSubject: 1, onExceed: 'reject' } })
    expect(await failure(signIn(rejecting))).toBeInstanceOf(LimitError)
    expect(await live(sessions)).toBe(1)
  })
})

describe('sign-ins at the same time', () => {
  const outcomes = (signingIn: readonly Promise<Device>[]) =>
    Promise.all(signingIn.map((each) => each.catch((error: { code?: string }) => error.code)))

  it.each(['evict-oldest', 'evict-idle', 'reject'] as const)(
    'of 20 on two processes leave exactly the limit: %s',
    async (onExceed) => {
      for (const store of [memoryStore(), accounts().store]) {
        for (let round = 0; round < 10; round += 1) {
          const subject = `ada-${round}`
          const limit = { perSubject: 3, onExceed }
          const processes = [0, 1].map(() => createSessions<Data>({ store, keys: KEY, limit }))
          const signingIn = Array.from({ length: 20 }, (_, at) =>
            signIn(processes[at % 2] as (typeof processes)[0], subject),
          )
          const done = await outcomes(signingIn)
          const alive = await handles(processes[0] as (typeof processes)[0], subject)
          expect(alive).toHaveLength(3)
          const refused = onExceed === 'reject' ? 'ERR_SESS_LIMIT' : 'ERR_SESS_INTERRUPTED'
          for (const outcome of done) if (typeof outcome !== 'object') expect(outcome).toBe(refused)
          const holders = done.filter((outcome) => typeof outcome === 'object' && alive.includes(outcome.handle))
          expect(holders).toHaveLength(3)
        }
      }
    },
  )

  it('within a process are one after the other: none of them fails, and none is ended before it is there', async () => {
    const { sessions, signIn: join, store } = accounts({ limit: { perSubject: 3 } })
    await Promise.all(Array.from({ length: 20 }, () => join()))
    expect(await live(sessions)).toBe(3)
    expect(store.calls.filter(({ operation }) => operation === 'replace')).toHaveLength(17)
    expect(store.calls.filter(({ operation }) => operation === 'create')).toHaveLength(20)
  })

  it('of other subjects do not wait', async () => {
    const { signIn: join, store } = accounts({ limit: { perSubject: 3 } })
    const { act, reached, open } = gate()
    store.next('create', act)
    const slow = join('ada')
    await reached
    const late = new Promise((resolve) => setTimeout(resolve, 500, 'late'))
    expect(await Promise.race([join('grace'), late])).not.toBe('late')
    open()
    await slow
  })

  it('of processes whose clocks differ leave no more than the limit, at no time', async () => {
    const { store, process, clock } = accounts({ limit: { perSubject: 2 }, idle: '10m', absolute: '20m' })
    const processes = [-5 * SECOND, 0, 5 * SECOND].map((skew) => process({ clock: { now: () => clock.now() + skew } }))
    const browsers: Browser[] = []
    for (let minute = 0; minute < 60; minute += 1) {
      const joined = await Promise.all(processes.map((each) => signIn(each).catch(() => null)))
      browsers.push(...joined.flatMap((device) => device?.browser ?? []))
      for (const each of processes) {
        let alive = 0
        for (const { cookie } of browsers) {
          const mine = new Browser(each)
          mine.cookie = cookie
          if ((await mine.request()).subject === 'ada') alive += 1
        }
        expect(alive).toBeLessThanOrEqual(2)
      }
      clock.advance(minute % 7 === 0 ? 10 * MINUTE + ((minute % 11) - 5) * SECOND : 20 * SECOND)
    }
    expect(store.records.size).toBeGreaterThan(100)
  })

  it('one that has to go before it is there gets 409 and no cookie, and its old session stays', async () => {
    const { sessions, process, store } = accounts({ limit: { perSubject: 1 } })
    const browser = new Browser(sessions)
    await browser.request((session) => Object.assign(session.data, { cart: 1 }))
    const { act, reached, open } = gate()
    store.next('create', act)
    const session = await browser.open()
    session.signIn('ada')
    const signing = failure(session.commit())
    await reached
    const winner = await signIn(process())
    open()
    const error = await signing
    expect(error).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: 'ended', status: 409 })
    expect(error.message).toMatch(/ended while it was being made/)
    expect(cookieOf(session)).toBeNull()
    expect(await handles(sessions)).toEqual([winner.handle])
    expect((await browser.open()).data).toEqual({ cart: 1 })
  })

  it('one that has to go while its answer is lost gets 409 and no cookie', async () => {
    const { sessions, process, signIn: join, store } = accounts({ limit: { perSubject: 1 } })
    store.next('create', async (apply) => {
      apply()
      await signIn(process())
      return Promise.reject(new Error('connection reset'))
    })
    expect(await failure(join())).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: 'ended' })
    expect(await live(sessions)).toBe(1)
  })

  it('one that is stored while its place is taken away is ended', async () => {
    const { sessions, process, signIn: join, store } = accounts({ limit: { perSubject: 1 } })
    const create = gate()
    const stone = gate()
    store.next('create', create.act, stone.act)
    const first = join()
    await create.reached
    const second = signIn(process())
    await stone.reached
    create.open()
    const { browser } = await first
    stone.open()
    const { handle } = await second
    expect((await browser.open()).previous).toEqual({ reason: 'evicted' })
    expect(await handles(sessions)).toEqual([handle])
  })
})

describe('a store that fails while room is made', () => {
  const cases: [string, 'list' | 'admit' | 'replace', Act[]][] = [
    ['the listing', 'list', [fails]],
    ['the listing, which hangs', 'list', [hangs]],
    ['the admission, twice', 'admit', [fails, fails]],
    ['the admission, which hangs twice', 'admit', [hangs, hangs]],
    ['the end of who has to go', 'replace', [fails, fails, fails]],
  ]
  it.each(cases)('at %s fails the sign-in, and the old session stays', async (_, operation, acts) => {
    const { sessions, signIn: join, store } = accounts({ limit: { perSubject: 1 }, storeTimeout: 50 })
    await join()
    const browser = new Browser(sessions)
    await browser.request((session) => Object.assign(session.data, { cart: 1 }))
    store.next(operation, ...acts)
    const session = await browser.open()
    session.signIn('ada')
    expect(await failure(session.commit())).toMatchObject({
      code: 'ERR_SESS_STORE_UNAVAILABLE',
      message: expect.stringContaining({ list: '(listBySubject', admit: '(admit', replace: '(replace)' }[operation]),
    })
    expect(cookieOf(session)).toBeNull()
    expect((await browser.open()).data).toEqual({ cart: 1 })
    store.forget()
    await browser.request((current) => current.signIn('ada'))
    expect(await live(sessions)).toBe(1)
  })

  it.each([
    ['lost', losesAnswer],
    ['unknown', (() => Promise.reject(new StoreAmbiguousError())) satisfies Act],
  ])('whose answer to the admission is %s is asked again, for the same session', async (_, act) => {
    const { sessions, signIn: join, store } = accounts({ limit: { perSubject: 1 } })
    await join()
    store.next('admit', act)
    const { handle } = await join()
    expect(await handles(sessions)).toEqual([handle])
    expect(store.admissions.slice(1).map(({ id }) => id)).toEqual([handle, handle])
  })

  it('is not asked again once the time of the commit is spent', async () => {
    const { signIn: join, store, clock } = accounts({ limit: { perSubject: 1 }, storeTimeout: 200 })
    await join()
    clock.advance(HOUR)
    const slowly: Act = async (apply) => {
      await new Promise((resolve) => setTimeout(resolve, 150))
      return apply()
    }
    store.admissions.length = 0
    store.next('list', slowly)
    store.next('replace', slowly)
    store.next('admit', hangs)
    // On a busy machine the time is spent before.
    expect(await failure(join())).toMatchObject({ code: expect.stringMatching(/^ERR_SESS_STORE_/) })
    expect(store.admissions.length).toBeLessThan(2)
  })

  it('leaves the announced place empty after a crash, and gives it away when it is abandoned', async () => {
    const { sessions, signIn: join, store, clock } = accounts({ limit: { perSubject: 1, onExceed: 'reject' } })
    store.next('create', fails, fails)
    await failure(join())
    expect(await failure(join())).toBeInstanceOf(LimitError)
    clock.advance(15 * SECOND)
    await join()
    expect(await live(sessions)).toBe(1)
  })

  it('and a write in between is no reason to spare who has to go', async () => {
    const { sessions, signIn: join, store } = accounts({ limit: { perSubject: 1 } })
    const { handle } = await join()
    store.next(
      'replace',
      after(() => store.write(handle, { data: '{"late":1}' })),
    )
    await join()
    expect(await live(sessions)).toBe(1)
    expect(store.records.get(handle)).toMatchObject({ endedReason: 'evicted', data: '' })
  })
})

describe('the limit option', () => {
  const store = memoryStore()
  const { get, create, replace, touch } = store
  const bare = { durable: false, get, create, replace, touch }

  it.each<[string, unknown, RegExp]>([
    ['a number', { store, limit: 3 }, /`limit.perSubject` is undefined/],
    ['null', { store, limit: null }, /`limit.perSubject` is undefined/],
    ['no count', { store, limit: {} }, /`limit.perSubject` is undefined; use a whole number from 1, or Infinity/],
    ['0', { store, limit: { perSubject: 0 } }, /`limit.perSubject` is 0/],
    ['half', { store, limit: { perSubject: 1.5 } }, /`limit.perSubject` is 1\.5/],
    ['NaN', { store, limit: { perSubject: Number.NaN } }, /`limit.perSubject` is NaN/],
    ['a text', { store, limit: { perSubject: '3' } }, /`limit.perSubject` is "3"/],
    ['a misspelt name', { store, limit: { perSubject: 3, onExced: 'reject' } }, /`limit.onExced` does not exist/],
    [
      'another policy',
      { store, limit: { perSubject: 3, onExceed: 'warn' } },
      /`limit.onExceed` is "warn"; use one of:/,
    ],
    [
      'a store without an index',
      { store: bare, limit: { perSubject: 3 } },
      /listBySubject\(\) and admit\(\) are missing/,
    ],
    [
      'the other half of an index',
      { store: { ...bare, admit: () => {} }, limit: { perSubject: 3 } },
      /`limit` needs a store that knows the sessions of a subject/,
    ],
    [
      'half an index',
      { store: { ...bare, listBySubject: () => {} }, limit: { perSubject: 3 } },
      /`limit` needs a store that knows the sessions of a subject/,
    ],
  ])('refuses %s', (_, options, message) => {
    // What JavaScript callers may hand in.
    expect(() => createSessions(options as never)).toThrow(ConfigError)
    expect(() => createSessions(options as never)).toThrow(message)
  })

  it('takes Infinity for no limit', async () => {
    const { sessions, signIn: join, store: indexed } = accounts({ limit: { perSubject: Number.POSITIVE_INFINITY } })
    for (let count = 0; count < 5; count += 1) await join()
    expect(new Set(indexed.drain())).toEqual(new Set(['create']))
    expect(await all(sessions.list('ada'))).toHaveLength(5)
  })
})
