import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TESTS } from './drivers/conform.ts'

const local = (path: string) => fileURLToPath(new URL(path, import.meta.url))
// By path: as a dependency it would make this package's build wait for all that runs on those runtimes.
const runtimes = createRequire(local('../../runtimes/package.json'))
const bun = binary('bun', `@oven/bun-${process.platform}-${process.arch}`, 'bin/bun')
const node = (major: number) => binary(`node${major}`, null, 'bin/node')

const runs = [
  { driver: 'node-sqlite', runtime: 'Node 22', command: node(22) },
  { driver: 'node-sqlite', runtime: 'Node 24', command: node(24) },
  { driver: 'node-sqlite', runtime: 'Node 26', command: node(26) },
  { driver: 'better-sqlite3', runtime: 'Node 22', command: node(22) },
  { driver: 'better-sqlite3', runtime: 'Node 24', command: node(24) },
  { driver: 'better-sqlite3', runtime: 'Node 26', command: node(26) },
  { driver: 'bun-sqlite', runtime: 'Bun', command: bun },
]

// Below this package, so that the bundles find better-sqlite3.
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(local('../node_modules/.drivers-'))
  await build({
    entry: Object.fromEntries(runs.map(({ driver }) => [driver, local(`drivers/${driver}.mjs`)])),
    outDir: folder,
    outExtension: () => ({ js: '.test.mjs' }),
    format: ['esm'],
    target: 'node22',
    noExternal: [/^@sess\//],
    external: [/^(node|bun):/, 'better-sqlite3'],
    config: false,
    removeNodeProtocol: false,
    silent: true,
    esbuildOptions: (options) => {
      options.conditions = ['@sess/source']
    },
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the store promises, by the runtime’s own test runner', () => {
  for (const { driver, runtime, command } of runs) {
    const needs = `[needs ${runtime} for ${process.platform}-${process.arch}]`
    it.skipIf(command === null)(`hold with ${driver} on ${runtime} ${needs}`, async () => {
      const report = await run(command ?? '', join(folder, `${driver}.test.mjs`))
      expect(report, report.text).toMatchObject({ pass: TESTS, fail: 0 })
    })
  }
})

/** A binary that packages/runtimes has brought from npm, if it has one for this platform. */
function binary(name: string, platform: string | null, file: string): string | null {
  try {
    const manifest = runtimes.resolve(`${name}/package.json`)
    const owner = platform === null ? manifest : createRequire(manifest).resolve(`${platform}/package.json`)
    const found = join(dirname(owner), file)
    return existsSync(found) ? found : null
  } catch {
    return null
  }
}

async function run(command: string, file: string) {
  const args = command === bun ? ['test', file] : ['--test', '--test-reporter=tap', file]
  // Without it node --test would report to the runner around it instead of to its output.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined }
  const { stdout, stderr } = await promisify(execFile)(command, args, { env, cwd: folder }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  const text = `${stdout}${stderr}`
  const count = (word: string) =>
    Number((new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text) ?? new RegExp(`^ *(\\d+) ${word}$`, 'm').exec(text))?.[1])
  return { text, pass: count('pass'), fail: count('fail') }
}
