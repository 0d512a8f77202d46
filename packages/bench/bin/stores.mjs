// npm run bench:stores: installs and bundles what the benchmark needs, then runs it. Arguments go to it:
//   --sizes 10k,100k,1M  --stores redis,postgres,mysql,sqlite  --rounds 7  --json
//   --update: docs/stores.md and docs/benchmarks/stores.json get the numbers
import { fileURLToPath } from 'node:url'
import { bootstrap } from '../../repo/bin/bootstrap.mjs'
import { run } from '../../repo/bin/workspace.mjs'

const local = (/** @type {string} */ file) => fileURLToPath(new URL(`../${file}`, import.meta.url))

/** One bundle of the sources, because Node 20 runs no TypeScript. What ends forgotten servers lies beside it. */
async function bundle() {
  const { build } = await import('tsup')
  await build({
    entry: { stores: local('src/stores.ts'), keeper: local('../services/src/keeper.mjs') },
    outDir: local('dist'),
    outExtension: () => ({ js: '.mjs' }),
    format: ['esm'],
    target: 'node20',
    noExternal: [/^@sess\//],
    external: ['libsql', 'mysql2', 'pg', 'redis'],
    sourcemap: true,
    config: false,
    silent: true,
    esbuildOptions: (options) => {
      options.conditions = ['@sess/source']
    },
  })
}

// With --json, nothing else may come out.
console.log = console.error
if (await bootstrap()) {
  await bundle()
  process.exitCode = await run('node', ['--enable-source-maps', local('dist/stores.mjs'), ...process.argv.slice(2)])
} else {
  process.exitCode = 1
}
