import { Session } from 'node:inspector/promises'
import { type Cell, cellsOf, ourSubject } from './cells.ts'
import { type CallTree, componentsOf } from './components.ts'
import { digits, type Spread, spread, timed } from './rounds.ts'
import type { FrameworkName } from './subject.ts'

/** Where the CPU time of a read goes: microseconds per request, in all and by component. */
export interface Profiled {
  readonly framework: FrameworkName
  readonly all: Spread
  readonly components: Readonly<Record<string, Spread>>
}

/** Microseconds between two looks of the profiler. */
const INTERVAL = 100
/** Milliseconds of a round; it is gone through twice. */
const ROUND = 400
/** Rounds that pass before the first one counts. */
const WARM = 5

/**
 * Profiles reads of 100 B in the memory store; for a process that does nothing else. Each round gets the time of so many requests,
 * and then, from Node's sampling profiler, which slows them down, the shares of as many.
 */
export async function profile(framework: FrameworkName, rounds: number): Promise<Profiled> {
  const cells = await cellsOf(await ourSubject(framework))
  const read = cells.find(({ request, bytes }) => request === 'read' && bytes === 100) as Cell // there is one
  const requests = { cell: read, next: 0 }
  const profiler = new Session()
  profiler.connect()
  await profiler.post('Profiler.enable')
  await profiler.post('Profiler.setSamplingInterval', { interval: INTERVAL })
  const count = await warmUp(profiler, requests)
  const all: number[] = []
  const parts: Record<string, number>[] = []
  while (all.length < rounds) {
    const { cpu } = await timed(requests, count)
    all.push(cpu)
    parts.push(shared(cpu, componentsOf(await sampled(profiler, requests, count))))
  }
  profiler.disconnect()
  const names = new Set(parts.flatMap((round) => Object.keys(round)))
  const components = [...names].map((name) => [name, spread(parts.map((round) => round[name] ?? 0))])
  return { framework, all: spread(all), components: Object.fromEntries(components) }
}

type Requests = Parameters<typeof timed>[0]

/** Until everything is compiled, with the profiler on: then it is known what was inlined where. Returns the requests of a round. */
async function warmUp(profiler: Session, requests: Requests): Promise<number> {
  const began = performance.now()
  while (performance.now() - began < WARM * ROUND) await sampled(profiler, requests, 1000)
  return Math.ceil(requests.next / WARM)
}

async function sampled(profiler: Session, requests: Requests, count: number): Promise<CallTree> {
  await profiler.post('Profiler.start')
  await timed(requests, count)
  return (await profiler.post('Profiler.stop')).profile
}

/** A time, divided as it was seen. */
function shared(time: number, seen: ReadonlyMap<string, number>): Record<string, number> {
  const sum = [...seen.values()].reduce((total, count) => total + count, 0)
  return Object.fromEntries([...seen].map(([name, count]) => [name, digits((count / sum) * time)]))
}
