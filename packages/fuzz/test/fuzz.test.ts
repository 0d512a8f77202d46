import { afterAll, describe, expect, it, vi } from 'vitest'
import { fuzz, growth, targets } from '../src/fuzz.ts'

// Advice for developers, about each kind of request once.
vi.spyOn(console, 'warn').mockImplementation(() => {})
afterAll(() => {
  vi.restoreAllMocks()
})

describe.each(targets.map((target) => [target.name, target] as const))('%s', (_, target) => {
  it('breaks no promise, whatever comes', async () => {
    await fuzz(target, Math.ceil(target.share / 40), 20_260_101)
  })
})

describe('time grows with the length and no faster', () => {
  // What is quadratic takes minutes for texts of this length; what is linear takes a few milliseconds.
  const repeating = targets.filter(({ repeated }) => repeated !== undefined)
  it.each(repeating.map((target) => [target.name, target] as const))('%s', async (_, target) => {
    const worst = await growth(target, [131_072])
    expect(worst?.ms[0]).toBeLessThan(500)
  })
})
