// The requirements of the standards, and the tests that show which of them are met. `node packages/repo/bin/requirements.mjs`
// writes docs/security/requirements.md from packages/repo/requirements.json; `unproven()` compares the tests that are named
// there with those that ran.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './workspace.mjs'

/**
 * @typedef {'met' | 'deviates' | 'application' | 'absent' | 'open'} Verdict
 * @typedef {{ id: string, group: string, source: string, level: string, title: string, verdict: Verdict, why?: string, tests?: string[] }} Requirement
 * @typedef {{ title: string, ancestorTitles: string[], fullName: string, status: string, failureMessages?: string[] }} Assertion
 * @typedef {{ name: string, assertionResults: Assertion[] }} File
 */

const DATA = 'packages/repo/requirements.json'
export const PAGE = 'docs/security/requirements.md'

/** @type {Requirement[]} */
export const requirements = JSON.parse(readFileSync(path.join(root, DATA), 'utf8'))

const GROUPS = {
  TOK: 'Tokens',
  CKE: 'Cookies that are set',
  CKI: 'Cookies that are received',
  LIF: 'Life of a session',
  AUT: 'Step-up and assurance',
  CSR: 'Request forgery',
  HDR: 'Transport, caches and headers',
  BND: 'Fingerprint',
  DBS: 'Device-bound sessions',
  SCT: 'Keys and cryptography',
  STO: 'Stores, concurrency and failure',
  LOG: 'Events and privacy',
  DOC: 'What is to be documented',
}

/** @type {Record<Verdict, string>} */
const VERDICTS = {
  met: 'met',
  deviates: '**deviates**',
  application: 'the application’s',
  absent: 'not offered',
  open: 'open',
}

const HEAD = `# Requirements

Generated from [requirements.json](../../${DATA}) by \`node packages/repo/bin/requirements.mjs\`; do not edit.

What OWASP ASVS 5.0, the OWASP Cheat Sheets, NIST SP 800-63B-4, RFC 6265bis, the Device Bound Session Credentials draft and others
ask of session management, and where this library stands. **met**: by the tests named, which ran in \`npm test\`, or it fails.
**deviates**: not as asked, and why. **the application’s**: nothing a session library can do for you; what there is to help.
**not offered**: about a feature that does not exist here. **open**: not decided or not done yet.

\`sessions.describe().deviations\` tells the deviations of your own configuration by these numbers.
`

/** The page as it has to be. @param {Requirement[]} rows */
export function page(rows = requirements) {
  const count = Object.entries(VERDICTS).map(
    ([verdict, text]) => `${rows.filter((row) => row.verdict === verdict).length} ${text}`,
  )
  const sections = Object.entries(GROUPS).map(([group, title]) => {
    const lines = rows.filter((row) => row.group === group).map(lineOf)
    return `## ${title}\n\n| | requirement | source | | evidence |\n|---|---|---|---|---|\n${lines.join('\n')}\n`
  })
  return `${HEAD}\nOf ${rows.length}: ${count.join(' · ')}.\n\n${sections.join('\n')}`
}

/** @param {Requirement} row */
function lineOf({ id, title, source, level, verdict, why, tests = [] }) {
  const evidence = [why, tests.map(linkOf).join(' · ')].filter((text) => text !== undefined && text !== '').join('. ')
  return `| ${id} | ${title} | ${source} (${level}) | ${VERDICTS[verdict]} | ${evidence} |`
}

/** @param {string} test */
function linkOf(test) {
  const { id, file, title } = citation(test)
  return id === undefined ? `[${title}](../../${file})` : `\`${id}\``
}

/** Title of a test as a pattern: `%s`, `$name` and the like stand for anything. @param {string} title */
export function patternOf(title) {
  const parts = title.split(/%[sidjof#]|\$[\w.]+/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

/** A cited test: an id of the testkit, or a file below packages/ and the title of a test or group in it. @param {string} text */
export function citation(text) {
  const [file = '', title] = text.split(' › ')
  return title === undefined ? { id: text } : { file: `packages/${file}`, title }
}

/**
 * Why a cited test proves nothing in this run, or null.
 * @param {string} text
 * @param {File[]} files
 */
function doubt(text, files) {
  const cited = citation(text)
  const found = files.flatMap(({ name, assertionResults }) => {
    if (cited.id !== undefined) {
      const start = cited.id.endsWith('*') ? cited.id.slice(0, -1) : `${cited.id}: `
      return assertionResults.filter(({ title }) => title.startsWith(start))
    }
    if (path.relative(root, name) !== cited.file) return []
    const pattern = patternOf(cited.title)
    return assertionResults.filter((each) => [...each.ancestorTitles, each.title].some((title) => pattern.test(title)))
  })
  if (found.some(({ status }) => status === 'failed')) return 'failed'
  if (found.some(({ status }) => status === 'passed')) return null
  return 'did not run'
}

/**
 * What requirements claim that this run does not show. A run that skips what a machine cannot have says so elsewhere.
 * @param {File[]} files results of all tests
 * @param {Requirement[]} rows
 */
export function unproven(files, rows = requirements) {
  return rows.flatMap(({ id, tests = [] }) =>
    tests.flatMap((test) => {
      const problem = doubt(test, files)
      return problem === null ? [] : [`${id}: ${test} ${problem}`]
    }),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(path.join(root, PAGE), page())
