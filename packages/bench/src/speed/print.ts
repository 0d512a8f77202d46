import { short, table } from '../report.ts'
import { COMPONENT_NAMES } from './components.ts'
import type { Calls } from './counts.ts'
import type { SpeedReport } from './report.ts'
import type { Spread, Timed } from './rounds.ts'
import { FRAMEWORKS, REQUESTS, SIZES } from './subject.ts'
import { reached, targetsOf } from './targets.ts'

/** Everything, for a terminal. */
export function printSpeed(report: SpeedReport): string {
  return parts(report)
    .map(([title, text]) => `${title}\n\n${text}`)
    .join('\n\n')
}

/** Every table that this report has, with a title. */
export function parts(report: SpeedReport): [title: string, text: string][] {
  const all: [string, string][] = [['Conditions', speedConditions(report)]]
  if (report.cells !== undefined) {
    for (const framework of FRAMEWORKS.filter((name) =>
      report.cells?.some((cell) => cell.framework === name && cell.store !== 'none'),
    ))
      all.push([`Added CPU, ${framework}`, addedTable(report, framework)])
    all.push(['Floor', floorTable(report)])
  }
  if (report.profile !== undefined) all.push(['Profile', profileTable(report)])
  if (report.storeCalls !== undefined) all.push(['Store calls', callsTable(report)])
  if (report.counted !== undefined) all.push(['Counted', countedTable(report)])
  if (report.throughput !== undefined) all.push(['Throughput', throughputTable(report)])
  if (report.held !== undefined) all.push(['Memory', heldTable(report)])
  if (report.expired !== undefined) all.push(['Expiry', expiryTable(report)])
  if (report.bundle !== undefined) all.push(['Bundle', bundleTable(report)])
  return [...all, ['Targets', targetsTable(report)]]
}

/** What the numbers depend on, as a list. */
export function speedConditions({ date, machine, node, versions, load, rounds, ms }: SpeedReport): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `- ${date}; ${machine}; Node ${node}`,
    `- load per core: ${load[0]} before, ${load[1]} after (idle is 0)`,
    `- ${rounds} rounds, each with ${ms} ms of CPU time per cell`,
    `- ${list.join(', ')}`,
  ].join('\n')
}

const shown = ({ median, from, to }: Spread): string => `${median} (${from}–${to})`

/** Microseconds of CPU time added per request: median (first–third quartile). One row per library and store. */
export function addedTable({ cells = [] }: SpeedReport, framework: string): string {
  const own = cells.filter((cell) => cell.framework === framework && !FLOOR.includes(cell.library))
  const rows = new Map<string, Map<string, Timed>>()
  for (const cell of own) {
    const row = rows.get(`${cell.library} · ${cell.store}`) ?? new Map()
    rows.set(`${cell.library} · ${cell.store}`, row.set(column(cell.request, cell.bytes), cell))
  }
  const columns = REQUESTS.flatMap((request) =>
    ['read', 'write', 'unread'].includes(request) ? SIZES.map((bytes) => column(request, bytes)) : [request],
  )
  const line = ([name, row]: [string, Map<string, Timed>]) => [name, ...columns.map((title) => cellOf(row.get(title)))]
  const base = own.filter(({ store }) => store === 'none')
  return table(
    ['µs per request', ...columns],
    [
      ['no session, in all', ...columns.map((title) => (base[0] === undefined ? '–' : baseOf(base, title)))],
      ...[...rows].filter(([name]) => !name.endsWith('none')).map(line),
    ],
  )
}

const FLOOR = ['nothing', 'one HMAC', 'one SHA-256', 'one look into a Map', 'all three']

function column(request: string, bytes: number): string {
  if (!['read', 'write', 'unread'].includes(request)) return request
  return `${request} ${bytes >= 1024 ? `${bytes / 1024} KB` : `${bytes} B`}`
}

const cellOf = (cell: Timed | undefined): string => (cell === undefined ? '–' : shown(cell.added))

const baseOf = (base: readonly Timed[], title: string): string => {
  const found = base.find(({ request }) => request === title.split(' ')[0])
  return found === undefined ? '–' : shown(found.cpu)
}

/** What a read cannot do without. */
export function floorTable({ cells = [], json }: SpeedReport): string {
  const rows = FLOOR.slice(1).flatMap((name) => {
    const cell = cells.find(({ library }) => library === name)
    return cell === undefined ? [] : [[name, shown(cell.added)]]
  })
  const texts =
    json === undefined
      ? []
      : [
          ['parsing 20 KB of JSON', String(json.parse)],
          ['encoding it', String(json.encode)],
        ]
  return table(['µs of CPU time', 'median (quartiles)'], [...rows, ...texts])
}

/** Microseconds of CPU time of a read, by component: one column per framework. */
export function profileTable({ profile = [] }: SpeedReport): string {
  const seen = COMPONENT_NAMES.filter((name) => profile.some(({ components }) => name in components))
  const cell = (spread: Spread | undefined) => (spread === undefined ? '–' : shown(spread))
  const rows = seen.map((name) => [name, ...profile.map(({ components }) => cell(components[name]))])
  return table(
    ['µs per read', ...profile.map(({ framework }) => framework)],
    [...rows, ['in all', ...profile.map(({ all }) => shown(all))]],
  )
}

/** What sess asks of its store. The frameworks must agree. */
export function callsTable({ storeCalls = {} }: SpeedReport): string {
  const text = ({ get, create, replace, touch }: Calls) =>
    Object.entries({ get, create, replace, touch })
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} ${name}`)
      .join(' + ') || '0'
  const rows = Object.entries(storeCalls).map(([framework, { requests, thousandReads }]) => [
    framework,
    ...REQUESTS.map((request) => text(requests[request])),
    text(thousandReads),
  ])
  return table(['', ...REQUESTS, '1000 reads'], rows)
}

/** Commands (round trips) in Redis, bytes to and from it, and bytes of cookies, per request. */
export function countedTable({ counted = [] }: SpeedReport): string {
  const rows = counted.map((row) => [
    `${row.library} · ${row.framework} · ${row.store}`,
    row.request,
    row.commands === undefined ? '–' : `${row.commands} (${row.trips})`,
    String(row.redisBytes ?? '–'),
    String(row.cookieBytes),
    String(row.setCookieBytes),
  ])
  return table(['', 'request', 'Redis commands (trips)', 'Redis bytes', 'Cookie bytes', 'Set-Cookie bytes'], rows)
}

export function throughputTable({ throughput = [] }: SpeedReport): string {
  const rows = throughput.map(({ framework, without, withSess, ratio, withFloor, floorRatio, failures }) => [
    framework,
    shown(without),
    shown(withFloor),
    shown(floorRatio),
    shown(withSess),
    shown(ratio),
    String(failures),
  ])
  return table(['requests per second', 'does nothing', 'the floor', 'ratio', 'sess', 'ratio', 'failures'], rows)
}

export function heldTable({ held = [] }: SpeedReport): string {
  const rows = held.map(({ library, sessions, heap }) => [library, short(sessions), String(heap)])
  return table(['memory store', 'sessions', 'bytes of heap per session'], rows)
}

export function expiryTable({ expired }: SpeedReport): string {
  if (expired === undefined) return ''
  const { sessions, left, longest, p99, control } = expired
  const rows = [
    [`${short(sessions)} sessions expire`, String(left), String(longest), String(p99)],
    ['the same work, nothing expires', '–', String(control.longest), String(control.p99)],
  ]
  return table(['event loop, ms', 'expired ones left', 'longest', '99th percentile'], rows)
}

export function bundleTable({ bundle }: SpeedReport): string {
  return table(['bytes', 'minified', 'gzip'], [['core + hono adapter', String(bundle?.minified), String(bundle?.gzip)]])
}

export function targetsTable(report: SpeedReport): string {
  const rows = targetsOf(report).map((target) => [
    target.name,
    `${target.atLeast ? '≥' : '≤'} ${target.wanted}`,
    `${target.found} ${target.unit}`,
    reached(target) ? 'reached' : 'missed',
  ])
  return table(['target', 'wanted', 'found', ''], rows)
}
