import { Session } from 'node:inspector/promises'
import { type Cell, cellsOf, ourSubject } from './cells.ts'
import { componentsOf, type Frames } from './components.ts'
import { digits, type Spread, spread, timed } from './rounds.ts'
import type { FrameworkName } from './subject.ts'

/** Where the CPU time of a read goes: microseconds per request, by component. */
export interface Profiled {
  readonly framework: FrameworkName
  readonly all: Spread
  readonly components: Readonly<Record<string, Spread>>
}

/** Microseconds between two looks at the stack. */
const INTERVAL = 100
/** Milliseconds that a round takes, once with the profiler and once without. */
const ROUND_MS = 400

/**
 * Profiles reads of 100 B from the memory store, in a process that does nothing else. A round asks Node's sampling profiler for
 * the shares, and takes the time of the same requests without it: it slows them down.
 */
export async function profile(framework: FrameworkName, rounds: number): Promise<Profiled> {
  const cells = await cellsOf(await ourSubject(framework))
  const read = cells.find(({ request, bytes }) => request === 'read' && bytes === 100) as Cell // every library is read
  const inspector = new Session()
  inspector.connect()
  await inspector.post('Profiler.enable')
  await inspector.post('Profiler.setSamplingInterval', { interval: INTERVAL })
  const run = { cell: read, next: 0 }
  // Code that is compiled while the profiler runs tells what was inlined into it.
  const calls = await warm(inspector, run)
  const found: Record<string, number>[] = []
  const all: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const { cpu } = await timed(run, calls)
    all.push(cpu)
    found.push(scaled(componentsOf(await sampled(inspector, run, calls)), cpu))
  }
  inspector.disconnect()
  const names = new Set(found.flatMap((round) => Object.keys(round)))
  const components = [...names].map((name) => [name, spread(found.map((round) => round[name] ?? 0))] as const)
  return { framework, all: spread(all), components: Object.fromEntries(components) }
}

type Running = Parameters<typeof timed>[0]

/** Runs until everything is compiled, and says how many calls a round takes. */
async function warm(inspector: Session, run: Running): Promise<number> {
  const began = performance.now()
  let calls = 0
  while (performance.now() - began < 5 * ROUND_MS) {
    await sampled(inspector, run, 1000)
    calls += 1000
  }
  return Math.ceil(calls / 5)
}

async function sampled(inspector: Session, run: Running, calls: number): Promise<Frames> {
  await inspector.post('Profiler.start')
  await timed(run, calls)
  return (await inspector.post('Profiler.stop')).profile
}

/** Shares of one round, in microseconds of `time`. */
function scaled(samples: ReadonlyMap<string, number>, time: number): Record<string, number> {
  const sum = [...samples.values()].reduce((total, count) => total + count, 0)
  return Object.fromEntries([...samples].map(([name, count]) => [name, digits((count / sum) * time)]))
}
