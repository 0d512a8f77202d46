// What is mutated, and the tests of the core that have to notice. Paths are relative to packages/core.

/** @typedef {{ sources: string[], tests: string[] }} Group */

/** @type {Readonly<Record<string, Group>>} */
export const groups = {
  kernel: { sources: ['src/kernel/*.ts'], tests: ['test/kernel/*.test.ts'] },
  crypto: {
    sources: ['src/crypto/*.ts', 'src/http/cookie.ts'],
    tests: ['test/crypto/*.test.ts', 'test/http/cookie.test.ts', 'test/http/scan.test.ts', 'test/http/facts.test.ts'],
  },
  manager: { sources: ['src/manager/*.ts'], tests: ['test/manager/*.test.ts'] },
}
