import { type SessionRecord, StoreAmbiguousError, StoreUnavailableError } from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Engine } from '../../src/manager/engine.ts'
import { CommitQueue } from '../../src/manager/queue.ts'
import { backOff, withBudget } from '../../src/manager/store-gate.ts'
import { cookieOf, failure, MINUTE, type Scenario, setUp, signedIn } from './scenario.ts'
import { type Act, after, appliedLate, fails, gate, hangs, losesAnswer, losesAnswerThen } from './scripted-store.ts'

const increment = (count: unknown) => Number(count ?? 0) + 1
const countIn = ({ store }: Scenario): unknown => JSON.parse(store.only.data || '{}').count ?? 0

/** Somebody signed in, and a session of theirs that wants to count up. */
async function counting(options: Parameters<typeof setUp>[0] = {}) {
  const scenario = await signedIn(options)
  const session = await scenario.browser.open()
  session.update('count', increment)
  scenario.store.drain()
  return { ...scenario, session, id: scenario.store.only.id }
}

describe('a lost acknowledgement', () => {
  it('is found in the revision, and nothing is applied twice', async () => {
    const scenario = await counting()
    scenario.store.next('replace', losesAnswer)
    await scenario.session.commit()
    expect(countIn(scenario)).toBe(1)
    expect(scenario.store.drain()).toEqual(['replace', 'get'])
  })

  it.each([1, 2, 3, 4, 5, 6, 7])('is found behind %i writes of others', async (others) => {
    const scenario = await counting()
    const { store, id } = scenario
    store.next(
      'replace',
      losesAnswerThen(() => {
        for (let write = 0; write < others; write += 1) store.write(id, {})
      }),
    )
    await scenario.session.commit()
    expect(countIn(scenario)).toBe(1)
  })

  it.each([8, 9, 20])('behind %i writes of others is either found or unknown, never applied twice', async (others) => {
    const scenario = await counting()
    const { store, id } = scenario
    store.next(
      'replace',
      losesAnswerThen(() => {
        for (let write = 0; write < others; write += 1) store.write(id, {})
      }),
    )
    const outcome = await scenario.session.commit().catch((error: unknown) => error)
    expect(countIn(scenario)).toBe(1)
    if (others > 8) expect(outcome).toBeInstanceOf(StoreAmbiguousError)
    if (others > 8) expect((outcome as Error).cause).toBeInstanceOf(StoreUnavailableError)
  })

  it('counts even if the session has ended since', async () => {
    const scenario = await counting()
    const { store, id, session } = scenario
    store.next(
      'replace',
      losesAnswerThen(() => {
        store.write(id, { state: 'ended', endedReason: 'signed-out', endedAt: 0, data: '' })
      }),
    )
    await session.commit()
    expect(store.only.state).toBe('ended')
  })

  it('of a write that was not applied is tried again, on what is there now', async () => {
    const scenario = await counting()
    const { store, id } = scenario
    store.next('replace', (apply) => {
      store.write(id, { data: '{"count":10}' })
      return fails(apply, {})
    })
    await scenario.session.commit()
    expect(countIn(scenario)).toBe(11)
  })

  it('that cannot be looked up is unknown', async () => {
    const { store, session, events } = await counting()
    store.next('replace', losesAnswer)
    store.next('get', fails)
    const error = await failure(session.commit())
    expect(error).toBeInstanceOf(StoreAmbiguousError)
    expect(error).toMatchObject({
      code: 'ERR_SESS_STORE_AMBIGUOUS',
      status: 503,
      cause: expect.any(StoreUnavailableError),
    })
    expect((error.cause as Error).message).toContain('(get)')
    expect(events).toMatchObject([{ type: 'store-failed', operation: 'commit', fatal: true }])
    expect(session.refused).toBe('store')
    expect(cookieOf(session)).toBeNull()
  })

  it('of a session that is gone is an end', async () => {
    const { store, session } = await counting()
    store.next('replace', (apply) => {
      store.records.clear()
      return fails(apply, {})
    })
    expect(await failure(session.commit())).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: 'ended' })
  })

  it('after which the store fell back behind the write is tried again', async () => {
    const scenario = await counting()
    const { store, id } = scenario
    const before = store.only
    store.next(
      'replace',
      losesAnswerThen(() => store.records.set(id, before)),
    )
    await scenario.session.commit()
    expect(countIn(scenario)).toBe(1)
  })
})

describe('a write that is applied late', () => {
  it('after our retry was asked for: is found by it', async () => {
    const scenario = await counting()
    const late = appliedLate()
    scenario.store.next(
      'replace',
      late.act,
      after(() => late.land()),
    )
    await scenario.session.commit()
    expect(countIn(scenario)).toBe(1)
    expect(scenario.store.drain()).toEqual(['replace', 'get', 'replace'])
  })

  it('after our retry was applied: is refused by the fence', async () => {
    const scenario = await counting()
    const late = appliedLate()
    scenario.store.next('replace', late.act)
    await scenario.session.commit()
    expect(await late.land()).toMatchObject({ ok: false })
    expect(countIn(scenario)).toBe(1)
  })

  it('with a writer between: is counted once', async () => {
    const scenario = await counting()
    const { store, id } = scenario
    const late = appliedLate()
    store.next(
      'replace',
      late.act,
      after(() => {
        late.land()
        store.write(id, {})
      }),
    )
    await scenario.session.commit()
    expect(countIn(scenario)).toBe(1)
  })
})

describe('two failures', () => {
  it('are enough: the commit fails with what the store said', async () => {
    const scenario = await counting()
    scenario.store.next('replace', fails, fails)
    const error = await failure(scenario.session.commit())
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('(replace)')
    expect((error.cause as Error).message).toContain('(replace)')
    expect(countIn(scenario)).toBe(0)
    expect(scenario.store.drain()).toEqual(['replace', 'get', 'replace', 'get'])
  })

  it('of which the second was applied are found out', async () => {
    const scenario = await counting()
    scenario.store.next('replace', fails, losesAnswer)
    await scenario.session.commit()
    expect(countIn(scenario)).toBe(1)
  })
})

describe('a store that applied a write but could not replicate it', () => {
  it('is believed', async () => {
    const { store, session } = await counting()
    const ambiguous: Act = (apply) => {
      apply()
      return Promise.reject(new StoreAmbiguousError())
    }
    store.next('replace', ambiguous)
    expect(await failure(session.commit())).toBeInstanceOf(StoreAmbiguousError)
    expect(store.drain()).toEqual(['replace'])
  })
})

describe('a lost acknowledgement of a write that has to be replicated', () => {
  it('is not made up for by reading: the record is written once more as it is', async () => {
    const { browser, store, drainEvents } = await signedIn()
    const session = await browser.open()
    session.signOut()
    store.next('replace', losesAnswer)
    store.calls.length = 0
    drainEvents()
    await session.commit()
    const [first, read, second] = store.calls
    expect(store.calls).toHaveLength(3)
    expect(read?.operation).toBe('get')
    expect([first?.durability, second?.durability]).toEqual(['replicated', 'replicated'])
    const { revision, recent } = store.only
    expect(second?.record).toEqual({ ...first?.record, revision, recent })
    expect(recent.at(-1)).toBe(first?.record?.revision)
    expect(drainEvents()).toEqual(['ended'])
  })

  it('carries what others have written meanwhile', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.rotate({ hard: true })
    const write = (count: number) => store.write(store.only.id, { data: `{"count":${count}}` })
    store.next(
      'replace',
      losesAnswerThen(() => write(1)),
      after(() => write(2)),
    )
    await session.commit()
    expect(store.only).toMatchObject({ generation: 1, hardRotations: 1, data: '{"count":2}' })
    expect(cookieOf(session)).not.toBeNull()
  })

  it('is unknown when that fails too, whatever the store said', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.signOut()
    store.next('replace', losesAnswer, fails)
    expect(await failure(session.commit())).toBeInstanceOf(StoreAmbiguousError)
    expect(store.only.state).toBe('ended')
    expect(cookieOf(session)).toBeNull()
  })

  it('is unknown when time runs out over it', async () => {
    vi.useFakeTimers()
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.signOut()
    const late: Act = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1999))
      throw new Error('too late')
    }
    store.next('replace', async (apply) => {
      apply()
      await new Promise((resolve) => setTimeout(resolve, 1999))
      throw new Error('connection reset')
    })
    store.next('get', (apply) => new Promise((resolve) => setTimeout(() => resolve(apply()), 1000)))
    store.next('replace', late)
    const outcome = failure(session.commit())
    await vi.advanceTimersByTimeAsync(5000)
    expect(await outcome).toBeInstanceOf(StoreAmbiguousError)
    vi.useRealTimers()
  })
})

describe('commits of one session', () => {
  it('queue within a process, in order, each on what the one before stored: no conflict', async () => {
    const { browser, store } = await signedIn()
    const all = await Promise.all(Array.from({ length: 50 }, () => browser.open()))
    store.drain()
    const order: number[] = []
    await Promise.all(
      all.map(async (session, index) => {
        session.update('count', increment)
        session.data[`key${index}`] = index
        await session.commit()
        order.push(index)
      }),
    )
    const data = JSON.parse(store.only.data)
    expect(data.count).toBe(50)
    expect(Object.keys(data)).toHaveLength(51)
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index))
    expect(store.drain()).toEqual(Array.from({ length: 50 }, () => 'replace'))
  })

  it('wait for one that has waited itself', async () => {
    const queue = new CommitQueue()
    const order: string[] = []
    const gates = [gate(), gate(), gate()]
    await withBudget(1000, async (budget) => {
      const runs = gates.map(({ act }, at) =>
        queue.run('x', budget, async () => {
          order.push(`${at}`)
          return (await act(() => null, {})) as SessionRecord
        }),
      )
      gates[0]?.open()
      await gates[1]?.reached
      const last = queue.run('x', budget, async () => {
        order.push('last')
        return null as unknown as SessionRecord // nobody asks for it
      })
      gates[2]?.open()
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(order).toEqual(['0', '1'])
      gates[1]?.open()
      await Promise.all([...runs, last])
    })
    expect(order).toEqual(['0', '1', '2', 'last'])
  })

  it('of another session do not wait for them', async () => {
    const { browser, store } = await signedIn()
    const other = setUp()
    const waiting = await browser.open()
    waiting.data.cart = 1
    const { act, reached, open } = gate()
    store.next('replace', act)
    const committing = waiting.commit()
    await reached
    await other.browser.request((session) => session.signIn('grace'))
    open()
    await committing
  })

  it('go on when one of them fails', async () => {
    const { browser, store } = await signedIn()
    const [one, two] = [await browser.open(), await browser.open()]
    for (const session of [one, two]) session.update('count', increment)
    store.next('replace', fails, fails)
    const [first, second] = await Promise.allSettled([one.commit(), two.commit()])
    expect(first.status).toBe('rejected')
    expect(second.status).toBe('fulfilled')
    expect(JSON.parse(store.only.data)).toEqual({ count: 1 })
  })

  it('that a sign-out overtakes are interrupted without a store call', async () => {
    const { browser, store } = await signedIn()
    const [leaving, late] = [await browser.open(), await browser.open()]
    leaving.signOut()
    late.data.cart = 1
    store.drain()
    const [first, second] = await Promise.allSettled([leaving.commit(), late.commit()])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: { reason: 'ended' } })
    expect(store.drain()).toEqual(['replace'])
  })

  it('try again at once where another process was quicker', async () => {
    const { store, session, id } = await counting()
    store.next(
      'replace',
      after(() => store.write(id, { data: '{"count":1}' })),
    )
    vi.useFakeTimers()
    try {
      await session.commit()
    } finally {
      vi.useRealTimers()
    }
    expect(JSON.parse(store.only.data)).toEqual({ count: 2 })
  })

  it('retry against writers in other processes until they succeed', async () => {
    const scenario = await counting()
    const { store, id } = scenario
    const somebody = after(() => store.write(id, {}))
    store.next('replace', ...Array.from({ length: 6 }, () => somebody))
    await scenario.session.commit()
    expect(countIn(scenario)).toBe(1)
  })
})

describe('time', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  /** How long it takes until `work` is settled, and how. */
  async function took(work: Promise<unknown>): Promise<{ ms: number; error: unknown }> {
    const start = Date.now()
    let end: { ms: number; error: unknown } | null = null
    work.then(
      () => {
        end = { ms: Date.now() - start, error: null }
      },
      (error: unknown) => {
        end = { ms: Date.now() - start, error }
      },
    )
    while (end === null) await vi.advanceTimersByTimeAsync(1)
    return end
  }

  it('a load takes at most storeTimeout', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 100 })
    store.next('get', hangs)
    const { ms, error } = await took(browser.open())
    expect(ms).toBe(100)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect((error as Error).message).toContain('(get: no answer in time)')
  })

  it('a load that has to end a reused session takes at most storeTimeout, all in all', async () => {
    const { browser, store, clock } = await signedIn({ storeTimeout: 100 })
    const thief = browser.copy()
    clock.advance(16 * MINUTE)
    await browser.request()
    await browser.request()
    clock.advance(2 * MINUTE)
    store.next('get', async (apply) => {
      await new Promise((resolve) => setTimeout(resolve, 60))
      return apply()
    })
    store.next('replace', hangs)
    const { ms, error } = await took(thief.open())
    expect(ms).toBe(100)
    expect(error).toBeNull()
  })

  it.each([
    ['data', 'replace', 200],
    ['sign-out', 'replace', 200],
    ['sign-in', 'create', 200],
  ] as const)('a commit of %s takes at most twice storeTimeout', async (what, operation, most) => {
    const { browser, store } = await signedIn({ storeTimeout: 100 })
    const session = await browser.open()
    if (what === 'data') session.data.cart = 1
    if (what === 'sign-out') session.signOut()
    if (what === 'sign-in') session.signIn('grace')
    store.next(operation, hangs, hangs, hangs)
    store.next('get', hangs, hangs)
    const { ms, error } = await took(session.commit())
    expect(ms).toBeLessThanOrEqual(most)
    expect(error).toMatchObject({ status: 503 })
    expect(cookieOf(session)).toBeNull()
  })

  it('a commit asks nothing more of the store once its time is spent', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 100 })
    const session = await browser.open()
    session.data.cart = 1
    store.drain()
    store.next('replace', hangs, hangs)
    const { error } = await took(session.commit())
    expect(error).toBeInstanceOf(StoreAmbiguousError)
    expect(store.drain()).toEqual(['replace', 'get', 'replace'])
  })

  it('a commit that waits its turn spends its budget on waiting', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 100 })
    const [slow, waiting] = [await browser.open(), await browser.open()]
    slow.data.cart = 1
    waiting.data.cart = 2
    store.next('replace', hangs, hangs)
    store.next('get', hangs)
    const first = took(slow.commit())
    await vi.advanceTimersByTimeAsync(0)
    const second = await took(waiting.commit())
    expect(second.ms).toBeLessThanOrEqual(200)
    expect((await first).ms).toBeLessThanOrEqual(200)
  })

  it('a commit that never gets its turn says so', async () => {
    const queue = new CommitQueue()
    const never = () => new Promise<SessionRecord>(() => {})
    const { ms, error } = await took(
      withBudget(100, (budget) => {
        void queue.run('x', budget, never)
        return queue.run('x', budget, never)
      }),
    )
    expect(ms).toBe(100)
    expect((error as Error).message).toContain('(commit: no time left)')
  })

  it('a best-effort write takes at most storeTimeout, and fails nobody', async () => {
    const { browser, store, clock } = await signedIn({ storeTimeout: 100 })
    clock.advance(2 * MINUTE)
    const session = await browser.open()
    store.next('touch', hangs)
    expect(await took(session.commit())).toEqual({ ms: 100, error: null })
  })

  it('aborts the call it no longer waits for', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 100 })
    let signal: AbortSignal | undefined
    let before: boolean | undefined
    let late: AbortSignal | undefined
    store.next('get', (_, options) => {
      signal = options.signal
      before = signal?.aborted
      return new Promise(() => {})
    })
    await took(browser.open().catch(() => {}))
    expect([before, signal?.aborted]).toEqual([false, true])
    store.next('get', async (_, options) => {
      await new Promise((resolve) => setTimeout(resolve, 150))
      late = options.signal
      return null
    })
    await took(browser.open().catch(() => {}))
    await vi.advanceTimersByTimeAsync(100)
    expect(late?.aborted).toBe(true)
  })

  it.each([
    [1, 255, 2],
    [3, 255, 8],
    [5, 128, 16],
    [5, 255, 32],
    [9, 255, 32],
  ])('after %i collisions and with the random byte %i, a write waits for %i ms', async (attempt, byte, wait) => {
    const engine = { random: { bytes: () => Uint8Array.of(byte) } } as unknown as Engine // nothing else is looked at
    expect((await took(backOff(engine, attempt))).ms).toBe(wait)
  })

  it('does not take an answer that comes too late', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 100 })
    const { act, open } = gate()
    store.next('get', act)
    const { error } = await took(browser.open())
    open()
    await vi.advanceTimersByTimeAsync(0)
    expect(error).toBeInstanceOf(StoreUnavailableError)
  })

  it('a sign-in that runs out of time while the old one is ended gives the new one up', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 100 })
    const session = await browser.open()
    session.signIn('grace')
    store.next('replace', hangs, hangs, hangs, hangs)
    const { ms, error } = await took(session.commit())
    expect(ms).toBeLessThanOrEqual(200)
    expect(error).toMatchObject({ status: 503 })
    expect(cookieOf(session)).toBeNull()
  })
})
