import type { Behaviours } from './behaviour.ts'
import type { Violation } from './monitor.ts'
import { type Move, Run } from './run.ts'
import type { Scenario } from './scenario.ts'
import { beginning } from './state.ts'
import type { World } from './world.ts'

/** What going through a scenario has shown. */
export interface Report {
  /** How many different ends it comes to. */
  readonly ends: number
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

/** A move taken again, or the end. */
export interface Replayed {
  readonly label: string
  readonly violations: readonly Violation[]
}

/** A state on the way, and which of its moves comes next. */
interface Step {
  readonly run: Run
  readonly moves: readonly Move[]
  next: number
}

/** Goes through every order of a scenario, depth first, and turns back at a state seen before: all that can follow was tried. */
export async function explore(behaviours: Behaviours, scenario: Scenario, world: World): Promise<Report> {
  const broken = new Map<string, Broken>()
  const path: Step[] = []
  const note = (violations: readonly Violation[]) => {
    for (const violation of violations) {
      if (!broken.has(violation.rule)) broken.set(violation.rule, { ...violation, ...told(path) })
    }
  }
  const first = new Run(behaviours, scenario, beginning(scenario, world, behaviours))
  const seen = new Set([first.key()])
  path.push({ run: first, moves: first.moves(), next: 0 })
  let transitions = 0
  let ends = 0
  for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
    const move = step.moves[step.next]
    if (move === undefined) {
      path.pop()
      continue
    }
    step.next += 1
    transitions += 1
    const run = await step.run.after(move)
    note(run.violations)
    const key = run.key()
    if (seen.has(key)) continue
    seen.add(key)
    const moves = run.moves()
    if (moves.length > 0) {
      path.push({ run, moves, next: 0 })
      continue
    }
    ends += 1
    await run.finish()
    note(run.violations)
  }
  return { ends, states: seen.size, transitions, broken }
}

/** Takes the moves of a path again, and returns each with what it broke. */
export async function replay(
  behaviours: Behaviours,
  scenario: Scenario,
  world: World,
  path: readonly number[],
): Promise<readonly Replayed[]> {
  const replayed: Replayed[] = []
  let run = new Run(behaviours, scenario, beginning(scenario, world, behaviours))
  for (const index of path) {
    const move = run.moves()[index] as Move // the path was made of moves there were
    run = await run.after(move)
    replayed.push({ label: move.label, violations: run.violations })
  }
  if (run.moves().length > 0) return replayed
  const before = run.violations.length
  await run.finish()
  return [...replayed, { label: 'everybody is done', violations: run.violations.slice(before) }]
}

function told(path: readonly Step[]): Pick<Broken, 'trace' | 'path'> {
  const taken = path.map(({ next }) => next - 1)
  return { trace: path.map(({ moves }, index) => moves[taken[index] as number]?.label ?? ''), path: taken }
}
