import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A running application: what answers requests to it, and how to stop it. */
export interface Running {
  fetch(url: string, init?: { method?: string; headers?: Record<string, string> }): Promise<Answer>
  stop(): Promise<void>
}

/** As much of a response as is looked at; Node's and workerd's have the same shape and different types. */
export interface Answer {
  readonly status: number
  readonly headers: { get(name: string): string | null; getSetCookie(): string[] }
  json(): Promise<unknown>
  text(): Promise<string>
}

const here = fileURLToPath(new URL('..', import.meta.url))

/** Bundles an entry of this folder with what is built; `packages` stay imports where the runtime resolves them by itself. */
export async function bundle(entry: string, conditions: string[] | null): Promise<string> {
  const outfile = path.join(here, 'dist', `${entry}.mjs`)
  await build({
    entryPoints: [path.join(here, 'src', `${entry}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
    ...(conditions === null ? { packages: 'external' } : { platform: 'neutral', conditions, mainFields: ['module'] }),
  })
  return outfile
}

/** Runs a command that prints the port it listens on as its first line. */
export async function serve(command: string, args: readonly string[]): Promise<Running> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'runtime-'))
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: scratch,
    DENO_DIR: scratch,
    DENO_NO_UPDATE_CHECK: '1',
    NO_COLOR: '1',
  }
  const child = spawn(command, [...args], { cwd: here, stdio: ['ignore', 'pipe', 'pipe'], env })
  const complaints: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  const stop = async (): Promise<void> => {
    await ended(child)
    rmSync(scratch, { recursive: true, force: true })
  }
  try {
    const origin = `http://127.0.0.1:${await portOf(child)}`
    return { fetch: (url, init) => fetch(origin + url, init), stop }
  } catch (error) {
    await stop()
    throw new Error(`${command} does not serve: ${Buffer.concat(complaints)}`, { cause: error })
  }
}

async function portOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<number> {
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the runtime ended with ${code} before it listened`)))
  })
  failed.catch(() => {})
  const line = new Promise<string>((done) => {
    createInterface({ input: child.stdout }).once('line', done)
  })
  return (JSON.parse(await Promise.race([line, failed])) as { port: number }).port
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve()
  return new Promise((done) => {
    child.once('exit', () => done())
    child.kill('SIGKILL')
  })
}
