import type { Options } from 'tsup'

export const preset = (over: Options = {}): Options => ({
  entry: ['src/index.ts'],
  format: ['esm'],
  target: 'node20',
  // tsc writes the declarations (tsconfig.build.json): far faster than tsup's own way.
  dts: false,
  sourcemap: true,
  clean: true,
  treeshake: true,
  silent: true,
  ...over,
})
