import type { Violation } from './monitor.ts'
import { type Move, Run } from './run.ts'
import type { Scenario } from './scenario.ts'
import type { Timers } from './timers.ts'
import type { Core, World } from './world.ts'

/** What going through a scenario has shown. */
export interface Report {
  /** Runs from the beginning, finished or cut short at a state seen before. */
  readonly runs: number
  readonly states: number
  readonly transitions: number
  /** Each rule that was broken, with the first run that broke it. */
  readonly broken: ReadonlyMap<string, Broken>
}

/** A violation and the moves that lead to it: {@link replay} takes them. */
export interface Broken extends Violation {
  readonly trace: readonly string[]
  readonly path: readonly number[]
}

interface Taken {
  index: number
  readonly count: number
}

/**
 * Goes through every order of a scenario, depth first. Each run starts anew and follows the choices made so far; one that
 * reaches a state seen before is cut short, for all that can follow has been tried.
 */
export async function explore(core: Core, scenario: Scenario, world: World, timers: Timers): Promise<Report> {
  const seen = new Set<string>()
  const broken = new Map<string, Broken>()
  let runs = 0
  let transitions = 0
  let path: number[] = []
  for (;;) {
    runs += 1
    const { taken, trace, violations, moved } = await one(core, scenario, world, timers, path, seen)
    transitions += moved
    for (const violation of violations) {
      if (broken.has(violation.rule)) continue
      broken.set(violation.rule, { ...violation, trace, path: taken.map(({ index }) => index) })
    }
    while (taken.length > 0 && isLast(taken.at(-1) as Taken)) taken.pop()
    if (taken.length === 0) return { runs, states: seen.size, transitions, broken }
    path = taken.map(({ index }) => index)
    path[path.length - 1] = (path.at(-1) as number) + 1
  }
}

/** Runs one order again and returns what it broke. */
export async function replay(
  core: Core,
  scenario: Scenario,
  world: World,
  timers: Timers,
  path: readonly number[],
): Promise<readonly Violation[]> {
  return (await one(core, scenario, world, timers, path, new Set())).violations
}

interface One {
  readonly taken: Taken[]
  readonly trace: readonly string[]
  readonly violations: readonly Violation[]
  readonly moved: number
}

async function one(
  core: Core,
  scenario: Scenario,
  world: World,
  timers: Timers,
  path: readonly number[],
  seen: Set<string>,
): Promise<One> {
  timers.clear()
  const run = new Run(core, scenario, world, timers)
  const taken: Taken[] = []
  const trace: string[] = []
  for (;;) {
    const moves = run.moves()
    if (moves.length === 0) break
    const depth = taken.length
    if (depth >= path.length) {
      const key = run.key()
      if (seen.has(key)) return { taken, trace, violations: run.violations, moved: depth - path.length }
      seen.add(key)
    }
    const index = path[depth] ?? 0
    const move = moves[index] as Move // the path was made from earlier counts
    taken.push({ index, count: moves.length })
    trace.push(move.label)
    run.take(move)
    await quiet()
  }
  await run.finish(core)
  return { taken, trace, violations: run.violations, moved: taken.length - path.length + 1 }
}

function isLast({ index, count }: Taken): boolean {
  return index + 1 >= count
}

/** Resolves when every promise that can go on has done so: nothing here waits for anything but us. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
