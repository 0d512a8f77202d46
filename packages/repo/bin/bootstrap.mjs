// Installs what the lockfile says, with the pinned pnpm, when anything changed since the last time.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { folders, isMain, manifest, root, run } from './workspace.mjs'

const stampFile = path.join(root, 'node_modules', '.bootstrap.json')

function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const file of [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    ...folders().map((f) => `${f}/package.json`),
  ])
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)))
  return hash.digest('hex')
}

/** @returns {Record<string, string>} */
const stamps = () => (existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {})

/**
 * @param {{ only?: string }} [options] `only`: the one workspace package whose dependencies are needed; default all.
 * @returns {Promise<boolean>} whether everything is in place
 */
export async function bootstrap({ only } = {}) {
  const want = fingerprint()
  const have = stamps()
  if (have.all === want || (only && have[only] === want)) return true
  const pnpm = manifest('.').packageManager ?? 'pnpm'
  console.error(`Installing dependencies with ${pnpm} …`)
  const filter = only ? ['--filter', manifest('.').name, '--filter', `${only}...`] : []
  const code = await run('npx', ['--yes', pnpm, 'install', '--frozen-lockfile', ...filter], {
    quiet: true,
    // CI: never ask; NODE_ENV: development dependencies are needed whatever it says.
    env: { CI: 'true', NODE_ENV: 'development' },
  })
  if (code !== 0) return false
  mkdirSync(path.dirname(stampFile), { recursive: true })
  writeFileSync(
    stampFile,
    JSON.stringify({ ...(only && have.all !== undefined ? { all: have.all } : {}), [only ?? 'all']: want }),
  )
  return true
}

if (isMain(import.meta.url) && !(await bootstrap())) process.exitCode = 1
