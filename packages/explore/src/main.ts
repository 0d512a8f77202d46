import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { checkItself } from './check.ts'
import { loadCore } from './core.ts'
import { add, examineAll, type Total } from './examine.ts'
import { families } from './families.ts'

/** What a worker goes through: every `step`-th scenario of a family, from `offset` on. */
interface Share {
  readonly family: number
  readonly offset: number
  readonly step: number
}

if (isMainThread) await main()
else parentPort?.postMessage(await work(workerData as Share))

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      only: { type: 'string' },
      workers: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
      json: { type: 'boolean', default: false },
    },
  })
  if (values.check) return console.log(JSON.stringify(await checkItself()))
  const workers = Number(values.workers)
  const results: { family: string; seconds: number; total: Total }[] = []
  for (const [family, { name, quick, scenarios }] of families.entries()) {
    if (values.only !== undefined && !name.startsWith(values.only)) continue
    if (values.quick && quick === 0) continue
    const every = values.quick ? Math.ceil(scenarios.length / quick) : 1
    const begun = performance.now()
    const shares = Array.from({ length: workers }, (_, index) => ({
      family,
      offset: index * every,
      step: workers * every,
    }))
    const totals = await Promise.all(shares.map(inWorker))
    const result = { family: name, seconds: Math.round((performance.now() - begun) / 1000), total: totals.reduce(add) }
    results.push(result)
    if (!values.json) print(result)
  }
  if (values.json)
    console.log(JSON.stringify({ node: process.version, quick: values.quick, workers, results }, null, 2))
  process.exitCode = results.some(({ total }) => total.violations.length > 0) ? 1 : 0
}

function inWorker(share: Share): Promise<Total> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

async function work({ family, offset, step }: Share): Promise<Total> {
  // What is dropped at sign-in is said once per process, and there are thousands.
  console.warn = () => {}
  const all = families[family]?.scenarios ?? []
  return examineAll(
    await loadCore(),
    all.filter((_, index) => index % step === offset),
  )
}

function print({ family, seconds, total }: { family: string; seconds: number; total: Total }): void {
  const { scenarios, runs, states, transitions, limits, violations } = total
  console.log(
    `\n${family}: ${scenarios} scenarios, ${runs} runs, ${states} states, ${transitions} transitions, ${seconds} s`,
  )
  for (const [rule, count] of Object.entries(limits)) console.log(`  ${rule}: expected, in ${count} scenarios`)
  for (const { rule, what, scenario, trace, path } of violations) {
    console.log(
      `  VIOLATION ${rule} (${what})\n    scenario: ${scenario}\n    moves: ${trace.join('; ')}\n    path: ${path.join(',')}`,
    )
  }
  if (violations.length === 0) console.log('  no violation')
}
