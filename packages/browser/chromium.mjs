// Finds Chromium; where it is missing and this is Debian or Ubuntu as root, installs the distribution's package.
// Alone: `node packages/browser/chromium.mjs` prints the path.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @returns {string | undefined} the executable: CHROMIUM_PATH, or the first on PATH */
export function findChromium() {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  const candidates = folders.flatMap((folder) => names.map((name) => path.join(folder, name)))
  return [process.env.CHROMIUM_PATH, ...candidates].find((file) => file && isExecutable(file))
}

/** @returns {string | undefined} why it cannot be installed, or nothing when it was */
function install() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'needs root on Debian or Ubuntu, or CHROMIUM_PATH'
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    const { status, error, stderr } = spawnSync('apt-get', args, {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    if (error) return error.message
    if (status !== 0 && args[0] === 'install') return stderr.trim().split('\n').at(-1)
  }
  return undefined
}

/** @returns {{ path: string } | { missing: string }} */
export function ensureChromium() {
  const found = findChromium()
  if (found) return { path: found }
  const reason = install()
  const installed = findChromium()
  return installed ? { path: installed } : { missing: reason ?? 'not on PATH after its installation' }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const result = ensureChromium()
  if ('path' in result) console.log(result.path)
  else {
    console.error(`Chromium is missing: ${result.missing}`)
    process.exitCode = 1
  }
}
