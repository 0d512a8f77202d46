// What is mutated, and the tests of the core that have to notice. Paths are relative to packages/core.

/** @typedef {{ sources: string[], tests: string[] }} Group */

/** @type {Readonly<Record<string, Group>>} */
export const groups = {
  kernel: { sources: ['src/kernel/*.ts'], tests: ['test/kernel/*.test.ts'] },
  token: {
    sources: ['src/crypto/*.ts', '!src/crypto/digest-*.ts'],
    tests: [
      'test/crypto/*.test.ts',
      'test/manager/credential.test.ts',
      'test/manager/fingerprint.test.ts',
      'test/http/describe.test.ts',
      'test/upgrade/*.test.ts',
    ],
  },
  cookie: {
    sources: ['src/http/cookie.ts'],
    tests: ['test/http/cookie.test.ts', 'test/http/cookie-shapes.test.ts', 'test/http/scan.test.ts'],
  },
  csrf: {
    sources: ['src/http/csrf/*.ts'],
    tests: [
      'test/http/csrf*.test.ts',
      'test/http/{form-token,write-cookie,describe,headers,cookie-shapes}.test.ts',
      '../mutate/cases/csrf.ts',
    ],
  },
  manager: {
    sources: ['src/manager/*.ts'],
    tests: [
      'test/manager/*.test.ts',
      'test/data/{migration,shape}.test.ts',
      'test/http/{describe,facts,headers,client-changes}.test.ts',
      // They find what nobody thought of, and take too long to be asked about every mutant.
      '!test/manager/*.property.test.ts',
    ],
  },
}
