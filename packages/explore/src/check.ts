import { loadCore } from './core.ts'
import { again, examine } from './examine.ts'
import { limits } from './limits.ts'
import { nameOf } from './scenario.ts'
import { seeded, unsteady } from './seeds.ts'

/** Whether the explorer sees what it has to see. */
export interface SelfCheck {
  /** Each declared limit, and everything that its scenario broke. */
  readonly limits: readonly { readonly rule: string; readonly scenario: string; readonly broken: readonly string[] }[]
  /** Each seeded fault, what its scenario broke without and with it, and what the moves to its violation break again. */
  readonly seeds: readonly {
    readonly name: string
    readonly rule: string
    readonly without: readonly string[]
    readonly broken: readonly string[]
    readonly again: readonly string[]
  }[]
  /** What is said about a manager that does not do the same when it is told the same. */
  readonly unsteady: string
}

/** Goes through the scenarios of the declared limits and of the seeded faults. */
export async function checkItself(): Promise<SelfCheck> {
  console.warn = () => {}
  const core = await loadCore()
  const met: SelfCheck['limits'][number][] = []
  for (const { rule, scenario } of limits) {
    met.push({ rule, scenario: nameOf(scenario), broken: [...(await examine(core, scenario)).broken.keys()] })
  }
  const caught: SelfCheck['seeds'][number][] = []
  for (const { seed, scenario, rule } of seeded) {
    const without = [...(await examine(core, scenario)).broken.keys()]
    const sown = await loadCore(seed)
    const { broken } = await examine(sown, scenario)
    const replayed = await again(sown, scenario, broken.get(rule)?.path ?? [])
    const rules = replayed.flatMap(({ violations }) => violations.map((violation) => violation.rule))
    caught.push({ name: seed.name, rule, without, broken: [...broken.keys()], again: rules })
  }
  const told = await examine(await loadCore(unsteady.seed), unsteady.scenario).then(() => 'nothing', String)
  return { limits: met, seeds: caught, unsteady: told }
}
