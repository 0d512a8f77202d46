import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../repo/bin/bundle.mjs'
import type { SelfCheck } from '../src/check.ts'
import type { Total } from '../src/examine.ts'
import { families } from '../src/families.ts'
import { limits } from '../src/limits.ts'
import { seeded } from '../src/seeds.ts'

const MINUTES = 60_000

let program: string
let check: SelfCheck

/** The explorer replaces the timers of its process, so it has one of its own. */
async function explorer<T>(...args: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)('node', [program, ...args], { maxBuffer: 1e8 })
  // It prints what the caller asked for.
  return JSON.parse(stdout) as T
}

beforeAll(async () => {
  program = await bundle(import.meta.url, ['esbuild'])
  check = await explorer('--check')
}, 5 * MINUTES)

describe('the real manager', () => {
  // `npm run explore` goes through all of them.
  test(
    'a share of every family breaks no rule',
    async () => {
      const { results } = await explorer<{ results: { family: string; total: Total }[] }>('--quick', '--json')
      expect(results.map(({ family }) => family)).toEqual(families.map(({ name }) => name))
      for (const { total } of results) {
        expect(total.violations).toEqual([])
        expect(total.scenarios).toBeGreaterThan(0)
      }
    },
    10 * MINUTES,
  )
})

describe('declared limits', () => {
  test.each(limits.map(({ rule }, index) => [rule, index] as const))('%s', (rule, index) => {
    expect(check.limits[index]?.broken).toEqual([rule])
  })
})

describe('seeded faults', () => {
  test('there are at least twelve', () => {
    expect(seeded.length).toBeGreaterThanOrEqual(12)
  })

  test.each(seeded.map(({ seed, rule }, index) => [seed.name, rule, index] as const))('%s: %s', (_, rule, index) => {
    expect(check.seeds[index]?.without).not.toContain(rule)
    expect(check.seeds[index]?.broken).toContain(rule)
    // The moves that are printed with a violation lead to it again.
    expect(check.seeds[index]?.again).toContain(rule)
  })
})

test('a manager that does not do the same when it is told the same is not believed', () => {
  expect(check.unsteady).toContain('the same history led to another place')
})

describe('docs/proof.md', () => {
  const docs = new URL('../../../docs/', import.meta.url)
  // As `npm run explore -- --json` prints it, family by family.
  const figures = JSON.parse(readFileSync(new URL('benchmarks/explore.json', docs), 'utf8')) as {
    readonly results: readonly { readonly family: string; readonly total: Total }[]
  }
  const page = readFileSync(new URL('proof.md', docs), 'utf8')

  test('has the figures of every family, gone through to its end', () => {
    const ended = figures.results.map(({ family, total }) => [family, total.scenarios])
    expect(ended).toEqual(families.map(({ name, scenarios }) => [name, scenarios.length]))
    for (const { family, total } of figures.results) {
      const { scenarios, states, transitions, ends, violations } = total
      const cells = [scenarios, states, transitions, ends, violations.length].map(grouped)
      expect(page).toContain(`| ${[family, ...cells].join(' | ')} |`)
    }
  })

  test('met no limit but the declared ones', () => {
    const met = new Set(figures.results.flatMap(({ total }) => Object.keys(total.limits)))
    expect(limits.map(({ rule }) => rule)).toEqual(expect.arrayContaining([...met]))
  })
})

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ' ')
}
