import { type Broken, explore, type Report } from './explore.ts'
import { nameOf, type Scenario } from './scenario.ts'
import { Timers } from './timers.ts'
import { begin, type Core } from './world.ts'

const timers = new Timers()

/** Goes through one scenario in every order, on virtual timers. */
export async function examine(core: Core, scenario: Scenario): Promise<Report> {
  const world = await begin(core, scenario.from)
  const restore = timers.install()
  try {
    return await explore(core, scenario, world, timers)
  } finally {
    restore()
  }
}

/** Several scenarios together. */
export interface Total {
  readonly scenarios: number
  readonly runs: number
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
}

/** Goes through many scenarios, one after the other. `progress` is called after each. */
export async function examineAll(
  core: Core,
  scenarios: Iterable<Scenario>,
  progress: () => void = () => {},
): Promise<Total> {
  let total: Total = { scenarios: 0, runs: 0, states: 0, transitions: 0, limits: {}, violations: [] }
  for (const scenario of scenarios) {
    total = add(total, summary(scenario, await examine(core, scenario)))
    progress()
  }
  return total
}

export function add(one: Total, other: Total): Total {
  const limits = { ...one.limits }
  for (const [rule, count] of Object.entries(other.limits)) limits[rule] = (limits[rule] ?? 0) + count
  return {
    scenarios: one.scenarios + other.scenarios,
    runs: one.runs + other.runs,
    states: one.states + other.states,
    transitions: one.transitions + other.transitions,
    limits,
    violations: [...one.violations, ...other.violations],
  }
}

function summary(scenario: Scenario, { runs, states, transitions, broken }: Report): Total {
  const declared = [...broken.keys()].filter((rule) => rule.startsWith('limit: '))
  const others = [...broken.values()].filter(({ rule }) => !rule.startsWith('limit: '))
  return {
    scenarios: 1,
    runs,
    states,
    transitions,
    limits: Object.fromEntries(declared.map((rule) => [rule, 1])),
    violations: others.map((each) => ({ ...each, scenario: nameOf(scenario) })),
  }
}
