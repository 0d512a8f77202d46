// npm test: install, build, types, lint, tests, faults, packed packages. Its last line counts them all.
// Arguments go to vitest; with any, faults are left out, for which there is `npm run faults`. A skipped test named
// `… [needs <thing>]` says that <thing> could not be installed: that is a note on a developer's machine and a failure where CI
// is set. SERVICES=none starts no servers, SERVICES=require fails where one is missing (packages/services).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { unproven } from './requirements.mjs'
import { inCI, root, run } from './workspace.mjs'

let passed = 0
/** @type {string[]} */
const failed = []
/** @type {string[]} */
const skipped = []
/** @type {File[]} */
const reports = []

/** @param {string} name @param {boolean} ok */
function count(name, ok) {
  if (ok) passed += 1
  else failed.push(name)
}

/** @param {string} name @param {string} command @param {string[]} args */
async function step(name, command, args) {
  console.log(`\n── ${name}`)
  const started = Date.now()
  const ok = (await run(command, args, { quiet: true })) === 0
  console.log(`${ok ? '✓' : '✗'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  count(name, ok)
}

/**
 * @typedef {import('./requirements.mjs').Assertion} Assertion
 * @typedef {{ name: string, status: string, message?: string, assertionResults: Assertion[] }} File
 * @param {File} file
 */
function countFile({ name, status, assertionResults }) {
  const before = failed.length
  for (const { fullName, status: outcome, failureMessages } of assertionResults) {
    const title = `${path.relative(root, name)} > ${fullName}`
    if (outcome === 'passed') passed += 1
    else if (outcome === 'failed') failed.push(`${title}: ${messageOf(failureMessages)}`)
    else skipped.push(title)
  }
  if (status === 'failed' && failed.length === before)
    failed.push(`${path.relative(root, name)} (does not load, or a hook fails)`)
}

/** @param {string[]} [failures] as vitest has them: a message, then where */
const messageOf = ([failure = 'no message'] = []) => failure.split('\n    at ')[0]?.replace(/\s+/g, ' ').slice(0, 300)

/**
 * @param {string} name
 * @param {string[]} args of vitest
 * @param {NodeJS.ProcessEnv} [env]
 */
async function tests(name, args, env = {}) {
  console.log(`\n── ${name}`)
  const folder = mkdtempSync(path.join(tmpdir(), 'vitest-'))
  const output = path.join(folder, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`]
    const code = await run('vitest', ['run', ...reporters, ...args], { env })
    const before = failed.length
    /** @type {File[]} */
    const files = JSON.parse(readFileSync(output, 'utf8')).testResults
    for (const file of files) countFile(file)
    reports.push(...files)
    if (code !== 0 && failed.length === before) failed.push(`${name} (an error outside them, or none)`)
    if (files.length === 0 && code === 0) failed.push(`${name} (none)`)
  } catch (error) {
    failed.push(`${name} (left no report: ${error instanceof Error ? error.message : error})`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function packedPackages() {
  console.log('\n── packed packages')
  const { checkExports, printExports } = await import('./check-exports.mjs')
  const reports = await checkExports()
  printExports(reports)
  for (const { name, problems } of reports) count(`exports of ${name}`, problems.length === 0)
}

/** @param {string} title @param {string[]} names */
const list = (title, names) =>
  names.length > 0 && console.log(`\n${title}:\n${names.map((name) => `  ${name}`).join('\n')}`)

const installed = await bootstrap()
count('install', installed)
if (installed) {
  await step('build', 'turbo', ['run', 'build', '--continue', '--output-logs=errors-only'])
  await step('typecheck', 'turbo', ['run', 'typecheck', '--continue', '--output-logs=errors-only'])
  await step('lint', 'biome', ['check', '--error-on-warnings', '.'])
  const args = process.argv.slice(2)
  await tests('tests', args)
  // On their own: servers are frozen there and time is measured, and neither should suffer from the other tests.
  if (args.length === 0) {
    await tests('faults', ['--project', '@sess/faults'], { FAULTS: '1' })
    for (const claim of unproven(reports)) failed.push(`docs/security/requirements.md > ${claim}`)
  }
  await packedPackages()
}

const missing = skipped.filter((name) => /\[needs [^\]]+\]/.test(name))
list('Skipped', skipped)
list('Failed', failed)
if (inCI && missing.length > 0) console.log('\nCI is set: what could not be installed fails the run.')
console.log(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped`)
process.exitCode = failed.length > 0 || (inCI && missing.length > 0) ? 1 : 0
