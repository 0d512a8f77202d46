import { ConfigError, createSessions, memoryStore, StoreAmbiguousError, StoreUnavailableError } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { onEach } from '../../src/manager/subject-index.ts'
import { accounts, all, FIREFOX, handles } from './account-scenario.ts'
import { Browser, type Data, failure, HOUR, MINUTE, SECOND, setUp } from './scenario.ts'
import { type Act, after, fails, gate, hangs, losesAnswer } from './scripted-store.ts'

const slowly: Act = after(() => new Promise((resolve) => setTimeout(resolve, 20)))
const DOWN: readonly Act[] = Array.from({ length: 20 }, () => fails)

describe('sessions.list()', () => {
  it('shows what a page of devices shows', async () => {
    const { sessions, signIn, clock } = accounts({ device: true })
    const facts = { ip: '192.0.2.1', headers: { 'user-agent': FIREFOX } }
    const { handle } = await signIn('ada', { methods: ['pwd', 'otp'], level: 2, persistent: true }, facts)
    const now = clock.now()
    expect(await all(sessions.list('ada', { current: handle }))).toEqual([
      {
        handle,
        state: 'authenticated',
        createdAt: now,
        lastSeenAt: now,
        idleAt: now + 14 * 86_400_000,
        absoluteAt: now + 30 * 86_400_000,
        device: { ip: '192.0.2.1', userAgent: FIREFOX, name: 'Firefox on Windows' },
        auth: { at: now, methods: ['pwd', 'otp'], level: 2 },
        persistent: true,
        current: true,
        actor: null,
      },
    ])
  })

  it('marks the current one, and none where nobody is signed in', async () => {
    const { sessions, signIn } = accounts()
    await signIn()
    const { handle } = await signIn()
    const current = (given: string | null) =>
      all(sessions.list('ada', { current: given })).then((found) => found.filter((each) => each.current))
    expect(await current(handle)).toMatchObject([{ handle }])
    expect(await current(null)).toEqual([])
  })

  it('shows live ones only, locked ones included', async () => {
    const { sessions, signIn, store, clock } = accounts()
    const idle = await signIn()
    clock.advance(29 * MINUTE)
    const locked = await signIn()
    await locked.browser.request((session) => session.lock())
    const ended = await signIn()
    await ended.browser.request((session) => session.signOut())
    const alive = await signIn()
    await signIn('grace')
    clock.advance(MINUTE)
    store.announced.set('a'.repeat(43), { subject: 'ada', at: clock.now() })
    expect(store.records.has(idle.handle)).toBe(true)
    const found = await all(sessions.list('ada'))
    expect(found.map(({ handle, state }) => [handle, state])).toEqual([
      [locked.handle, 'locked'],
      [alive.handle, 'authenticated'],
    ])
  })

  it('shows those that idled into a lock as locked', async () => {
    const { sessions, signIn, clock } = accounts({ onIdle: 'lock' })
    const { handle } = await signIn()
    clock.advance(HOUR)
    expect(await all(sessions.list('ada'))).toMatchObject([{ handle, state: 'locked' }])
  })

  it('shows who acts as the subject', async () => {
    const { sessions, signIn, store } = accounts()
    const { handle } = await signIn()
    store.write(handle, { actor: { subject: 'root', auth: null, absoluteAt: 0, persistent: false } })
    expect(await all(sessions.list('ada'))).toMatchObject([{ actor: 'root' }])
  })

  it('shows each once, and any number', async () => {
    const { sessions, signIn, store } = accounts()
    const { handle } = await signIn()
    const record = store.only
    const twice = [...store.entries('ada'), ...store.entries('ada')]
    store.next('list', () => twice)
    expect(await handles(sessions)).toEqual([handle])
    for (let count = 1; count < 10_000; count += 1) {
      const id = `${count}`.padStart(43, 'x')
      store.records.set(id, { ...record, id })
    }
    expect(await handles(sessions)).toHaveLength(10_000)
  })

  it.each(['o’hara', '"; drop table', '__proto__', 'sess:{ada}', ' ', '\u{1f511}', 'a'.repeat(2000)])(
    'takes any subject: %s',
    async (subject) => {
      const sessions = createSessions<Data>({ store: memoryStore() })
      const browser = new Browser(sessions)
      const { handle } = await browser.request((session) => session.signIn(subject))
      expect(await handles(sessions, subject)).toEqual([handle])
      expect(await handles(sessions, 'ada')).toEqual([])
      expect(await sessions.end(handle as string, { subject })).toBe(true)
      expect(await handles(sessions, subject)).toEqual([])
    },
  )

  it('asks nothing of the store before it is iterated over, and stops when the page does', async () => {
    const { sessions, signIn, store } = accounts()
    await signIn()
    await signIn()
    store.drain()
    const found = sessions.list('ada')
    expect(store.calls).toEqual([])
    for await (const { handle } of found) {
      expect(handle).not.toBe('')
      break
    }
    expect(store.calls).toMatchObject([{ operation: 'list', id: 'ada', signal: { aborted: true } }])
    const left = new Promise<void>((resolve) => {
      store.listBySubject = async function* () {
        try {
          yield* store.entries('ada')
        } finally {
          resolve()
        }
      }
    })
    for await (const _ of sessions.list('ada')) break
    await left
  })

  it.each([
    ['fails', fails, /\(listBySubject\)\. the store is down/],
    ['hangs', hangs, /\(listBySubject: no answer in time\)/],
  ])('fails where the store %s', async (_, act, message) => {
    const { sessions, signIn, store } = accounts({ storeTimeout: 50 })
    await signIn()
    store.next('list', act)
    const error = await failure(handles(sessions))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(`${error.message} ${(error.cause as Error | undefined)?.message}`).toMatch(message)
  })

  it('passes over an index that cannot be left', async () => {
    const { sessions, store } = accounts()
    const items = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: null }) }) }
    // The port asks for no more than an AsyncIterable.
    store.listBySubject = () => items as never
    expect(await handles(sessions)).toEqual([])
    store.listBySubject = () => {
      throw new TypeError('not connected')
    }
    await expect(handles(sessions)).rejects.toBeInstanceOf(StoreUnavailableError)
  })

  it.each([null, undefined, '', 42])('needs a subject: %j', (subject) => {
    const { sessions } = accounts()
    // What JavaScript callers may hand in.
    expect(() => sessions.list(subject as string)).toThrow(
      /sessions\.list\(subject\) needs a subject, as signIn\(\) was given it/,
    )
  })

  it('needs a store with an index, and says so when it is called', () => {
    const { sessions } = setUp()
    expect(() => sessions.list('ada')).toThrow(ConfigError)
    expect(() => sessions.list('ada')).toThrow(
      /sessions\.list\(\) needs a store .* listBySubject\(\) and admit\(\) are missing/,
    )
  })
})

describe('the name of a device', () => {
  const name = async (device: NonNullable<Parameters<typeof accounts>[0]>['device'], agent?: string, told?: string) => {
    const { sessions, signIn } = accounts(device === undefined ? {} : { device })
    const facts = agent === undefined ? {} : { headers: { 'user-agent': agent } }
    await signIn('ada', told === undefined ? {} : { deviceName: told }, facts)
    const [found] = await all(sessions.list('ada'))
    return found?.device === null ? null : found?.device?.name
  }

  it('is what signIn() was told, else what the User-Agent says, else nothing', async () => {
    expect(await name(true, FIREFOX, 'My laptop')).toBe('My laptop')
    expect(await name(true, FIREFOX)).toBe('Firefox on Windows')
    expect(await name(true, 'curl/8.9.1')).toBeUndefined()
    expect(await name(true, '')).toBeUndefined()
    expect(await name(true)).toBeUndefined()
  })

  it('is not kept unless asked for', async () => {
    expect(await name(undefined, FIREFOX)).toBeNull()
    expect(await name(false, FIREFOX, 'My laptop')).toBeNull()
  })

  it('is the application’s to give', async () => {
    expect(await name({ describe: (agent) => agent.slice(0, 7).toUpperCase() }, FIREFOX)).toBe('MOZILLA')
    expect(await name({ describe: () => null }, FIREFOX)).toBeUndefined()
    expect(await name({ describe: () => 'nobody asked' })).toBeUndefined()
    expect(await name({ describe: () => 'nobody asked' }, '')).toBeUndefined()
  })

  it('is found in no more than 512 characters', async () => {
    const lengths: number[] = []
    const describe = (agent: string) => {
      lengths.push(agent.length)
      return null
    }
    await name({ describe }, 'x'.repeat(100_000))
    expect(lengths).toEqual([512])
  })
})

describe('sessions.end()', () => {
  it('ends a session of its subject, durably, and its tokens never act again', async () => {
    const { sessions, signIn, store, events, drainEvents } = accounts()
    const phone = await signIn()
    const laptop = await signIn()
    store.drain()
    drainEvents()
    expect(await sessions.end(phone.handle, { subject: 'ada' })).toBe(true)
    expect(store.calls).toMatchObject([{ operation: 'get' }, { operation: 'replace', durability: 'replicated' }])
    expect(events).toMatchObject([{ type: 'ended', reason: 'revoked', handle: phone.handle, subject: 'ada' }])
    expect(await phone.browser.open()).toMatchObject({ state: 'anonymous', previous: { reason: 'revoked' } })
    expect(await laptop.browser.open()).toMatchObject({ subject: 'ada' })
    expect(store.records.get(phone.handle)).toMatchObject({ state: 'ended', data: '', device: null })
  })

  it('of one that has ended says that it is over, and changes nothing', async () => {
    const { sessions, signIn, store, drainEvents } = accounts()
    const { handle } = await signIn()
    await sessions.end(handle, { subject: 'ada' })
    const before = store.records.get(handle)
    drainEvents()
    expect(await sessions.end(handle, { subject: 'ada' })).toBe(true)
    expect(store.records.get(handle)).toBe(before)
    expect(drainEvents()).toEqual([])
  })

  it('of somebody else’s is refused like one that does not exist: one event, nothing changed', async () => {
    const { sessions, signIn, store, events, drainEvents } = accounts()
    const { handle, browser } = await signIn()
    store.drain()
    drainEvents()
    expect(await sessions.end(handle, { subject: 'mallory' })).toBe(false)
    expect(store.drain()).toEqual(['get'])
    expect(events).toEqual([{ type: 'end-refused', at: expect.any(Number), handle, subject: 'ada', by: 'mallory' }])
    expect((await browser.open()).subject).toBe('ada')
    store.drain()
    drainEvents()
    expect(await sessions.end('x'.repeat(43), { subject: 'mallory' })).toBe(false)
    expect(store.drain()).toEqual(['get'])
    expect(events).toEqual([])
  })

  it.each(['', 'x', '../../etc', 'x'.repeat(44), `${'x'.repeat(43)}\n`, '__proto__'])(
    'of what is no handle asks no store: %j',
    async (handle) => {
      const { sessions, store } = accounts()
      expect(await sessions.end(handle, { asAdmin: true })).toBe(false)
      expect(store.calls).toEqual([])
    },
  )

  it('on behalf of an administrator ends anybody’s, a visitor’s too', async () => {
    const { sessions, signIn, drainEvents } = accounts()
    const { handle } = await signIn()
    const visitor = new Browser(sessions)
    const { handle: visited } = await visitor.request((session) => Object.assign(session.data, { cart: 1 }))
    drainEvents()
    expect(await sessions.end(handle, { asAdmin: true })).toBe(true)
    expect(await sessions.end(visited as string, { asAdmin: true })).toBe(true)
    expect(drainEvents()).toMatchObject([{ reason: 'revoked' }, { reason: 'revoked', subject: null }])
  })

  it('needs no index', async () => {
    const { sessions, browser, store } = setUp()
    await browser.request((session) => session.signIn('ada'))
    expect(await sessions.end(store.only.id, { subject: 'ada' })).toBe(true)
    expect((await browser.open()).previous).toEqual({ reason: 'revoked' })
  })

  it.each<[string, unknown]>([
    ['nobody', undefined],
    ['null', null],
    ['nothing', {}],
    ['a visitor', { subject: null }],
    ['an empty subject', { subject: '' }],
    ['no administrator', { asAdmin: false }],
    ['no administrator, but a subject', { asAdmin: false, subject: 'ada' }],
    ['both', { asAdmin: true, subject: 'ada' }],
    ['something true', { asAdmin: 'yes' }],
  ])('on behalf of %s throws, whatever the handle is', async (_, options) => {
    const { sessions, signIn } = accounts()
    const { handle, browser } = await signIn()
    for (const given of [handle, 'x', null]) {
      // What JavaScript callers may hand in.
      const error = await failure(sessions.end(given as string, options as { asAdmin: true }))
      expect(error).toBeInstanceOf(ConfigError)
      expect(error.message).toMatch(/on whose behalf/)
    }
    expect((await browser.open()).subject).toBe('ada')
  })

  it('needs a handle that is text', async () => {
    const { sessions } = accounts()
    // What JavaScript callers may hand in.
    await expect(sessions.end(null as never, { asAdmin: true })).rejects.toThrow(/needs the handle of a session/)
  })

  it('finds its own end again when the answer is lost', async () => {
    const { sessions, signIn, store, drainEvents } = accounts()
    const { handle } = await signIn()
    drainEvents()
    store.next('replace', losesAnswer)
    expect(await sessions.end(handle, { subject: 'ada' })).toBe(true)
    expect(drainEvents()).toMatchObject([{ type: 'ended' }])
  })

  it('that cannot be stored rejects, with an event, and can be repeated', async () => {
    const { sessions, signIn, store, browser, drainEvents } = await withBrowser()
    const { handle } = await signIn()
    drainEvents()
    store.next('replace', ...DOWN)
    const error = await failure(sessions.end(handle, { subject: 'ada' }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(drainEvents()).toMatchObject([{ type: 'store-failed', operation: 'end', fatal: true }])
    store.forget()
    expect((await browser.open()).state).toBe('anonymous')
    expect(await sessions.end(handle, { subject: 'ada' })).toBe(true)
  })

  it('of one that vanishes meanwhile succeeds', async () => {
    const { sessions, signIn, store } = accounts()
    const { handle } = await signIn()
    store.next(
      'replace',
      after(() => store.records.clear()),
    )
    expect(await sessions.end(handle, { subject: 'ada' })).toBe(true)
  })

  it('passes on a defect, which is no failure of the store', async () => {
    const { sessions, signIn, store, drainEvents } = accounts()
    const { handle } = await signIn()
    drainEvents()
    // A record that no store gives back.
    store.next('get', () => ({ ...store.only, recent: null }))
    await expect(sessions.end(handle, { subject: 'ada' })).rejects.toBeInstanceOf(TypeError)
    expect(drainEvents()).toEqual([])
  })

  it('waits for a store that is slow, and names the call that fails', async () => {
    const { sessions, signIn, store } = accounts()
    const { handle } = await signIn()
    store.next('get', slowly)
    expect(await sessions.end(handle, { subject: 'ada' })).toBe(true)
    store.next('get', fails)
    expect((await failure(sessions.end(handle, { subject: 'ada' }))).message).toContain('(get)')
  })

  async function withBrowser() {
    const scenario = accounts()
    return { ...scenario, browser: new Browser(scenario.sessions) }
  }
})

describe('what is in flight while a session is ended', () => {
  it('cannot save anything', async () => {
    const { sessions, signIn } = accounts()
    const { browser, handle } = await signIn()
    const session = await browser.open()
    session.data.cart = 1
    await sessions.end(handle, { subject: 'ada' })
    expect(await failure(session.commit())).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: 'ended' })
  })

  it.each(['data', 'rotation', 'reauthentication', 'lock'])('loses or comes first: %s', async (change) => {
    const { process, signIn, store } = accounts()
    const { browser, handle } = await signIn()
    const session = await browser.open()
    if (change === 'data') session.data.cart = 1
    if (change === 'rotation') session.rotate({ hard: true })
    if (change === 'reauthentication') session.reauthenticate({ method: 'pwd' })
    if (change === 'lock') session.lock()
    const { act, reached, open } = gate()
    store.next('replace', act)
    const committing = session.commit().catch((error: unknown) => error)
    await reached
    expect(await process().end(handle, { subject: 'ada' })).toBe(true)
    open()
    expect(await committing).toMatchObject({ code: 'ERR_SESS_INTERRUPTED' })
    expect(store.only).toMatchObject({ state: 'ended', endedReason: 'revoked', data: '' })
    browser.receive(session)
    expect((await browser.open()).state).toBe('anonymous')
  })

  it('does not keep the end from happening, however many writers there are', async () => {
    const { process, signIn, store } = accounts()
    const { handle } = await signIn()
    store.next('replace', ...Array.from({ length: 50 }, () => after(() => store.write(handle, { data: '{}' }))))
    expect(await process().end(handle, { subject: 'ada' })).toBe(true)
    expect(store.only.state).toBe('ended')
  })

  it('a sign-in of the same client goes on: its session is a new one', async () => {
    const { sessions, signIn } = accounts()
    const { browser, handle } = await signIn()
    const session = await browser.open()
    session.signIn('ada')
    await sessions.end(handle, { subject: 'ada' })
    await session.commit()
    browser.receive(session)
    expect((await browser.open()).subject).toBe('ada')
  })
})

describe('sessions.endAll()', () => {
  it('ends all of a subject and of nobody else; how many lived', async () => {
    const { sessions, signIn, clock, drainEvents } = accounts()
    await signIn()
    clock.advance(31 * MINUTE)
    const devices = [await signIn(), await signIn(), await signIn()]
    const other = await signIn('grace')
    await sessions.end(devices[0]?.handle as string, { subject: 'ada' })
    drainEvents()
    expect(await sessions.endAll('ada')).toBe(2)
    expect(drainEvents().map(({ type }) => type)).toEqual(['expired', 'ended', 'ended'])
    for (const { browser } of devices) expect((await browser.open()).previous).toEqual({ reason: 'revoked' })
    expect((await other.browser.open()).subject).toBe('grace')
    expect(await sessions.endAll('ada')).toBe(0)
    expect(await sessions.endAll('nobody')).toBe(0)
  })

  it('spares one, several, or none', async () => {
    const { sessions, signIn } = accounts()
    const handlesOf = await Promise.all([signIn(), signIn(), signIn(), signIn()]).then((all) =>
      all.map((each) => each.handle),
    )
    const [one, two, three] = handlesOf as [string, string, string]
    expect(await sessions.endAll('ada', { except: [one, two, three] })).toBe(1)
    expect(await sessions.endAll('ada', { except: one })).toBe(2)
    expect(await handles(sessions)).toEqual([one])
    expect(await sessions.endAll('ada', { except: null })).toBe(1)
  })

  it('ends those created before an instant, and no others', async () => {
    const { sessions, signIn, clock } = accounts()
    await signIn()
    clock.advance(SECOND)
    const kept = await signIn()
    expect(await sessions.endAll('ada', { before: clock.now() })).toBe(1)
    expect(await handles(sessions)).toEqual([kept.handle])
  })

  it('that expired already tells its client so', async () => {
    const { sessions, signIn, clock } = accounts()
    const { browser } = await signIn()
    clock.advance(31 * MINUTE)
    expect(await sessions.endAll('ada')).toBe(0)
    expect((await browser.open()).previous).toEqual({ reason: 'idle' })
  })

  it('ends what a slow request would revive', async () => {
    const { sessions, signIn, clock, store } = accounts()
    const { browser } = await signIn()
    clock.advance(29 * MINUTE)
    const slow = await browser.open()
    slow.data.cart = 1
    clock.advance(2 * MINUTE)
    await sessions.endAll('ada')
    expect(await failure(slow.commit())).toMatchObject({ code: 'ERR_SESS_INTERRUPTED' })
    expect(store.only.state).toBe('ended')
  })

  it.each<[string, number | undefined]>([
    ['', undefined],
    [', before an instant after it was announced', 0],
  ])('has a sign-in under way fail%s', async (_, before) => {
    const { sessions, signIn, store, clock } = accounts({ limit: { perSubject: 5 } })
    const { act, reached, open } = gate()
    store.next('create', act)
    const signing = failure(signIn())
    await reached
    expect(await sessions.endAll('ada', before === undefined ? {} : { before: clock.now() - before })).toBe(0)
    open()
    expect(await signing).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: 'ended', status: 409 })
    expect(await handles(sessions)).toEqual([])
    expect(store.only).toMatchObject({ state: 'ended', endedReason: 'revoked', subject: 'ada', generation: 0 })
  })

  it('lets a sign-in under way be, if only older sessions are to end', async () => {
    const { sessions, signIn, store, clock } = accounts({ limit: { perSubject: 5 } })
    const { act, reached, open } = gate()
    store.next('create', act)
    const signing = signIn()
    await reached
    expect(await sessions.endAll('ada', { before: clock.now() - MINUTE })).toBe(0)
    open()
    const { handle } = await signing
    expect(await handles(sessions)).toEqual([handle])
  })

  it('ends a sign-in that completes while it is made impossible', async () => {
    const { sessions, signIn, store } = accounts({ limit: { perSubject: 5 } })
    const create = gate()
    const stone = gate()
    store.next('create', create.act, stone.act)
    const signing = signIn()
    await create.reached
    const ending = sessions.endAll('ada')
    await stone.reached
    create.open()
    const { browser } = await signing
    stone.open()
    expect(await ending).toBe(1)
    expect((await browser.open()).previous).toEqual({ reason: 'revoked' })
  })

  it.each([
    ['lost', losesAnswer],
    ['late', fails],
  ])('finds its tombstone when the answer is %s', async (_, act) => {
    const { sessions, store, clock } = accounts({ limit: { perSubject: 5 } })
    store.announced.set('a'.repeat(43), { subject: 'ada', at: clock.now() })
    store.next('create', act)
    expect(await sessions.endAll('ada')).toBe(0)
    expect(store.only).toMatchObject({ id: 'a'.repeat(43), state: 'ended' })
  })

  it('puts its tombstone there durably, and looks no further', async () => {
    const { sessions, store, clock } = accounts({ limit: { perSubject: 5 } })
    store.announced.set('a'.repeat(43), { subject: 'ada', at: clock.now() })
    expect(await sessions.endAll('ada')).toBe(0)
    expect(store.calls).toMatchObject([{ operation: 'list' }, { operation: 'create', durability: 'replicated' }])
    expect(store.calls).toHaveLength(2)
  })

  it('gives up on a store that contradicts itself', async () => {
    const { sessions, store, clock } = accounts()
    store.announced.set('a'.repeat(43), { subject: 'ada', at: clock.now() })
    store.next(
      'create',
      () => false,
      () => false,
      () => false,
    )
    expect((await failure(sessions.endAll('ada'))).cause).toMatchObject({
      message: expect.stringMatching(/says there is a record of this id/),
    })
    store.next('create', fails, fails, fails)
    expect((await failure(sessions.endAll('ada'))).cause).toMatchObject({
      code: 'ERR_SESS_STORE_UNAVAILABLE',
      message: expect.stringContaining('(create)'),
    })
    store.next('create', fails)
    store.next('get', fails)
    expect((await failure(sessions.endAll('ada'))).cause).toMatchObject({ message: expect.stringContaining('(get)') })
    store.next('create', () => Promise.reject(new StoreAmbiguousError()))
    expect((await failure(sessions.endAll('ada'))).cause).toBeInstanceOf(StoreAmbiguousError)
  })

  it('tries all, and then says that some may live on', async () => {
    const { sessions, signIn, store, drainEvents } = accounts()
    for (let count = 0; count < 40; count += 1) await signIn()
    drainEvents()
    const unlucky = new Set([...store.records.keys()].slice(10, 13))
    const { replace } = store
    store.replace = (record, ...rest) =>
      unlucky.has(record.id) ? Promise.reject(new Error('down')) : replace.call(store, record, ...rest)
    const error = await failure(sessions.endAll('ada'))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toMatch(/endAll: 3 sessions may live on, 37 were ended; call it again/)
    expect(drainEvents().filter(({ type }) => type === 'store-failed')).toMatchObject([
      { operation: 'end', fatal: true },
    ])
    store.replace = replace
    expect((await handles(sessions)).toSorted()).toEqual([...unlucky].toSorted())
    expect(await sessions.endAll('ada')).toBe(3)
  })

  it('ends sixteen at a time', async () => {
    const { sessions, signIn, store } = accounts()
    for (let count = 0; count < 40; count += 1) await signIn()
    store.drain()
    const { act, reached, open } = gate()
    store.next('replace', ...Array.from({ length: 40 }, () => act))
    const ending = sessions.endAll('ada')
    await reached
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(store.calls.filter(({ operation }) => operation === 'replace')).toHaveLength(16)
    open()
    expect(await ending).toBe(40)
  })

  it('works on sixteen items at a time, at the end too', async () => {
    let running = 0
    let most = 0
    const work = async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running -= 1
    }
    expect(await onEach(Array.from({ length: 60 }), work)).toEqual([])
    expect(most).toBe(16)
  })

  it('says so too where the listing breaks off, once what was begun is done', async () => {
    const { sessions, signIn, store } = accounts()
    const { handle } = await signIn()
    const entries = store.entries('ada')
    store.listBySubject = async function* () {
      yield* entries
      throw new Error('connection reset')
    }
    await expect(sessions.endAll('ada')).rejects.toBeInstanceOf(StoreUnavailableError)
    expect(store.records.get(handle)?.state).toBe('ended')
  })

  it('tells a defect from a failure', async () => {
    const { sessions, signIn, store } = accounts()
    await signIn()
    await signIn()
    const [one, other] = store.entries('ada')
    const broken = { id: 'x', record: { ...one?.record, recent: null } }
    // A record that no store gives back, after one that the store cannot end.
    store.listBySubject = async function* () {
      yield other as NonNullable<typeof other>
      await new Promise((resolve) => setTimeout(resolve, 20))
      yield broken as never
    }
    store.next('replace', fails, fails)
    expect((await failure(sessions.endAll('ada'))).cause).toBeInstanceOf(TypeError)
  })

  it('leaves nothing alive of 200 sessions whose clients write, rotate and sign in meanwhile', async () => {
    const { sessions, process, signIn, store } = accounts()
    const devices = await Promise.all(Array.from({ length: 200 }, () => signIn()))
    const others = process()
    const busy = devices.map(async ({ browser }, at) => {
      const mine = new Browser(at % 2 === 0 ? sessions : others)
      mine.cookie = browser.cookie
      for (let round = 0; round < 3; round += 1) {
        await mine
          .request((session) => {
            session.data[`key-${round}`] = at
            if (at % 3 === 0 && session.subject !== null) session.rotate({ hard: true })
          })
          .catch(() => {})
      }
      return mine
    })
    const [ended] = await Promise.all([others.endAll('ada'), ...busy])
    expect(ended).toBe(200)
    expect(
      [...store.records.values()].filter((record) => record.state !== 'ended' && record.subject === 'ada'),
    ).toEqual([])
    for (const mine of await Promise.all(busy)) expect((await mine.open()).subject).toBeNull()
  })

  it.each<[string, unknown, RegExp]>([
    ['a text as an instant', { before: 'now' }, /endAll\(subject, \{ before \}\) needs milliseconds since 1970/],
    ['no instant', { before: Number.NaN }, /needs milliseconds since 1970/],
    ['a number as a handle', { except: 42 }, /a handle or a list of handles/],
    ['a list of anything', { except: ['x', null] }, /a handle or a list of handles/],
  ])('refuses %s', async (_, options, message) => {
    const { sessions, store } = accounts()
    // What JavaScript callers may hand in.
    const error = await failure(sessions.endAll('ada', options as object))
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toMatch(message)
    expect(store.calls).toEqual([])
  })

  it('needs a subject and a store with an index', async () => {
    await expect(accounts().sessions.endAll(null as never)).rejects.toThrow(
      /sessions\.endAll\(subject\) needs a subject/,
    )
    await expect(setUp().sessions.endAll('ada')).rejects.toThrow(/sessions\.endAll\(\) needs a store/)
  })
})

describe('sessions.endEverything()', () => {
  it('ends what was created before an instant, visitors’ included', async () => {
    const { sessions, signIn, clock, store } = accounts()
    const devices = [await signIn('ada'), await signIn('grace')]
    await new Browser(sessions).request((session) => Object.assign(session.data, { cart: 1 }))
    await sessions.end(devices[0]?.handle as string, { asAdmin: true })
    clock.advance(SECOND)
    const kept = await signIn('ada')
    store.drain()
    store.next('scan', slowly)
    store.next('replace', slowly)
    expect(await sessions.endEverything({ before: clock.now() })).toBe(2)
    expect(store.drain()).toEqual(['scan', 'replace', 'replace'])
    expect((await devices[1]?.browser.open())?.previous).toEqual({ reason: 'revoked' })
    expect((await kept.browser.open()).subject).toBe('ada')
  })

  it('tries all, and then says that some may live on', async () => {
    const { sessions, signIn, store, clock } = accounts()
    await signIn('ada')
    await signIn('grace')
    store.next('replace', fails, fails, fails)
    const error = await failure(sessions.endEverything({ before: clock.now() + 1 }))
    expect(error.message).toMatch(/endEverything: 1 sessions may live on, 1 were ended/)
    expect(await sessions.endEverything({ before: clock.now() + 1 })).toBe(1)
  })

  it('needs an instant, and a store that can be gone through', async () => {
    const { sessions, store } = accounts()
    for (const options of [undefined, {}, { before: '2026' }]) {
      // What JavaScript callers may hand in.
      await expect(sessions.endEverything(options as { before: number })).rejects.toThrow(
        /sessions\.endEverything\(\{ before \}\) needs milliseconds/,
      )
    }
    store.next('scan', fails)
    await expect(sessions.endEverything({ before: 1 })).rejects.toThrow('(scan)')
    await expect(setUp().sessions.endEverything({ before: 1 })).rejects.toThrow(/scan\(\) is missing/)
  })
})
