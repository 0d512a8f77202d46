// npm run explore: bundles the explorer and runs it. Arguments go to it:
//   --every 10 (each tenth scenario)  --only "2 requests" (a family)  --workers 2  --json
import { fileURLToPath } from 'node:url'
import { bootstrap } from '../../repo/bin/bootstrap.mjs'
import { run } from '../../repo/bin/workspace.mjs'

const local = (/** @type {string} */ file) => fileURLToPath(new URL(`../${file}`, import.meta.url))

if (await bootstrap()) {
  const { build } = await import('esbuild')
  await build({
    entryPoints: [local('src/main.ts')],
    outfile: local('dist/main.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['esbuild'],
    sourcemap: true,
    logLevel: 'error',
  })
  process.exitCode = await run('node', ['--enable-source-maps', local('dist/main.mjs'), ...process.argv.slice(2)])
} else {
  process.exitCode = 1
}
