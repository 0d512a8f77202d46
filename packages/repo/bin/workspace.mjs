// What the scripts of this folder share. Plain Node >= 20.19, nothing installed yet.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** @typedef {{ name: string, version: string, private?: boolean, packageManager?: string, main?: string }} Manifest */

/** @param {string} folder relative to the root @returns {Manifest} */
export const manifest = (folder) => JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'))

/** Folders of all workspace packages, relative to the root. */
export const folders = () =>
  ['packages', 'examples'].flatMap((parent) =>
    readdirSync(path.join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${parent}/${entry.name}`)
      .filter((folder) => readdirSync(path.join(root, folder)).includes('package.json')),
  )

const environment = {
  ...process.env,
  PATH: [path.join(root, 'node_modules', '.bin'), process.env.PATH].join(path.delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
}

/** The variable CI, read as people set it. */
export const inCI = !['', '0', 'false', undefined].includes(process.env.CI)

/**
 * Runs a command in the root and answers its exit code; `quiet` keeps its output back unless it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ quiet?: boolean, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>}
 */
export function run(command, args, { quiet = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: process.platform === 'win32',
    })
    /** @type {Buffer[]} */
    const output = []
    child.stdout?.on('data', (chunk) => output.push(chunk))
    child.stderr?.on('data', (chunk) => output.push(chunk))
    // Ctrl-C reaches the child too: it may end in its own way, then so do we.
    let interrupted = false
    const interrupt = () => {
      interrupted = true
    }
    process.on('SIGINT', interrupt)
    const forward = () => child.kill('SIGTERM')
    process.on('SIGTERM', forward)
    const done = (/** @type {number} */ code) => {
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', forward)
      if (code !== 0 && quiet) process.stdout.write(Buffer.concat(output))
      resolve(code)
    }
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`)
      done(127)
    })
    child.on('close', (code, signal) => {
      if (interrupted || signal === 'SIGINT') process.exit(130)
      done(code ?? 1)
    })
  })
}

/** @param {string} url of a module @returns {boolean} whether node was started with it */
export const isMain = (url) => process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(url)
