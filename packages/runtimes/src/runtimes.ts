import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { type Answer, bundle, type Running, serve } from './launch.ts'

/** A runtime the library claims to run on, and what to install where it is missing. */
export interface Runtime {
  readonly name: string
  /** Null when it is there. */
  readonly missing: string | null
  start(): Promise<Running>
}

const require = createRequire(import.meta.url)

/** Path of a file in an installed package, or null. */
function fileOf(from: NodeJS.Require, name: string, file: string): string | null {
  try {
    const found = path.join(path.dirname(from.resolve(`${name}/package.json`)), file)
    return existsSync(found) ? found : null
  } catch {
    return null
  }
}

/** A binary that npm brings as an optional dependency of `owner`, one per platform. */
function platformBinary(owner: string, file: string, seenFrom: NodeJS.Require = require): string | null {
  const manifest = seenFrom.resolve(`${owner}/package.json`)
  const { optionalDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    optionalDependencies?: Record<string, string>
  }
  const from = createRequire(manifest)
  for (const name of Object.keys(optionalDependencies)) {
    const found = fileOf(from, name, file) ?? fileOf(from, name, `${file}.exe`)
    if (found !== null) return found
  }
  return null
}

const platform = `${process.platform}-${process.arch}`

/** Node and Bun resolve the built packages by themselves, by their own conditions. */
function resolving(name: string, command: string | null, entry: string): Runtime {
  return {
    name,
    missing: command === null ? `${name} for ${platform}` : null,
    // Started only when it is not missing.
    start: async () => serve(command as string, [await bundle(entry, null)]),
  }
}

const node = (major: number): Runtime => resolving(`Node ${major}`, fileOf(require, `node${major}`, 'bin/node'), 'node')

const deno: Runtime = {
  ...resolving('Deno', platformBinary('deno', 'deno'), 'deno'),
  async start() {
    const script = await bundle('deno', ['deno', 'import'])
    const flags = ['--cached-only', '--no-config', '--no-lock', '--allow-net=127.0.0.1', '--allow-env=NODE_ENV']
    return serve(platformBinary('deno', 'deno') as string, ['run', ...flags, script])
  },
}

const workerd: Runtime = {
  name: 'workerd',
  missing:
    platformBinary('workerd', 'bin/workerd', createRequire(require.resolve('miniflare'))) === null
      ? `workerd for ${platform}`
      : null,
  async start() {
    // Loading it fails where workerd has no binary.
    const { Miniflare } = await import('miniflare')
    const script = readFileSync(await bundle('workerd', ['workerd', 'worker', 'import']), 'utf8')
    const miniflare = new Miniflare({ modules: true, script, compatibilityDate: '2026-01-01' })
    await miniflare.ready
    return {
      // https, so this one also sees the production cookie.
      fetch: async (url, init): Promise<Answer> => miniflare.dispatchFetch(`https://app.example${url}`, init),
      stop: () => miniflare.dispose(),
    }
  },
}

export const runtimes: readonly Runtime[] = [
  resolving('the Node at hand', process.execPath, 'node'),
  node(20),
  node(22),
  node(24),
  node(26),
  resolving('Bun', platformBinary('bun', 'bin/bun'), 'bun'),
  deno,
  workerd,
]
