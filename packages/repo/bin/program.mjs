import { bootstrap } from './bootstrap.mjs'
import { run } from './workspace.mjs'

/**
 * Installs what is missing, bundles a private package's program and runs it with the arguments of this process.
 *
 * @param {string} bin `import.meta.url` of a script in the package's `bin`
 * @param {string[]} [external] packages that stay outside of the bundle
 */
export async function runProgram(bin, external = []) {
  process.exitCode = 1
  if (!(await bootstrap())) return
  const { bundle } = await import('./bundle.mjs')
  const program = await bundle(bin, external)
  process.exitCode = await run('node', ['--enable-source-maps', program, ...process.argv.slice(2)])
}
