import type { Calls } from './counts.ts'
import type { SpeedReport } from './report.ts'
import type { Timed } from './rounds.ts'
import type { FrameworkName, RequestKind } from './subject.ts'

/** What was promised, and what was found: `found` has to be at most (or at least) `wanted`. */
export interface Target {
  readonly name: string
  readonly wanted: number
  readonly found: number
  readonly unit: '×' | 'calls' | 'trips' | 'B' | 'ms'
  readonly atLeast?: true
}

export const reached = ({ wanted, found, atLeast }: Target): boolean => (atLeast ? found >= wanted : found <= wanted)

/** Every target whose parts were measured. */
export function targetsOf(report: SpeedReport): Target[] {
  const all = [...peerTargets(report), ...sizeTargets(report), ...idleTargets(report), ...countTargets(report)]
  return [...all, ...memoryTargets(report), ...throughputTargets(report)].filter(({ found }) => !Number.isNaN(found))
}

/** The added time of a read, as a share of each peer's. */
const SHARES = [
  ['express', 'express-session', 1 / 5],
  ['fastify', '@fastify/session', 1 / 3],
  ['koa', 'koa-session', 1 / 3],
  ['hono', 'hono-sessions', 1 / 5],
  ['hono', 'hono-sessions, no key', 1 / 5],
] as const

function cellOf(report: SpeedReport, library: string, framework: FrameworkName, request: RequestKind, bytes = 100) {
  return report.cells?.find(
    (cell) =>
      cell.library === library &&
      cell.framework === framework &&
      cell.request === request &&
      cell.store !== 'redis' &&
      (cell.bytes === bytes || cell.bytes === 0),
  )
}

const added = (cell: Timed | undefined): number => cell?.added.median ?? Number.NaN

const target = (name: string, wanted: number, found: number, unit: Target['unit'] = '×'): Target => ({
  ...{ name, unit },
  wanted: Number(wanted.toPrecision(3)),
  found: Number(found.toPrecision(3)),
})

function peerTargets(report: SpeedReport): Target[] {
  const shares = SHARES.map(([framework, peer, wanted]) => {
    const own = added(cellOf(report, 'sess', framework, 'read'))
    return target(`added CPU of a read ÷ ${peer}'s`, wanted, own / added(cellOf(report, peer, framework, 'read')))
  })
  const floor = added(report.cells?.find(({ library }) => library === 'all three'))
  const own = added(cellOf(report, 'sess', 'core', 'read'))
  return [...shares, target('CPU of a read, core alone ÷ its floor', 3, own / floor)]
}

function sizeTargets(report: SpeedReport): Target[] {
  const cost = (bytes: number) => added(cellOf(report, 'sess', 'core', 'unread', bytes))
  const { parsed = Number.NaN, encoded = Number.NaN } = report.jsonPasses ?? {}
  return [
    target('20 KB carried and unread ÷ 100 B, core alone', 1.2, cost(20_480) / cost(100)),
    // The memory store's own line about the record, some 300 characters, is parsed and encoded as well.
    target('20 KB with one key changed: times parsed', 1.05, parsed),
    target('20 KB with one key changed: times encoded', 1.05, encoded),
  ]
}

function idleTargets(report: SpeedReport): Target[] {
  return (['anonymous', 'forged'] as const).map((request) => {
    const times = cellOf(report, 'sess', 'express', request)?.times.median ?? Number.NaN
    return target(`CPU of ${request} requests on Express ÷ no session`, 1.15, times)
  })
}

const sum = ({ get, create, replace, touch }: Calls): number => get + create + replace + touch

function countTargets({ storeCalls = {}, counted = [] }: SpeedReport): Target[] {
  const most = (count: (framework: NonNullable<(typeof storeCalls)['core']>) => number) =>
    Math.max(...Object.values(storeCalls).map(count), Object.keys(storeCalls).length === 0 ? Number.NaN : 0)
  const trips = (request: RequestKind) =>
    Math.max(
      ...counted
        .filter((row) => row.library === 'sess' && row.request === request)
        .map((row) => row.trips ?? Number.NaN),
    )
  return [
    target(
      'store calls of an anonymous request',
      0,
      most(({ requests }) => sum(requests.anonymous)),
      'calls',
    ),
    target(
      'store calls of a forged request',
      0,
      most(({ requests }) => sum(requests.forged)),
      'calls',
    ),
    target(
      'store calls of a read',
      1,
      most(({ requests }) => sum(requests.read)),
      'calls',
    ),
    target(
      'store calls of a write',
      2,
      most(({ requests }) => sum(requests.write)),
      'calls',
    ),
    target(
      'touches of 1000 reads',
      1,
      most(({ thousandReads }) => thousandReads.touch),
      'calls',
    ),
    target('Redis round trips of a read', 1, counted.length === 0 ? Number.NaN : trips('read'), 'trips'),
    target('Redis round trips of a write', 2, counted.length === 0 ? Number.NaN : trips('write'), 'trips'),
  ]
}

function memoryTargets({ held = [], expired }: SpeedReport): Target[] {
  const largest = held.filter(({ library }) => library === 'sess').at(-1)
  return [
    target(`heap per session, ${largest?.sessions ?? 0} of them`, 450, largest?.heap ?? Number.NaN, 'B'),
    target('longest block of the event loop while sessions expire', 5, expired?.longest ?? Number.NaN, 'ms'),
  ]
}

function throughputTargets({ throughput = [] }: SpeedReport): Target[] {
  return throughput.map(({ framework, ratio }) => ({
    ...target(
      `requests per second on ${framework} ÷ a middleware that does nothing`,
      framework === 'express' ? 0.85 : 0.75,
      ratio.median,
    ),
    atLeast: true,
  }))
}
