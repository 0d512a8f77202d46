// npm run bench: installs the libraries that sess is measured against, bundles the benchmark and runs it. Arguments go to it:
//   --quick (a look: small sizes, few rounds)  --rounds 11  --ms 20 (CPU time of a cell per round)  --json
//   --only cells,profile,counts,throughput,memory,expiry,bundle (some parts)  --only koa (some libraries or frameworks)
import { fileURLToPath } from 'node:url'
import { bootstrap } from '../../repo/bin/bootstrap.mjs'
import { manifest, run } from '../../repo/bin/workspace.mjs'

const local = (/** @type {string} */ file) => fileURLToPath(new URL(`../${file}`, import.meta.url))

/** The peers have a lockfile of their own, so that nobody else has to install them. */
async function installPeers() {
  const pnpm = manifest('.').packageManager ?? 'pnpm'
  const args = [
    '--yes',
    pnpm,
    '-C',
    local('peers'),
    'install',
    '--ignore-workspace',
    '--frozen-lockfile',
    '--prefer-offline',
  ]
  return (await run('npx', args, { quiet: true, env: { CI: 'true' } })) === 0
}

async function bundle() {
  const { build } = await import('esbuild')
  const entries = { 'speed/main': local('src/speed/main.ts'), 'speed/plot': local('src/speed/plot.ts') }
  await build({
    entryPoints: { ...entries, 'speed/keeper': local('../services/src/keeper.mjs') },
    outdir: local('dist'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@sess/source'],
    // What is bundled has CommonJS in it.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    external: ['esbuild'],
    sourcemap: true,
    logLevel: 'error',
  })
}

const [program = 'main', ...rest] =
  process.argv[2] === 'plot' ? process.argv.slice(2) : ['main', ...process.argv.slice(2)]
// With --json, nothing else may come out.
console.log = console.error
if ((await bootstrap()) && (await installPeers())) {
  await bundle()
  const args = ['--enable-source-maps', local(`dist/speed/${program}.mjs`), ...rest]
  process.exitCode = await run('node', args, { env: { NODE_ENV: 'production' } })
} else {
  process.exitCode = 1
}
