import { createHmac, createSecretKey, hash, randomBytes } from 'node:crypto'
import { median } from '../measure.ts'
import type { Cell, CellName } from './cells.ts'

/** A figure of all rounds: its median, and the first and third quartile. */
export interface Spread {
  readonly median: number
  readonly from: number
  readonly to: number
}

/** Microseconds per request. */
export interface Timed extends CellName {
  /** CPU time of the whole process, and time on the clock. */
  readonly cpu: Spread
  readonly wall: Spread
  /** CPU time over that of the app without a session, in the same round. */
  readonly added: Spread
  /** The same ratios, round by round. */
  readonly times: Spread
}

/** Requests on their way at the same time. */
const FLIGHT = 16
/** Turns of a cell that pass before the first one counts: by then V8 has compiled what it does. */
const WARM = 20

interface Run {
  readonly cell: Cell
  calls: number
  next: number
  readonly cpu: number[]
  readonly wall: number[]
}

/** Runs every cell in every round, each time in another order. The first round warms up, and says how many calls are enough. */
export async function rounds(cells: readonly Cell[], count: number, ms: number): Promise<Timed[]> {
  const runs: Run[] = cells.map((cell) => ({ cell, calls: 0, next: 0, cpu: [], wall: [] }))
  for (const run of runs) await calibrate(run, ms)
  for (let turn = 1; turn <= count; turn += 1) {
    for (const run of shuffled(runs)) {
      const { cpu, wall } = await timed(run, run.calls)
      run.cpu.push(cpu)
      run.wall.push(wall)
    }
  }
  return runs.map((run) => summed(run, baseOf(run, runs)))
}

async function calibrate(run: Run, ms: number): Promise<void> {
  const until = performance.now() + WARM * ms
  let [calls, spent] = [0, 0]
  while (performance.now() < until) {
    // The first ones are slow: what counts is the second half.
    if (performance.now() < until - (WARM * ms) / 2) [calls, spent] = [0, 0]
    const { cpu } = await timed(run, 4 * FLIGHT)
    calls += 4 * FLIGHT
    spent += cpu * 4 * FLIGHT
  }
  run.calls = Math.max(FLIGHT, Math.ceil((calls * ms * 1000) / spent))
}

/** Microseconds per call, of so many. */
export async function timed(
  run: Pick<Run, 'cell' | 'next'>,
  calls: number,
): Promise<{ readonly cpu: number; readonly wall: number }> {
  const last = run.next + calls
  const sender = async () => {
    while (run.next < last) {
      run.next += 1
      await run.cell.send(run.next)
    }
  }
  const [cpu, wall] = [process.cpuUsage(), performance.now()]
  await Promise.all(Array.from({ length: FLIGHT }, sender))
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / calls, wall: ((performance.now() - wall) * 1000) / calls }
}

function baseOf({ cell }: Run, runs: readonly Run[]): Run {
  const { framework, request, base: library = 'no session' } = cell
  const base = runs.find((run) => {
    const { cell: other } = run
    return other.library === library && other.framework === framework && other.request === request
  })
  if (base === undefined) throw new Error(`There is no ${cell.framework} without a session.`)
  return base
}

function summed({ cell, cpu, wall }: Run, base: Run): Timed {
  const { framework, library, store, request, bytes } = cell
  const against = (combine: (own: number, bare: number) => number) =>
    spread(cpu.map((value, round) => combine(value, base.cpu[round] ?? Number.NaN)))
  const [added, times] = [against((own, bare) => own - bare), against((own, bare) => own / bare)]
  return { framework, library, store, request, bytes, cpu: spread(cpu), wall: spread(wall), added, times }
}

/** Median and quartiles, to three digits. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (place: number) => digits(sorted[place] ?? Number.NaN)
  const quarter = Math.floor((sorted.length - 1) / 4)
  return { median: digits(median(sorted)), from: at(quarter), to: at(sorted.length - 1 - quarter) }
}

export const digits = (value: number): number => Number(value.toPrecision(3))

function shuffled<T>(values: readonly T[]): T[] {
  const order = values.map((value) => ({ value, key: Math.random() }))
  return order.sort((a, b) => a.key - b.key).map(({ value }) => value)
}

/** What no session can do without: a MAC, a digest, and a look into a Map. */
export function floor() {
  const key = createSecretKey(randomBytes(32))
  const ids = Array.from({ length: 64 }, () => randomBytes(32).toString('base64url'))
  const records = new Map(ids.map((id) => [id, { id }]))
  const mac = (index: number) =>
    createHmac('sha256', key)
      .update(`sess/token/v1.${ids[index % 64]}.0`)
      .digest('base64url')
  const digest = (index: number) => hash('sha256', ids[index % 64] ?? '', 'base64url')
  const look = (index: number) => records.get(ids[index % 64] ?? '')
  return { mac, digest, look, all: (index: number) => [mac(index), digest(index), look(index)] }
}

/** The same as cells. */
export function floorCells(): Cell[] {
  const { mac, digest, look, all } = floor()
  const alone = (library: string, work: (index: number) => void): Cell => ({
    ...{ framework: 'core', library, store: 'none', request: 'read', bytes: 0, base: 'nothing' },
    send: async (index) => work(index),
  })
  return [
    alone('nothing', () => {}),
    alone('one HMAC', mac),
    alone('one SHA-256', digest),
    alone('one look into a Map', look),
    alone('all three', all),
  ]
}
