import { beforeAll, describe, expect, test } from 'vitest'
import { loadCore } from '../src/core.ts'
import { examine, examineAll } from '../src/examine.ts'
import { families } from '../src/families.ts'
import { limits } from '../src/limits.ts'
import { nameOf } from '../src/scenario.ts'
import { seeded } from '../src/seeds.ts'
import type { Core } from '../src/world.ts'

let core: Core

beforeAll(async () => {
  core = await loadCore()
})

describe('the real manager', () => {
  // `npm run explore` goes through all of them.
  test.each(families.map(({ name, scenarios }) => [name, scenarios] as const))(
    '%s: a share of the scenarios',
    async (_, all) => {
      const step = Math.ceil(all.length / 60)
      const share = all.filter((_, index) => index % step === Math.floor(step / 2))
      const { scenarios, violations } = await examineAll(core, share)
      expect(violations).toEqual([])
      expect(scenarios).toBe(share.length)
    },
  )
})

describe('declared limits', () => {
  test.each(limits.map(({ rule, scenario }) => [rule, nameOf(scenario), scenario] as const))(
    '%s: %s',
    async (rule, _, scenario) => {
      const { broken } = await examine(core, scenario)
      expect([...broken.keys()]).toEqual([rule])
    },
  )
})

describe('seeded faults', () => {
  test('there are at least twelve', () => {
    expect(seeded.length).toBeGreaterThanOrEqual(12)
  })

  test.each(seeded.map((each) => [each.seed.name, each] as const))('%s', async (_, { seed, scenario, rule }) => {
    expect([...(await examine(core, scenario)).broken.keys()]).not.toContain(rule)
    const { broken } = await examine(await loadCore(seed), scenario)
    expect([...broken.keys()]).toContain(rule)
    expect(broken.get(rule)?.trace).not.toEqual([])
  })
})
