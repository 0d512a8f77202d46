import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { start } from '@sess/services/start'
import { bundleSize } from './bundle-size.ts'
import { type Cell, cellsOf, subjects, wireOf } from './cells.ts'
import { counts, type StoreCalls, storeCalls } from './counts.ts'
import { jsonPasses } from './json-passes.ts'
import { type ExpressStore, expiry, expressHeap, ourHeap } from './memory.ts'
import { ours, ourWire } from './ours.ts'
import { connect } from './peers.ts'
import { printSpeed } from './print.ts'
import { type Profiled, profile } from './profile.ts'
import type { SpeedReport } from './report.ts'
import { digits, floorCells, rounds, type Timed } from './rounds.ts'
import { dataOf, FRAMEWORKS, type FrameworkName } from './subject.ts'
import { serve, throughput } from './throughput.ts'

const PARTS = ['cells', 'profile', 'counts', 'throughput', 'memory', 'expiry', 'bundle'] as const
type Part = (typeof PARTS)[number]

interface Plan {
  readonly parts: readonly string[]
  /** Whether a library on a framework is wanted. */
  readonly only: (name: string) => boolean
  readonly rounds: number
  readonly quick: boolean
  /** Milliseconds of CPU time that a cell gets per round. */
  readonly ms: number
}

const program = fileURLToPath(import.meta.url)

async function measure({ parts, only, rounds: count, quick, ms }: Plan): Promise<SpeedReport> {
  const before = load()
  const has = (part: Part) => parts.includes(part)
  const redis = has('cells') || has('counts') ? await start('redis') : null
  try {
    const url = redis?.url ?? null
    const measured = {
      ...(has('cells') && { cells: await timeAll(url), json: timeJson() }),
      ...(has('profile') && { profile: await profiles(only) }),
      ...(has('counts') && {
        counted: await counts(url, only),
        storeCalls: await callsOfStores(),
        jsonPasses: await jsonPasses(),
      }),
      ...(has('throughput') && { throughput: await throughput(program, quick ? 1 : count, quick ? 1 : 2) }),
      ...(has('memory') && { held: await heldBy(quick ? [10_000] : [100_000, 1_000_000]) }),
      ...(has('expiry') && { expired: JSON.parse(await inChild(`expiry ${quick ? 20_000 : 1_000_000}`)) }),
      ...(has('bundle') && { bundle: await bundleSize() }),
    }
    return { ...conditions(count), ms, load: [before, load()], ...measured }
  } finally {
    await redis?.stop()
  }
}

function conditions(count: number): Pick<SpeedReport, 'date' | 'machine' | 'node' | 'versions' | 'rounds'> {
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const peers = JSON.parse(readFileSync(new URL('../../peers/package.json', import.meta.url), 'utf8'))
  const date = new Date().toISOString().slice(0, 10)
  return { date, machine, node: process.versions.node, versions: peers.dependencies, rounds: count }
}

const load = (): number => Math.round(((loadavg()[0] ?? 0) / availableParallelism()) * 100) / 100

/** Each framework in a process of its own, as it would be on a server. */
async function timeAll(url: string | null): Promise<Timed[]> {
  const timed: Timed[] = []
  for (const framework of FRAMEWORKS) timed.push(...JSON.parse(await inChild(`cells ${framework} ${url ?? ''}`)))
  return timed
}

/** No session, sess and the others on one framework, in turns. */
async function timeCells(framework: FrameworkName, url: string, { only, rounds: count, ms }: Plan): Promise<Timed[]> {
  const client = url === '' ? null : await connect(url)
  const cells: Cell[] = framework === 'core' ? floorCells() : []
  for (const subject of await subjects(framework, client, only)) cells.push(...(await cellsOf(subject)))
  const timed = cells.length === 0 ? [] : await rounds(cells, count, ms)
  client?.destroy()
  return timed
}

/** What {@link dataOf} 20 KB costs as JSON; the least of many, as nothing else is in it. */
function timeJson(): { readonly parse: number; readonly encode: number } {
  const data = dataOf(20_480)
  const text = JSON.stringify(data)
  const least = (work: () => unknown) => {
    const times = Array.from({ length: 300 }, () => {
      const began = performance.now()
      work()
      return (performance.now() - began) * 1000
    })
    return digits(times.toSorted((a, b) => a - b)[150] ?? Number.NaN)
  }
  return { parse: least(() => JSON.parse(text)), encode: least(() => JSON.stringify(data)) }
}

async function callsOfStores(): Promise<Partial<Record<FrameworkName, StoreCalls>>> {
  const found: Partial<Record<FrameworkName, StoreCalls>> = {}
  for (const name of FRAMEWORKS) {
    found[name] = await storeCalls(async (store) =>
      name === 'core' ? ourWire(store, dataOf) : wireOf(name, ours(name, { watch: () => store }), null),
    )
  }
  return found
}

/** Every library at each size; without fingerprints at the smallest only. */
async function heldBy(sizes: readonly number[]) {
  const held = []
  for (const library of ['express-session', 'sess-without', 'sess'])
    for (const size of library === 'sess-without' ? sizes.slice(0, 1) : sizes)
      held.push(JSON.parse(await inChild(`heap ${library} ${size}`)))
  return held
}

async function profiles(only: Plan['only']): Promise<Profiled[]> {
  const found = []
  for (const framework of FRAMEWORKS)
    if (only(`sess ${framework}`)) found.push(JSON.parse(await inChild(`profile ${framework}`)))
  return found
}

/** What a process finds that does nothing else; it has our own options besides. */
async function inChild(task: string): Promise<string> {
  console.error(task)
  const flags = ['--expose-gc', '--max-old-space-size=6000', '--enable-source-maps']
  const args = [...flags, program, ...process.argv.slice(2), '--child', task]
  return (await promisify(execFile)(process.execPath, args, { maxBuffer: 1e8 })).stdout
}

async function child(task: string, plan: Plan): Promise<void> {
  const [kind = '', first = '', second = ''] = task.split(' ')
  if (kind === 'serve') return serve(first as never, second as never) // as throughput() says it
  const work = {
    cells: () => timeCells(first as FrameworkName, second, plan), // as timeAll() says it
    profile: () => profile(first as FrameworkName, plan.rounds), // as profiles() says it
    expiry: () => expiry(Number(first)),
    heap: async () =>
      first === 'express-session'
        ? expressHeap(await expressStore(), Number(second))
        : ourHeap(Number(second), first === 'sess'),
  }[kind]
  console.log(JSON.stringify(await work?.()))
}

async function expressStore(): Promise<ExpressStore> {
  const { open } = await import(new URL('../../peers/express-store.mjs', import.meta.url).href)
  return open() as ExpressStore
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      ms: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      child: { type: 'string' },
    },
  })
  const words = values.only?.split(',').map((word) => word.trim()) ?? []
  const parts = words.filter((word) => (PARTS as readonly string[]).includes(word))
  const names = words.filter((word) => !parts.includes(word))
  const plan: Plan = {
    parts: parts.length > 0 ? parts : PARTS,
    only: (name) => names.length === 0 || names.some((word) => name.includes(word)),
    rounds: Number(values.rounds ?? (values.quick ? 3 : 11)),
    quick: values.quick,
    ms: Number(values.ms ?? (values.quick ? 4 : 20)),
  }
  if (values.child !== undefined) return child(values.child, plan)
  const report = await measure(plan)
  console.log(values.json ? JSON.stringify(report, null, 2) : printSpeed(report))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
