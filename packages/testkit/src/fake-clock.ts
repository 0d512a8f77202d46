import type { Clock, Duration } from '@sess/core'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A clock that stands still until it is moved. Hand it to `createSessions({ clock })`. */
export class FakeClock implements Clock {
  #now: number

  /** @param start first instant, in ms; default 2030-01-01T00:00:00Z */
  constructor(start: number = Date.UTC(2030, 0, 1)) {
    this.#now = instant(start)
  }

  now(): number {
    return this.#now
  }

  /** Moves forward by milliseconds or by text such as `'30s'`, `'15m'`, `'24h'`. Returns the new instant. */
  advance(duration: Duration): number {
    const ms = milliseconds(duration)
    if (ms < 0) throw new RangeError(`advance(${duration}): use set() to go back`)
    return this.set(this.#now + ms)
  }

  /** Jumps to an instant in ms, backwards too, as real clocks do when they are corrected. Returns it. */
  set(now: number): number {
    this.#now = instant(now)
    return this.#now
  }
}

function milliseconds(duration: Duration): number {
  if (typeof duration === 'number') return duration
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) ?? []
  if (amount === undefined || unit === undefined) throw new RangeError(`Not a duration: ${duration}`)
  return Number(amount) * (UNITS[unit] as number) // The pattern admits no other unit.
}

function instant(ms: number): number {
  if (!Number.isSafeInteger(ms)) throw new RangeError(`Not an instant in integer milliseconds: ${ms}`)
  return ms
}
