import { decodeBase64url } from '../../core/src/crypto/base64url.ts'
import { equal } from '../../core/src/crypto/equal.ts'
import { Keyring } from '../../core/src/crypto/keyring.ts'
import { mintToken, readToken } from '../../core/src/crypto/token.ts'

/** Two classes of input, timed in random order, and Welch's t of the two means: above 10 the class shows in the time. */
export interface Timing {
  readonly what: string
  readonly samples: number
  readonly t: number
  readonly meansNs: readonly [first: number, second: number]
}

const KEY = 'kQ3vJ0m2Zr8bT5xY1nW7cP4hL6sD9fGaEuRiOtVpXyM'
const SAMPLES = 200_000
/** Calls per sample: one alone is shorter than the clock is fine. */
const CALLS = 16
/** Samples above this share of all are interruptions, and left out of both classes alike. */
const CROP = 0.9

/**
 * Whether a MAC that is right up to its last character is told apart by time from one that is wrong from the first on; and,
 * for comparison, that the measurement would notice: the same of a comparison that stops at the first difference.
 *
 * @see Reparaz, Balasch, Verbauwhede - Dude, is my code constant time?
 */
export function timingOfTheCheck(samples: number = SAMPLES): Timing[] {
  const keyring = new Keyring(() => [decodeBase64url(KEY) as Uint8Array], 'token')
  const token = mintToken('A'.repeat(43), 0, keyring)
  const mac = token.slice(-43)
  const wrong = (at: number): string => mac.slice(0, at) + (mac[at] === 'A' ? 'B' : 'A') + mac.slice(at + 1)
  const tokens = [wrong(0), wrong(41)].map((other) => token.slice(0, -43) + other) as [string, string]
  // Longer texts, so that what stops early stops much earlier.
  const [early, late] = [wrong(0).repeat(8), mac.repeat(7) + wrong(41)]
  const whole = mac.repeat(8)
  return [
    compare('the check of a token', samples, tokens, (text) => readToken(text, keyring) === null),
    compare('the comparison alone', samples, [early, late], (text) => !equal(whole, text)),
    compare('a comparison that stops early', samples, [early, late], (text) => !stopsEarly(whole, text)),
  ]
}

function stopsEarly(a: string, b: string): boolean {
  for (let index = 0; index < a.length; index += 1) if (a.charCodeAt(index) !== b.charCodeAt(index)) return false
  return true
}

function compare(what: string, samples: number, inputs: [string, string], run: (text: string) => boolean): Timing {
  let results = 0
  for (let warm = 0; warm < 20_000; warm += 1) results += Number(run(inputs[warm & 1] as string))
  const times: [number[], number[]] = [[], []]
  for (let sample = 0; sample < samples; sample += 1) {
    const kind = Math.random() < 0.5 ? 0 : 1
    const input = inputs[kind]
    const begun = process.hrtime.bigint()
    for (let call = 0; call < CALLS; call += 1) results += Number(run(input))
    times[kind].push(Number(process.hrtime.bigint() - begun) / CALLS)
  }
  if (results === 0) throw new Error(`${what}: always said no`) // The compiler may not leave out what is used.
  const limit = [...times[0], ...times[1]].sort((one, other) => one - other)[Math.floor(samples * CROP)] as number
  const [first, second] = times.map((all) => moments(all.filter((time) => time <= limit))) as [Moments, Moments]
  const t = (first.mean - second.mean) / Math.sqrt(first.variance / first.count + second.variance / second.count)
  return { what, samples, t: Math.round(t * 100) / 100, meansNs: [Math.round(first.mean), Math.round(second.mean)] }
}

interface Moments {
  readonly count: number
  readonly mean: number
  readonly variance: number
}

function moments(values: readonly number[]): Moments {
  const count = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)
  return { count, mean, variance }
}
