import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { checkItself } from './check.ts'
import { loadCore } from './core.ts'
import { add, again, examineAll, type Total } from './examine.ts'
import { type Family, families } from './families.ts'
import { nameOf } from './scenario.ts'

/** What a worker goes through: every `step`-th scenario of a family, from `offset` on. */
interface Share {
  readonly family: number
  readonly offset: number
  readonly step: number
}

/** What it says: `true` after each scenario, and in the end what it has found. */
type Said = true | Total

if (isMainThread) await main()
else parentPort?.postMessage(await work(workerData as Share))

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      only: { type: 'string' },
      scenario: { type: 'string' },
      path: { type: 'string' },
      workers: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
      json: { type: 'boolean', default: false },
    },
  })
  if (values.check) return console.log(JSON.stringify(await checkItself()))
  const chosen = [...families.entries()].filter(([, { name }]) => isWanted(name, values.only))
  if (values.path !== undefined) return await showAgain(chosen[0]?.[1], Number(values.scenario), values.path)
  const workers = Number(values.workers)
  const results: { family: string; seconds: number; total: Total }[] = []
  for (const [index, family] of chosen) {
    const begun = performance.now()
    const total = await inWorkers(index, family, workers, values.quick)
    const result = { family: family.name, seconds: Math.round((performance.now() - begun) / 1000), total }
    results.push(result)
    if (!values.json) print(result)
  }
  if (values.json)
    console.log(JSON.stringify({ node: process.version, quick: values.quick, workers, results }, null, 2))
  process.exitCode = results.some(({ total }) => total.violations.length > 0) ? 1 : 0
}

/** `--only` is the name of a family, or what several begin with. */
function isWanted(name: string, only: string | undefined): boolean {
  if (only === undefined) return true
  return families.some((family) => family.name === only) ? name === only : name.startsWith(only)
}

async function inWorkers(
  index: number,
  { name, quick, scenarios }: Family,
  workers: number,
  isQuick: boolean,
): Promise<Total> {
  const every = isQuick ? stride(scenarios.length, quick) : 1
  const all = Math.ceil(scenarios.length / every)
  let done = 0
  let shown = performance.now()
  const progress = () => {
    done += 1
    if (performance.now() - shown < 30_000) return
    shown = performance.now()
    console.error(`${name}: ${done} of ${all} scenarios`)
  }
  const shares = Array.from({ length: workers }, (_, number) => ({
    family: index,
    offset: number * every,
    step: workers * every,
  }))
  return (await Promise.all(shares.map((share) => inWorker(share, progress)))).reduce(add)
}

/** The least step that leaves `count` of so many, and goes through all kinds: families repeat themselves at its divisors. */
function stride(length: number, count: number): number {
  let step = Math.ceil(length / count)
  while (divisor(length, step) > 1) step += 1
  return step
}

function divisor(one: number, other: number): number {
  return other === 0 ? one : divisor(other, one % other)
}

function inWorker(share: Share, progress: () => void): Promise<Total> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share })
    worker.on('message', (said: Said) => (said === true ? progress() : resolve(said)))
    worker.once('error', reject)
  })
}

async function work({ family, offset, step }: Share): Promise<Total> {
  // What is dropped at sign-in is said once per process, and there are thousands.
  console.warn = () => {}
  const all = [...(families[family]?.scenarios ?? []).entries()]
  return examineAll(
    await loadCore(),
    all.filter(([index]) => index % step === offset),
    () => parentPort?.postMessage(true),
  )
}

function print({ family, seconds, total }: { family: string; seconds: number; total: Total }): void {
  const { scenarios, states, transitions, ends, limits, violations } = total
  console.log(
    `\n${family}: ${scenarios} scenarios, ${states} states, ${transitions} transitions, ${ends} ends, ${seconds} s`,
  )
  for (const [rule, count] of Object.entries(limits)) console.log(`  ${rule}: expected, in ${count} scenarios`)
  for (const { rule, what, scenario, number, trace, path } of violations) {
    console.log(
      `  VIOLATION ${rule} (${what})\n    scenario: ${scenario}\n    moves: ${trace.join('; ')}\n    again: npm run explore -- --only "${family}" --scenario ${number} --path ${path.join(',')}`,
    )
  }
  if (violations.length === 0) console.log('  no violation')
}

/** Takes the moves of a violation again, one a line. */
async function showAgain(family: Family | undefined, number: number, path: string): Promise<void> {
  const scenario = family?.scenarios[number]
  if (scenario === undefined)
    throw new Error('--path needs --only with a family, and --scenario with a number of its scenarios')
  console.log(nameOf(scenario))
  for (const { label, violations } of await again(await loadCore(), scenario, path.split(',').map(Number))) {
    console.log(`  ${label}`)
    for (const { rule, what } of violations) console.log(`    ${rule} (${what})`)
  }
}
