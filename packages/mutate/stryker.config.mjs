// One group of packages/mutate/bin/groups.mjs, named by the variable MUTATE. Runs in the root of the repository.
import { fileURLToPath } from 'node:url'
import { groups } from './bin/groups.mjs'

const name = process.env.MUTATE ?? 'kernel'
const only = process.env.MUTATE_ONLY
const reports = 'packages/mutate/dist'

/** @type {Record<string, unknown>} */
export default {
  plugins: [fileURLToPath(import.meta.resolve('@stryker-mutator/vitest-runner'))],
  testRunner: 'vitest',
  vitest: { configFile: 'packages/mutate/vitest.mutants.config.ts', related: false },
  ignorePatterns: [
    '**',
    '!package.json',
    '!tsconfig.base.json',
    '!vitest.preset.ts',
    '!packages/core/*.json',
    '!packages/core/src/**',
    '!packages/core/test/**',
    '!packages/testkit/*.json',
    '!packages/testkit/src/**',
    '!packages/testkit/test/*.ts',
    '!packages/mutate/*.ts',
    '!packages/mutate/{bin,cases}/**',
  ],
  mutate:
    only === undefined ? groups[name]?.sources.map((file) => file.replace(/^!?/, '$&packages/core/')) : only.split(','),
  coverageAnalysis: 'perTest',
  disableTypeChecks: false,
  concurrency: Number(process.env.MUTATE_WORKERS ?? 2),
  timeoutMS: 10_000,
  incremental: true,
  incrementalFile: `${reports}/${name}.incremental.json`,
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `${reports}/${name}.json` },
  tempDirName: '.stryker-tmp',
  thresholds: { high: 100, low: 95, break: null },
}
