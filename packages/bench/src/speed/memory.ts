import { randomBytes } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createSessions, memoryStore } from '@sess/core'
import { Sample } from '../sample.ts'
import { dataOf } from './subject.ts'
import { HEADERS } from './wire.ts'

/** Heap that sessions take in a store: signed in, 100 B of data, nothing about the device. */
export interface Held {
  readonly library: string
  readonly sessions: number
  /** Bytes per session of the heap, after a full collection. */
  readonly heap: number
}

/** How long the event loop was blocked at most, in milliseconds, while sessions expired and others were made. */
export interface Expired {
  readonly sessions: number
  /** How many are left of those that had expired. */
  readonly left: number
  readonly longest: number
  readonly p99: number
  /** The same work with nothing to expire, for comparison. */
  readonly control: { readonly longest: number; readonly p99: number }
}

const collect = (): void => {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('Run it with --expose-gc.')
  for (let turn = 0; turn < 3; turn += 1) gc()
}

const heap = (): number => process.memoryUsage().heapUsed

const idle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Signs in `count` users, as requests do, and measures the heap. */
export async function ourHeap(count: number, fingerprint = true): Promise<Held> {
  const store = memoryStore({ max: count })
  const sessions = createSessions({ store, ...(fingerprint ? {} : { fingerprint: 'off' }) })
  await signInMany(sessions, 100)
  collect()
  const before = heap()
  await signInMany(sessions, count - 100)
  collect()
  return {
    library: fingerprint ? 'sess' : 'sess, fingerprint off',
    sessions: count,
    heap: Math.round((heap() - before) / (count - 100)),
  }
}

async function signInMany(sessions: ReturnType<typeof createSessions>, count: number, from = 0): Promise<void> {
  const facts = { headers: HEADERS, secure: true, ip: '192.0.2.7' }
  for (let index = 0; index < count; index += 1) {
    const session = await sessions.open(facts)
    session.signIn(`user ${from + index}`)
    Object.assign(session.data, dataOf(100))
    await session.commit()
    if (index % 20 === 19) await idle()
  }
}

/** What express-session's own store is given by its middleware. */
export interface ExpressStore {
  set(sid: string, session: object, done: () => void): void
}

export async function expressHeap(store: ExpressStore, count: number): Promise<Held> {
  collect()
  const before = heap()
  const cookie = { path: '/', httpOnly: true, originalMaxAge: null }
  for (let index = 0; index < count; index += 1) {
    const sid = randomBytes(24).toString('base64url')
    store.set(sid, { cookie, ...dataOf(100), subject: `user ${index}` }, () => {})
    if (index % 100 === 0) await idle()
  }
  collect()
  return { library: 'express-session', sessions: count, heap: Math.round((heap() - before) / count) }
}

/** Lets `count` sessions expire, then signs in as many users as it takes to come past them all, 20 in one go. */
export async function expiry(count: number): Promise<Expired> {
  let now = Date.now()
  const store = memoryStore({ max: 3 * count })
  const sessions = createSessions({ store, clock: { now: () => now } })
  for (const record of new Sample(count, now).first(count)) await store.create(record)
  const others = Math.ceil(count / 20)
  const control = await delayOf(() => signInMany(sessions, others, count))
  now += 3 * 24 * 3_600_000
  const during = await delayOf(() => signInMany(sessions, Math.ceil((count + others) / 3) + 100, 2 * count))
  let left = 0
  for await (const record of store.scan()) if (record.expiresAt <= now) left += 1
  return { sessions: count, left, ...during, control }
}

async function delayOf(work: () => Promise<void>): Promise<{ readonly longest: number; readonly p99: number }> {
  collect()
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work()
  histogram.disable()
  const ms = (nanoseconds: number) => Math.round(nanoseconds / 1e4) / 100
  return { longest: ms(histogram.max), p99: ms(histogram.percentile(99)) }
}
