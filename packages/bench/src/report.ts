import { OPERATIONS, type Operation, PRUNED, type Timing } from './measure.ts'
import { PER_SUBJECT } from './sample.ts'

/** One store at one size. */
export interface Measured {
  readonly sessions: number
  readonly bytesPerSession: number
  /** The part of them that indexes take, where the database tells. */
  readonly indexBytesPerSession?: number
  /** Seconds it took to fill. */
  readonly filledIn: number
  /** Microseconds per call; an operation that the store does not have is left out. */
  readonly times: Partial<Record<Operation, Timing>>
}

/** One store at all sizes, the smallest first. */
export interface StoreReport {
  readonly store: string
  readonly versions: string
  readonly settings: string
  readonly filling: string
  readonly sizes: readonly Measured[]
}

/** What `--json` prints. */
export interface Report {
  readonly machine: string
  readonly node: string
  /** How many processes wanted to run per core, over the minute before the beginning and before the end. */
  readonly load: readonly [before: number, after: number]
  readonly rounds: number
  readonly stores: readonly StoreReport[]
}

/** Everything, for a terminal. */
export function print(report: Report): string {
  return [conditions(report), timesTable(report), sizesTable(report)].join('\n\n')
}

/** What the numbers depend on, as a list. */
export function conditions({ machine, node, load, rounds, stores }: Report): string {
  return [
    `- ${machine}; Node ${node}; client and server on the same machine`,
    `- load per core: ${load[0]} before, ${load[1]} after (idle is 0)`,
    `- ${rounds} rounds`,
    ...stores.map(
      ({ store, versions, settings, filling }) => `- ${store}: ${versions}; ${settings}; filled by ${filling}`,
    ),
  ].join('\n')
}

/** What the columns of times are called. */
const HEADINGS: Readonly<Record<Operation, string>> = {
  get: 'get, µs',
  replace: 'replace, µs',
  touch: 'touch, µs',
  list: `list of ${PER_SUBJECT}, µs`,
  admit: 'admit, µs',
  prune: `prune of ${PRUNED}, µs`,
}

/**
 * Microseconds per call at each size: median (least–greatest of the rounds), and how the greatest size compares to the smallest.
 * An operation that no store of the report has is left out.
 */
export function timesTable({ stores }: Report): string {
  const all = stores.flatMap(({ sizes }) => sizes)
  const measured = OPERATIONS.filter((name) => all.some(({ times }) => times[name] !== undefined))
  const rows = stores.flatMap(({ store, sizes }) => [
    ...sizes.map(({ sessions, times }) => [store, short(sessions), ...measured.map((name) => time(times[name]))]),
    ...ratios(store, sizes, measured),
  ])
  return table(['store', 'sessions', ...measured.map((name) => HEADINGS[name])], rows)
}

function ratios(store: string, sizes: readonly Measured[], measured: readonly Operation[]): string[][] {
  const [first, last] = [sizes[0], sizes.at(-1)]
  if (first === undefined || last === undefined || first === last) return []
  const ratio = (name: Operation): string => {
    const [small, great] = [first.times[name], last.times[name]]
    return small === undefined || great === undefined ? '–' : `× ${(great.median / small.median).toFixed(2)}`
  }
  return [[store, `${short(last.sessions)} ÷ ${short(first.sessions)}`, ...measured.map(ratio)]]
}

const time = (timing: Timing | undefined): string =>
  timing === undefined ? '–' : `${timing.median} (${timing.from}–${timing.to})`

/** The page with a newer report in the places where it quotes an older one. */
export function requoted(page: string, old: Report, report: Report): string {
  const quoted = [conditions, timesTable, sizesTable]
  return quoted.reduce((text, part) => text.replace(part(old), () => part(report)), page)
}

/** Bytes per session at each size. */
export function sizesTable({ stores }: Report): string {
  const rows = stores.flatMap(({ store, sizes }) =>
    sizes.map(({ sessions, bytesPerSession, indexBytesPerSession, filledIn }) => [
      store,
      short(sessions),
      String(bytesPerSession),
      String(indexBytesPerSession ?? '–'),
      `${((bytesPerSession * sessions) / 2 ** 20).toFixed(0)} MiB`,
      `${filledIn} s`,
    ]),
  )
  return table(['store', 'sessions', 'bytes per session', 'of them indexes', 'in all', 'filled in'], rows)
}

/** 10000 as `10 k`, 1000000 as `1 M`. */
export function short(sessions: number): string {
  if (sessions >= 1e6) return `${sessions / 1e6} M`
  return sessions >= 1000 ? `${sessions / 1000} k` : String(sessions)
}

/** A Markdown table; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0), 3))
  const align = (column: number) => (column === 0 ? 'padEnd' : 'padStart')
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell[align(column)](widths[column] ?? 0)).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}
