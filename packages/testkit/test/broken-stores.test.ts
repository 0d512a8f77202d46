import type { SessionStore } from '@sess/core'
import { describe, expect, it, vi } from 'vitest'
import { storeCases, storeKit } from '../src/index.ts'
import {
  abortFlaws,
  creatingFlaws,
  type Flaw,
  formatFlaws,
  instantFlaws,
  isolationFlaws,
  readingFlaws,
  replacingFlaws,
  touchingFlaws,
} from './flaws.ts'
import { json, mapStore } from './map-store.ts'

const flaws: readonly Flaw[] = [
  ...creatingFlaws,
  ...readingFlaws,
  ...replacingFlaws,
  ...instantFlaws,
  ...touchingFlaws,
  ...isolationFlaws,
  ...formatFlaws,
  ...abortFlaws,
]

describe('the store cases', () => {
  it('all pass on the sound store that the flaws are put into', async () => {
    expect(await failing(() => mapStore())).toEqual([])
  })

  it.each(flaws)('notice that $flaw', async ({ caughtBy, make }) => {
    const expected = caughtBy.map((id) => `store/${id}`)
    expect(await failing(make, expected)).toEqual(expected)
  })

  it('each notice at least one flaw', () => {
    const noticed = new Set(flaws.flatMap(({ caughtBy }) => caughtBy.map((id) => `store/${id}`)))
    expect(storeCases.map(({ id }) => id).filter((id) => !noticed.has(id))).toEqual([])
  })

  it('let a store refuse text that it cannot keep', async () => {
    const encode: typeof json.encode = (record) => {
      const text = `${record.subject}${record.data}`
      if (/\p{Surrogate}/u.test(text) || text.includes('\u0000')) throw new Error('refused')
      return json.encode(record)
    }
    expect(await failing(() => mapStore({ ...json, encode }))).toEqual([])
  })

  it('let a store reject aborted calls', async () => {
    const { get, create, replace, touch } = mapStore()
    const alive = (options?: { signal?: AbortSignal }) => options?.signal?.throwIfAborted()
    const store: SessionStore = {
      durable: false,
      get: async (id, options) => alive(options) ?? get(id),
      create: async (record, options) => alive(options) ?? create(record),
      replace: async (record, expected, options) => alive(options) ?? replace(record, expected),
      touch: async (id, lastSeenAt, expiresAt, options) => alive(options) ?? touch(id, lastSeenAt, expiresAt),
    }
    expect(await failing(() => store)).toEqual([])
  })

  it('have unique ids that start with store/', () => {
    const ids = storeCases.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => !/^store\/[a-z]+(-[a-z]+)+$/.test(id))).toEqual([])
  })
})

/** Ids of the cases (all, or those named) that fail on the store. */
async function failing(make: () => SessionStore, ids?: readonly string[]): Promise<string[]> {
  const failed: string[] = []
  const open = storeKit(make)
  // What hangs is waited for by a timer of the case; move it instead of waiting.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: false })
  try {
    for (const { id, run } of storeCases) {
      if (ids !== undefined && !ids.includes(id)) continue
      const running = open().then(run)
      const settled = running.then(
        () => true,
        () => failed.push(id),
      )
      while (!(await Promise.race([settled, breath()]))) await vi.advanceTimersByTimeAsync(1000)
    }
  } finally {
    vi.useRealTimers()
  }
  return failed.sort((a, b) => (ids ?? []).indexOf(a) - (ids ?? []).indexOf(b))
}

function breath(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)))
}
