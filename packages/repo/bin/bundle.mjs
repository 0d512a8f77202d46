// A private package's program as one file, because Node 20 runs no TypeScript.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles `src/main.ts` of a package; returns the path of the program.
 *
 * @param {string} bin `import.meta.url` of a script in the package's `bin`
 * @param {string[]} [external] packages that stay outside
 */
export async function bundle(bin, external = []) {
  const folder = path.dirname(path.dirname(fileURLToPath(bin)))
  const outfile = path.join(folder, 'dist/main.mjs')
  await build({
    entryPoints: [path.join(folder, 'src/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@sess/source', 'module', 'node'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    external,
    sourcemap: true,
    logLevel: 'error',
  })
  return outfile
}
