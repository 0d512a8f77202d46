import { defineConfig } from 'vitest/config'
import { preset } from '../../vitest.preset.ts'
import { groups } from './bin/groups.mjs'

const { tests = [] } = groups[process.env.MUTATE ?? ''] ?? {}

/** The core's tests as the mutants meet them: those of one group, properties with fewer runs, no types. */
export default defineConfig(
  preset({
    include: tests.map((file) => `packages/core/${file}`),
    // It reads the source text, which the mutants have changed.
    exclude: ['**/lifecycle-page.test.ts'],
    testTimeout: 20_000,
    typecheck: { enabled: false },
    env: { PROPERTY_RUNS: '300' },
  }),
)
