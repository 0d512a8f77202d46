// The fuzzer as one file, because Node 20 runs no TypeScript.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const local = (/** @type {string} */ file) => fileURLToPath(new URL(`../${file}`, import.meta.url))

/** Bundles the sources; returns the path of the program. */
export async function bundle() {
  const outfile = local('dist/main.mjs')
  await build({
    entryPoints: [local('src/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@sess/source', 'module', 'node'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    sourcemap: true,
    logLevel: 'error',
  })
  return outfile
}
