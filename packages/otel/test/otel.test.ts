import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { createSessions, memoryStore, type SessionRecord, type SessionStore, type Sessions } from '@sess/core'
import { instrumentStore, type MeasureOptions, measureSessions } from '@sess/otel'
import {
  endingsCases,
  register,
  scanCases,
  storeCases,
  storeKit,
  subjectIndexCases,
  UnreliableStore,
} from '@sess/testkit'
import { afterEach, describe, expect, it, vi } from 'vitest'

const providers: MeterProvider[] = []

afterEach(async () => {
  vi.useRealTimers()
  metrics.disable()
  await Promise.all(providers.splice(0).map((provider) => provider.shutdown()))
})

/** A meter, and what it has measured: by name of the metric, one line for each set of attributes. */
function meter() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e8 })
  const provider = new MeterProvider({ readers: [reader] })
  providers.push(provider)
  const measured = async () => {
    exporter.reset()
    await reader.forceFlush()
    const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    return new Map(all.map((metric) => [metric.descriptor.name, metric]))
  }
  const points = async (name: string) => {
    const metric = (await measured()).get(name)
    const found = (metric?.dataPoints ?? []) as DataPoint<number | { count: number; sum: number }>[]
    return found.map(({ attributes, value }) => [attributes, typeof value === 'number' ? value : value.count])
  }
  return { provider, meter: provider.getMeter('test'), measured, points }
}

async function signIn(sessions: Sessions, subject = 'ada'): Promise<string> {
  const session = await sessions.open({ cookie: '' })
  session.signIn(subject)
  await session.commit()
  return session.toHeaders()[0]?.[1].split(';')[0] ?? ''
}

describe('instrumentStore()', () => {
  const record = (id: string): SessionRecord => ({ ...template, id })

  it('times operations by name and outcome', async () => {
    const { meter: own, points, measured } = meter()
    const store = instrumentStore(memoryStore(), own)
    expect(await store.create(record('a'))).toBe(true)
    expect(await store.create(record('a'))).toBe(false)
    expect(await store.get('a')).toEqual(record('a'))
    expect(await store.get('b')).toBeNull()
    expect(await store.replace({ ...record('a'), revision: '2.x' }, '1.x')).toEqual({ ok: true })
    expect((await store.replace(record('a'), '1.x')).ok).toBe(false)
    expect(await store.touch('a', 2, 3)).toBe(true)
    expect(await store.touch('b', 2, 3)).toBe(false)
    const name = 'sess.store.operation.name'
    const outcome = 'sess.store.outcome'
    expect(await points('sess.store.operation.duration')).toEqual([
      [{ [name]: 'create', [outcome]: 'ok' }, 1],
      [{ [name]: 'create', [outcome]: 'exists' }, 1],
      [{ [name]: 'get', [outcome]: 'ok' }, 1],
      [{ [name]: 'get', [outcome]: 'missing' }, 1],
      [{ [name]: 'replace', [outcome]: 'ok' }, 1],
      [{ [name]: 'replace', [outcome]: 'conflict' }, 1],
      [{ [name]: 'touch', [outcome]: 'ok' }, 1],
      [{ [name]: 'touch', [outcome]: 'missing' }, 1],
    ])
    expect((await measured()).get('sess.store.operation.duration')?.descriptor).toMatchObject({
      unit: 's',
      type: 'HISTOGRAM',
    })
  })

  it('says in seconds how long it took', async () => {
    const { meter: own, measured } = meter()
    const store = new UnreliableStore(memoryStore())
    store.before('get', () => new Promise((resolve) => setTimeout(resolve, 30)))
    await instrumentStore(store, own).get('a')
    const [point] = ((await measured()).get('sess.store.operation.duration')?.dataPoints ?? []) as DataPoint<{
      sum: number
    }>[]
    expect(point?.value.sum).toBeGreaterThan(0.025)
    expect(point?.value.sum).toBeLessThan(5)
  })

  it.each([
    [Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [new TypeError('x'), 'TypeError'],
    ['text', '_OTHER'],
    [null, '_OTHER'],
  ])('tells errors by their kind, and passes them on', async (error, type) => {
    const { meter: own, points } = meter()
    const broken = { ...plain(), get: () => Promise.reject(error) }
    await expect(instrumentStore<SessionStore>(broken, own).get('a')).rejects.toBe(error)
    const attributes = { 'sess.store.operation.name': 'get', 'sess.store.outcome': 'error', 'error.type': type }
    expect(await points('sess.store.operation.duration')).toEqual([[attributes, 1]])
  })

  it('times admissions and pruning, too', async () => {
    const { meter: own, points } = meter()
    const admit = vi
      .fn()
      .mockResolvedValueOnce({ ok: true, evicted: [] })
      .mockResolvedValueOnce({ ok: false, evicted: [] })
    const store = instrumentStore({ ...plain(), admit, prune: async () => 3 }, own)
    await store.admit()
    await store.admit()
    expect(await store.prune()).toBe(3)
    expect(
      (await points('sess.store.operation.duration')).map(([attributes]) => Object.values(attributes as object)),
    ).toEqual([
      ['admit', 'ok'],
      ['admit', 'refused'],
      ['prune', 'ok'],
    ])
  })

  it('has every power of the store, and no other', async () => {
    const { meter: own } = meter()
    const store = memoryStore({ max: 1 })
    const measured = instrumentStore(store, own)
    const methods = (of: object) =>
      ['onEnding', 'onEvict', 'scan', 'prune', 'listBySubject', 'admit'].filter((name) => name in of)
    expect(methods(measured)).toEqual(methods(store))
    expect(measured.durable).toBe(false)
    expect(measured.get).toBe(measured.get)
    const evicted: string[] = []
    measured.onEvict((handle) => evicted.push(handle))
    await measured.create(record('a'))
    await measured.create(record('b'))
    expect(evicted).toEqual(['a'])
    const scanned: string[] = []
    for await (const { id } of measured.scan()) scanned.push(id)
    expect(scanned).toEqual(['b'])
  })

  it('asks the global provider by default', async () => {
    const { provider, points } = meter()
    metrics.setGlobalMeterProvider(provider)
    await instrumentStore(memoryStore()).get('a')
    expect(await points('sess.store.operation.duration')).toHaveLength(1)
  })
})

describe('an instrumented store', () => {
  const open = storeKit(() => instrumentStore(memoryStore(), meter().meter))
  register(storeCases, open, { it })
  register(scanCases, open, { it })
  register(endingsCases, open, { it })
  register(subjectIndexCases, open, { it })
})

describe('measureSessions()', () => {
  function measured(options: Omit<MeasureOptions, 'meter'> = {}) {
    const { meter: own, points } = meter()
    const sessions = createSessions({ store: memoryStore() })
    const stop = measureSessions(sessions, { meter: own, ...options })
    const read = async (name: string) => {
      await sessions.flushEvents()
      return points(name)
    }
    return { sessions, stop, read }
  }

  it('counts events by type and reason', async () => {
    const { sessions, read } = measured()
    const cookie = await signIn(sessions)
    await sessions.open({ token: 'forged' })
    const session = await sessions.open({ cookie })
    session.signOut()
    await session.commit()
    expect(await read('sess.session.events')).toEqual([
      [{ 'sess.event.type': 'signed-in' }, 1],
      [{ 'sess.event.type': 'token-refused', 'sess.event.reason': 'malformed' }, 1],
      [{ 'sess.event.type': 'ended', 'sess.event.reason': 'signed-out' }, 1],
    ])
  })

  it('times opening and committing by outcome', async () => {
    const { sessions, read } = measured()
    const cookie = await signIn(sessions)
    await sessions.open({ cookie })
    expect(await read('sess.session.open.duration')).toEqual([
      [{ 'sess.outcome': 'anonymous' }, 1],
      [{ 'sess.outcome': 'authenticated' }, 1],
    ])
    expect(await read('sess.session.commit.duration')).toEqual([[{ 'sess.outcome': 'ok' }, 1]])
  })

  it('counts the sessions in use: seen lately, not ended, not locked', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { sessions, read } = measured({ inUseForMs: 1000 })
    const inUse = async () => (await read('sess.session.in_use'))[0]?.[1]
    const [ada, grace] = [await signIn(sessions, 'ada'), await signIn(sessions, 'grace')]
    await signIn(sessions, 'lin')
    expect(await inUse()).toBe(3)
    vi.advanceTimersByTime(600)
    await sessions.open({ cookie: ada })
    const leaving = await sessions.open({ cookie: grace })
    vi.advanceTimersByTime(600)
    expect(await inUse()).toBe(2)
    leaving.signOut()
    await leaving.commit()
    expect(await inUse()).toBe(1)
    const session = await sessions.open({ cookie: ada })
    session.lock()
    await session.commit()
    expect(await inUse()).toBe(0)
    session.reauthenticate({ method: 'password' })
    await session.commit()
    expect(await inUse()).toBe(1)
  })

  it('measures nothing any more once it is stopped', async () => {
    const { sessions, stop, read } = measured()
    await signIn(sessions)
    const before = await read('sess.session.events')
    stop()
    await signIn(sessions)
    expect(await read('sess.session.events')).toEqual(before)
  })

  it('asks the global provider by default, and does nothing without one', async () => {
    const silent = createSessions({ store: memoryStore() })
    measureSessions(silent)
    await signIn(silent)
    const { provider, points } = meter()
    metrics.setGlobalMeterProvider(provider)
    const sessions = createSessions({ store: memoryStore() })
    measureSessions(sessions)
    await signIn(sessions)
    await sessions.flushEvents()
    expect(await points('sess.session.events')).toHaveLength(1)
  })

  it('tells no handle, subject or token', async () => {
    const { meter: own, measured: all } = meter()
    const sessions = createSessions({ store: instrumentStore(memoryStore(), own) })
    measureSessions(sessions, { meter: own })
    const cookie = await signIn(sessions, 'ada-the-subject')
    const { handle } = await sessions.open({ cookie })
    await sessions.flushEvents()
    const text = JSON.stringify([...(await all())])
    expect(text).toContain('sess.session.events')
    for (const secret of ['ada-the-subject', handle, cookie.split('=')[1]]) expect(text).not.toContain(secret)
  })
})

function plain(): SessionStore {
  const store = memoryStore()
  return {
    durable: false,
    get: (id) => store.get(id),
    create: (record) => store.create(record),
    replace: (record, expected) => store.replace(record, expected),
    touch: (id, lastSeenAt, expiresAt) => store.touch(id, lastSeenAt, expiresAt),
  }
}

const template: SessionRecord = {
  id: '',
  revision: '1.x',
  recent: [],
  expiresAt: 1e15,
  state: 'anonymous',
  subject: null,
  generation: 0,
  confirmedAt: 0,
  rotation: 'soft',
  hardRotations: 0,
  createdAt: 0,
  absoluteAt: 1e15,
  lastSeenAt: 0,
  auth: null,
  credential: null,
  fingerprint: null,
  device: null,
  persistent: false,
  actor: null,
  extra: {},
  endedReason: null,
  endedAt: null,
  data: '',
}
