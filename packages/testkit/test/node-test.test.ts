import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeCases } from '../src/index.ts'

const local = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sess-testkit-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the store test of the README, run by node --test', () => {
  it('passes every case', async () => {
    const report = await runNodeTest('passes', await readmeTest())
    expect(report).toMatchObject({ tests: storeCases.length, pass: storeCases.length, fail: 0, skipped: 0 })
  })

  it('counts an exempt case as skipped', async () => {
    const exempt = `{ it, exempt: { 'store/keeps-large-data': 'small disk' } }`
    const report = await runNodeTest('skips', (await readmeTest()).replace(/\{ it \}(?=\))/, exempt))
    expect(report).toMatchObject({ pass: storeCases.length - 1, fail: 0, skipped: 1 })
    expect(report.text).toMatch(/store\/keeps-large-data: .* \(exempt: small disk\) # SKIP/)
  })

  it('fails the case that a broken store fails', async () => {
    const blindTouch = 'Object.assign(memoryStore(), { touch: async () => true })'
    const report = await runNodeTest('fails', (await readmeTest()).replace('memoryStore()', blindTouch))
    expect(report.fail).toBeGreaterThan(0)
    expect(report.text).toMatch(/not ok \d+ - store\/touch-never-creates: /)
  })
})

async function readmeTest(): Promise<string> {
  const readme = await readFile(local('README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code ?? '')
  const found = blocks.find((code) => code.includes(`from 'node:test'`) && code.includes('storeCases'))
  if (found === undefined) throw new Error('README.md shows no store test for node:test')
  expect(found.trimEnd().split('\n').length).toBeLessThanOrEqual(20)
  return found
}

/** Bundles the test from sources (Node 20 runs no TypeScript) and runs it in a process of its own. */
async function runNodeTest(name: string, code: string) {
  const entry = join(folder, `${name}.ts`)
  await writeFile(entry, code)
  await build({
    entry: [entry],
    outDir: folder,
    outExtension: () => ({ js: '.test.mjs' }),
    format: ['esm'],
    target: 'node20',
    noExternal: [/^(?!node:)/],
    config: false,
    removeNodeProtocol: false,
    silent: true,
    esbuildOptions: (options) => {
      options.conditions = ['@sess/source']
      options.alias = { '@sess/testkit': local('src/index.ts') }
      options.nodePaths = [local('node_modules')]
    },
  })
  const file = join(folder, `${name}.test.mjs`)
  // Without it node --test would report to the runner around it instead of to its output.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const run = promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file], { env })
  const { stdout: text } = await run.catch((error: { stdout: string }) => error)
  const count = (word: string) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1])
  return { text, tests: count('tests'), pass: count('pass'), fail: count('fail'), skipped: count('skipped') }
}
