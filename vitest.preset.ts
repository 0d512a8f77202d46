import { fileURLToPath } from 'node:url'
import type { UserWorkspaceConfig } from 'vitest/config'
import type { Kind } from './packages/services/src/start.ts'

/** Workspace packages resolve to their sources, so that tests need no build. */
const conditions = ['@sess/source', 'module', 'node', 'development|production']

/** What every package's vitest.config.ts starts from; `test` adds to it. */
export const preset = (test: UserWorkspaceConfig['test'] = {}): UserWorkspaceConfig => ({
  ssr: { resolve: { conditions } },
  test: {
    testTimeout: 90_000,
    hookTimeout: 120_000,
    include: ['test/**/*.test.ts'],
    benchmark: { include: ['test/**/*.bench.ts'] },
    ...test,
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], ignoreSourceErrors: true, ...test.typecheck },
  },
})

/** For `preset()`: the servers that a package's tests need; they are started only when its tests run. */
export const services = (...wantedServices: readonly Kind[]): NonNullable<UserWorkspaceConfig['test']> => ({
  globalSetup: fileURLToPath(new URL('./packages/services/src/setup.ts', import.meta.url)),
  provide: { wantedServices },
})
