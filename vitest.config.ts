import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Servers are killed and frozen there, and time is measured: `npm run faults`.
    projects: [`packages/${process.env.FAULTS ? '*' : '!(faults)'}/vitest.config.ts`, 'examples/*/vitest.config.ts'],
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.d.ts'],
      reporter: ['text-summary', 'lcov'],
      thresholds: {
        'packages/core/src/kernel/**': { branches: 100 },
        'packages/core/src/manager/**': { branches: 100 },
      },
    },
  },
})
