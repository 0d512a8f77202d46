import { Behaviours } from './behaviour.ts'
import { type Broken, explore, type Replayed, type Report, replay } from './explore.ts'
import { nameOf, type Scenario } from './scenario.ts'
import { begin, type Core } from './world.ts'

/** Goes through one scenario in every order. `behaviours` may know some of it from others. */
export async function examine(
  core: Core,
  scenario: Scenario,
  behaviours: Behaviours = new Behaviours(core),
): Promise<Report> {
  behaviours.tidy()
  return explore(behaviours, scenario, await begin(core, scenario.from))
}

/** Takes the moves of a path through a scenario again. */
export async function again(core: Core, scenario: Scenario, path: readonly number[]): Promise<readonly Replayed[]> {
  return replay(new Behaviours(core), scenario, await begin(core, scenario.from), path)
}

/** Several scenarios together. */
export interface Total {
  readonly scenarios: number
  /** Different ends that they come to. */
  readonly ends: number
  readonly states: number
  readonly transitions: number
  /** How many scenarios met each declared limit. */
  readonly limits: Readonly<Record<string, number>>
  /** Everything else that was broken: nothing, if the library is right. */
  readonly violations: readonly Finding[]
}

/** A violation, the scenario it happened in, and the moves that lead to it. */
export interface Finding extends Broken {
  readonly scenario: string
  /** Its number in its family. */
  readonly number: number
}

/** Goes through scenarios, each with its number, one after the other. `progress` is called after each. */
export async function examineAll(
  core: Core,
  scenarios: Iterable<readonly [number: number, scenario: Scenario]>,
  progress: () => void,
): Promise<Total> {
  let total: Total = { scenarios: 0, ends: 0, states: 0, transitions: 0, limits: {}, violations: [] }
  const behaviours = new Behaviours(core)
  for (const [number, scenario] of scenarios) {
    total = add(total, summary(number, scenario, await examine(core, scenario, behaviours)))
    progress()
  }
  return total
}

export function add(one: Total, other: Total): Total {
  const limits = { ...one.limits }
  for (const [rule, count] of Object.entries(other.limits)) limits[rule] = (limits[rule] ?? 0) + count
  return {
    scenarios: one.scenarios + other.scenarios,
    ends: one.ends + other.ends,
    states: one.states + other.states,
    transitions: one.transitions + other.transitions,
    limits,
    violations: [...one.violations, ...other.violations],
  }
}

function summary(number: number, scenario: Scenario, { ends, states, transitions, broken }: Report): Total {
  const declared = [...broken.keys()].filter((rule) => rule.startsWith('limit: '))
  const others = [...broken.values()].filter(({ rule }) => !rule.startsWith('limit: '))
  return {
    scenarios: 1,
    ends,
    states,
    transitions,
    limits: Object.fromEntries(declared.map((rule) => [rule, 1])),
    violations: others.map((each) => ({ ...each, scenario: nameOf(scenario), number })),
  }
}
