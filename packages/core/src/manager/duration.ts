import { ConfigError } from '../errors.ts'

/** A duration: milliseconds, or a number with a unit: `'500ms'`, `'30s'`, `'15m'`, `'24h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a duration; `name` is the option to blame. */
export function readDuration(value: Duration, name: string): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null
  const ms = match === null ? value : Number(match[1]) * (UNITS[match[2] as string] as number)
  if (typeof ms !== 'number' || !Number.isSafeInteger(ms) || ms < 0) {
    throw new ConfigError(
      `\`${name}\` is ${display(value)}; use milliseconds as an integer, or text like '30s', '15m', '24h'.`,
    )
  }
  return ms
}

/** A configured value as a message shows it. */
export function display(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
}

/** The first of `allowed` is the default. */
export function oneOf<const T extends string>(value: T | undefined, allowed: readonly [T, ...T[]], name: string): T {
  if (value === undefined) return allowed[0]
  if (allowed.includes(value)) return value
  throw new ConfigError(`\`${name}\` is ${display(value)}; use one of: ${allowed.join(', ')}.`)
}
