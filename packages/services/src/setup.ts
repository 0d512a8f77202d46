import type { TestProject } from 'vitest/node'
import { type Address, type Kind, MissingError, type Server, start } from './start.ts'

/** What a test project is given: per kind its address, or why there is none. */
export type Services = { readonly [K in Kind]?: Address<K> | { readonly missing: string } }

declare module 'vitest' {
  interface ProvidedContext {
    /** What a project asks for in its configuration (`services()` of vitest.preset.ts). */
    wantedServices: readonly Kind[]
    services: Services
  }
}

interface Shared {
  readonly server: Promise<Server<Kind>>
  users: number
}

/** Projects load this module each for themselves, but live in one process: they share servers through the global object. */
const place = Symbol.for('@sess/services')
const holder = globalThis as { [place]?: Map<Kind, Shared> }
holder[place] ??= new Map()
const running = holder[place]

/** The variable SERVICES: `none` starts nothing, `auto` skips what is missing, `require` fails. Default: `require` in CI, else `auto`. */
function mode(): string {
  const inCI = !['', '0', 'false', undefined].includes(process.env.CI)
  const wanted = process.env.SERVICES || (inCI ? 'require' : 'auto')
  if (!['none', 'auto', 'require'].includes(wanted)) throw new Error(`SERVICES=${wanted}: use none, auto or require`)
  return wanted
}

async function acquire(kind: Kind): Promise<Address<Kind> | { readonly missing: string }> {
  if (mode() === 'none') return { missing: 'SERVICES=none' }
  const shared = running.get(kind) ?? { server: start(kind), users: 0 }
  running.set(kind, shared)
  shared.users += 1
  try {
    const { stop: _, ...address } = await shared.server
    return address
  } catch (error) {
    if (mode() === 'require' || !(error instanceof MissingError)) throw error
    console.warn(`${kind} is missing: ${error.message}`)
    return { missing: error.message }
  }
}

async function release(kind: Kind): Promise<void> {
  const shared = running.get(kind)
  if (shared === undefined) return
  shared.users -= 1
  if (shared.users > 0) return
  running.delete(kind)
  await shared.server.then(
    ({ stop }) => stop(),
    () => {},
  )
}

/** Vitest global set-up: starts what the project asks for, once for all projects, and stops it when none needs it any more. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const wanted = project.getProvidedContext().wantedServices
  const stop = async () => void (await Promise.all(wanted.map(release)))
  try {
    const found = await Promise.all(wanted.map(async (kind) => [kind, await acquire(kind)] as const))
    project.provide('services', Object.fromEntries(found))
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}
