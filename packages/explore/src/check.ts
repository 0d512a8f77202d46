import { loadCore } from './core.ts'
import { examine } from './examine.ts'
import { limits } from './limits.ts'
import { nameOf } from './scenario.ts'
import { seeded } from './seeds.ts'

/** Whether the explorer sees what it has to see. */
export interface SelfCheck {
  /** Each declared limit, and everything that its scenario broke. */
  readonly limits: readonly { readonly rule: string; readonly scenario: string; readonly broken: readonly string[] }[]
  /** Each seeded fault, and what its scenario broke without and with it. */
  readonly seeds: readonly {
    readonly name: string
    readonly rule: string
    readonly without: readonly string[]
    readonly broken: readonly string[]
  }[]
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
    const broken = [...(await examine(await loadCore(seed), scenario)).broken.keys()]
    caught.push({ name: seed.name, rule, without, broken })
  }
  return { limits: met, seeds: caught }
}
