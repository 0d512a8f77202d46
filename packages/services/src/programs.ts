import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from './sandbox.ts'

/** A server that is not here and cannot be installed. */
export class MissingError extends Error {}

/** Where Debian keeps what is not on everybody's PATH. */
function folders(): string[] {
  const versions = '/usr/lib/postgresql'
  const postgres = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : []
  const debian = ['/usr/sbin', ...postgres.map((version) => join(versions, version, 'bin'))]
  return [...(process.env.PATH ?? '').split(delimiter), ...debian]
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The first folder that has all of `programs`, as their paths. */
function find(programs: readonly string[]): string[] | undefined {
  const folder = folders().find((each) => programs.every((program) => isExecutable(join(each, program))))
  return folder === undefined ? undefined : programs.map((program) => join(folder, program))
}

let installing: Promise<unknown> = Promise.resolve()

/**
 * Paths of `programs`, all from one folder; where they are missing and this is Debian or Ubuntu as root, the distribution's
 * package is installed first, without starting what it brings.
 *
 * @throws MissingError when they cannot be had
 */
export async function programs(names: readonly string[], debianPackage: string): Promise<string[]> {
  const found = find(names)
  if (found !== undefined) return found
  const turn = installing.then(() => (find(names) === undefined ? install(debianPackage) : undefined))
  installing = turn.catch(() => {})
  await turn
  const installed = find(names)
  if (installed === undefined) throw new MissingError(`${names.join(', ')}: not found after the installation`)
  return installed
}

async function install(debianPackage: string): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) {
    throw new MissingError(`install ${debianPackage} (done by itself only as root on Debian or Ubuntu)`)
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]) =>
    promisify(execFile)('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], { env })
  const allowStarts = forbidStarts()
  try {
    console.log(`Installing ${debianPackage} …`)
    await apt('update').catch(() => {})
    await apt('install', '-y', '--no-install-recommends', debianPackage)
  } catch (error) {
    throw new MissingError(`apt-get install ${debianPackage}: ${error instanceof Error ? error.message : error}`)
  } finally {
    allowStarts()
  }
}

/** Keeps packages from starting system services while they are installed. Returns the function that undoes it. */
function forbidStarts(): () => void {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return () => {}
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  return () => rmSync(policy, { force: true })
}

/** For root: the account of that name, else `nobody`. For anyone else: nothing, the server runs as they are. */
export function account(name: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const wanted of [name, 'nobody']) {
    const entry = entries.find(([user]) => user === wanted)
    if (entry !== undefined) return { uid: Number(entry[2]), gid: Number(entry[3]) }
  }
  throw new MissingError(`no account to run ${name} as: it refuses to run as root`)
}
