import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { adapterCases, formCases } from '../src/index.ts'
import { flaws } from './adapter-flaws.ts'
import { reference, type Steps } from './reference.ts'

const cases = [...adapterCases, ...formCases]

describe('the adapter cases', () => {
  const { setTimeout: sleep } = globalThis

  // A flaw may keep a case waiting. Its own deadline ends it; that timer is moved instead of waited for.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  it.each(flaws)('notice an adapter that $flaw', async ({ caughtBy, break: make }) => {
    const expected = caughtBy.map((id) => `adapter/${id}`)
    const failed = await Promise.all(expected.map((id) => fails(id, make)))
    expect(expected.filter((_, at) => !failed[at])).toEqual([])
  })

  it('have unique ids that start with adapter/', () => {
    const ids = cases.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter((id) => !/^adapter(\/[a-z0-9]+(-[a-z0-9]+)*){2,3}$/.test(id))).toEqual([])
  })

  async function fails(id: string, make: () => Partial<Steps>): Promise<boolean> {
    const found = cases.find((each) => each.id === id)
    if (found === undefined) throw new Error(`no case ${id}`)
    const verdict = found.run(reference(make())).then(
      () => false,
      () => true,
    )
    for (;;) {
      const patience = new Promise<null>((resolve) => sleep(() => resolve(null), 1500))
      const outcome = await Promise.race([verdict, patience])
      if (outcome !== null) return outcome
      await vi.advanceTimersByTimeAsync(60_000)
    }
  }
})
