import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { preset } from '../../vitest.preset.ts'
import { groups } from './bin/groups.mjs'

const { tests = [] } = groups[process.env.MUTATE ?? ''] ?? {}
const without = process.env.MUTATE_WITHOUT?.split(',') ?? []
const inCore = (file: string) => path.posix.join('packages/core', file)
/** The core that is broken, for packages that would find the one that is installed. */
const core = fileURLToPath(new URL('../core/src/', import.meta.url))
const longest = new Map<string, number>()

/** First the file that noticed the mutant before, which is often the neighbour; then the quick ones. */
class QuickestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const cost = new Map(files.map((file) => [file, this.cost(file)]))
    return Promise.resolve(files.toSorted((a, b) => Number(cost.get(a)) - Number(cost.get(b))))
  }

  private cost({ project, moduleId }: TestSpecification): number {
    const key = `${project.name}:${path.relative(this.ctx.config.root, moduleId)}`
    const last = this.ctx.cache.getFileTestResults(key)
    // A file that was left out, since another one had failed, took no time.
    const duration = Math.max(last?.duration ?? 0, longest.get(key) ?? 0)
    longest.set(key, duration)
    return last?.failed ? -1 : duration
  }
}

/** The core's tests as the mutants meet them: those of one group, properties with fewer runs, no types. */
export default defineConfig({
  ...preset({
    include: tests.filter((file) => !file.startsWith('!')).map(inCore),
    exclude: [
      ...tests.filter((file) => file.startsWith('!')).map((file) => inCore(file.slice(1))),
      ...without.map(inCore),
      // It reads the source text, which the mutants have changed.
      '**/lifecycle-page.test.ts',
    ],
    isolate: false,
    sequence: { sequencer: QuickestFirst },
    testTimeout: 6_000,
    typecheck: { enabled: false },
    env: { PROPERTY_RUNS: '300' },
  }),
  resolve: {
    alias: [
      { find: /^@sess\/core$/, replacement: `${core}index.ts` },
      { find: /^@sess\/core\/(http|kernel|store)$/, replacement: `${core}$1.ts` },
    ],
  },
})
