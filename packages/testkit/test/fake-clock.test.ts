import { expect, it } from 'vitest'
import { FakeClock } from '../src/index.ts'

it('stands still until it is moved', () => {
  const clock = new FakeClock()
  expect(clock.now()).toBe(Date.UTC(2030, 0, 1))
  expect(clock.now()).toBe(Date.UTC(2030, 0, 1))
})

it.each([
  [250, 250],
  ['250ms', 250],
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  [0, 0],
] as const)('advances by %s', (duration, ms) => {
  const clock = new FakeClock(1000)
  expect(clock.advance(duration)).toBe(1000 + ms)
  expect(clock.now()).toBe(1000 + ms)
})

it('is set to any instant, earlier ones too', () => {
  const clock = new FakeClock(1000)
  expect(clock.set(5)).toBe(5)
  expect(clock.now()).toBe(5)
})

it('refuses what is no instant in integer milliseconds, and stays where it was', () => {
  const clock = new FakeClock(1000)
  expect(() => clock.set(0.5)).toThrow(RangeError)
  expect(() => clock.set(Number.NaN)).toThrow(RangeError)
  expect(() => clock.advance('0.5ms')).toThrow(RangeError)
  expect(() => new FakeClock(Number.POSITIVE_INFINITY)).toThrow(RangeError)
  expect(clock.now()).toBe(1000)
})

it('refuses to advance backwards or by what is no duration', () => {
  const clock = new FakeClock(1000)
  expect(() => clock.advance(-1)).toThrow('use set() to go back')
  // Text that TypeScript cannot refuse, as it comes from a table or from JavaScript.
  for (const text of ['5 minutes', '-5m', 'm', '']) expect(() => clock.advance(text as '5m')).toThrow('Not a duration')
  expect(clock.now()).toBe(1000)
})
