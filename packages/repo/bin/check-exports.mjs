// Packs every published package and asks publint and are-the-types-wrong about the tarball.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { folders, isMain, manifest, run } from './workspace.mjs'

/** ESM only: what CommonJS resolution before `require(esm)` makes of a package is not asked. */
const asked = ['node16', 'node16-esm', 'bundler']

/** @param {Buffer} tarball */
async function lintPackage(tarball) {
  const { buffer, byteOffset, byteLength } = tarball
  const bytes = /** @type {ArrayBuffer} */ (buffer).slice(byteOffset, byteOffset + byteLength)
  const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true })
  return messages.map((message) => `publint ${message.type}: ${formatMessage(message, pkg)}`)
}

/** @param {Buffer} tarball */
async function checkTypes(tarball) {
  const result = await checkPackage(createPackageFromTarballData(tarball))
  if (!result.types) return ['attw: no types in the package']
  return result.problems
    .filter((problem) => {
      const kind =
        'resolutionKind' in problem
          ? problem.resolutionKind
          : 'resolutionOption' in problem
            ? problem.resolutionOption
            : 'node16'
      return asked.includes(kind)
    })
    .map((problem) => `attw ${JSON.stringify({ ...problem, trace: undefined })}`)
}

/**
 * Packs every published package into a folder, as it would be published.
 * @param {string} target
 * @returns {Promise<{ name: string, file: string }[] | null>} null when packing failed
 */
export async function packAll(target) {
  const published = folders().filter((folder) => !manifest(folder).private)
  const filters = published.flatMap((folder) => ['--filter', manifest(folder).name])
  const code = await run('pnpm', ['-r', ...filters, 'pack', '--pack-destination', target], { quiet: true })
  if (code !== 0) return null
  return published.map((folder) => {
    const { name, version } = manifest(folder)
    return { name, file: path.join(target, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`) }
  })
}

/**
 * @typedef {{ name: string, problems: string[] }} ExportsReport
 * @returns {Promise<ExportsReport[]>} one report per published package
 */
export async function checkExports() {
  const target = mkdtempSync(path.join(tmpdir(), 'pack-'))
  try {
    const packed = await packAll(target)
    if (packed === null) return [{ name: 'all packages', problems: ['pnpm pack failed'] }]
    const reports = []
    for (const { name, file } of packed) reports.push({ name, problems: await problemsOf(readFileSync(file)) })
    return reports
  } finally {
    rmSync(target, { recursive: true, force: true })
  }
}

/** @param {Buffer} tarball */
async function problemsOf(tarball) {
  try {
    return [...(await lintPackage(tarball)), ...(await checkTypes(tarball))]
  } catch (error) {
    return [String(error)]
  }
}

/** @param {ExportsReport[]} reports */
export function printExports(reports) {
  for (const { name, problems } of reports) {
    console.log(`${problems.length === 0 ? '✓' : '✗'} ${name}`)
    for (const problem of problems) console.log(`    ${problem}`)
  }
}

if (isMain(import.meta.url)) {
  const reports = await checkExports()
  printExports(reports)
  if (reports.some(({ problems }) => problems.length > 0)) process.exitCode = 1
}
