import type { SessionStore } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { storeCases, storeKit } from '../src/index.ts'
import { failing } from './failing.ts'
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
    expect(await failing(storeCases, storeKit(mapStore))).toEqual([])
  })

  it.each(flaws)('notice that $flaw', async ({ caughtBy, make }) => {
    const expected = caughtBy.map((id) => `store/${id}`)
    const named = storeCases.filter(({ id }) => expected.includes(id))
    expect(await failing(named, storeKit(make))).toEqual(named.map(({ id }) => id))
    expect(named).toHaveLength(expected.length)
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
    expect(
      await failing(
        storeCases,
        storeKit(() => mapStore({ ...json, encode })),
      ),
    ).toEqual([])
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
    expect(
      await failing(
        storeCases,
        storeKit(() => store),
      ),
    ).toEqual([])
  })

  it('have unique ids that start with store/', () => {
    const ids = storeCases.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => !/^store\/[a-z]+(-[a-z]+)+$/.test(id))).toEqual([])
  })
})
