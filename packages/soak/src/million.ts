import { createSessions, memoryStore } from '@sess/core'
import { sample } from './sample.ts'

/** What it took to let many sessions pass through a memory store. */
export interface Passed {
  readonly sessions: number
  readonly seconds: number
  /** Heap after each tenth of them, in MB. */
  readonly heapMb: readonly number[]
  /** The longest time the event loop was held up, and the 99th percentile, in ms; collections that are not ours included. */
  readonly delayMs: number
  readonly delayP99Ms: number
}

/** At a time, at most; the others have expired by then. */
const LIVE = 50_000
const IDLE_MS = 1_800_000

/** Signs in so many users one after the other on a clock that runs, so that old sessions expire while new ones come. */
export async function pass(count: number): Promise<Passed> {
  let now = Date.UTC(2026, 0, 1)
  const live = Math.min(LIVE, count / 20)
  const store = memoryStore({ max: 2 * LIVE })
  const sessions = createSessions({ store, clock: { now: () => now }, retainEnded: 0 })
  const samples = [sample(0)].slice(1)
  const begun = performance.now()
  for (let index = 1; index <= count; index += 1) {
    now += IDLE_MS / live
    const session = await sessions.open({})
    session.signIn(`user-${index}`)
    session.data.text = 'x'.repeat(80)
    await session.commit()
    // As a server would, between two requests.
    if (index % 16 === 0) await new Promise((next) => setImmediate(next))
    if (index % Math.ceil(count / 10) === 0) samples.push(sample(0))
  }
  return {
    sessions: count,
    seconds: Math.round((performance.now() - begun) / 1000),
    heapMb: samples.map(({ heapBytes }) => Math.round(heapBytes / 1e6)),
    delayMs: Math.max(...samples.map(({ delayMs }) => delayMs)),
    delayP99Ms: Math.max(...samples.map(({ delayP99Ms }) => delayP99Ms)),
  }
}
