import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { fill, OPERATIONS, round, summary } from './measure.ts'
import { type Measured, print, type Report, requoted, type StoreReport, short } from './report.ts'
import { Sample } from './sample.ts'
import { mysqlDatabase } from './targets/mysql.ts'
import { postgresDatabase } from './targets/postgres.ts'
import { redisDatabase } from './targets/redis.ts'
import { sqliteDatabase } from './targets/sqlite.ts'
import type { Database, Target } from './targets/target.ts'

const databases: Readonly<Record<string, () => Promise<Database>>> = {
  redis: redisDatabase,
  postgres: postgresDatabase,
  mysql: mysqlDatabase,
  sqlite: sqliteDatabase,
}

/** What to measure. */
export interface Plan {
  readonly stores: readonly string[]
  readonly sizes: readonly number[]
  readonly rounds: number
}

/** Measures one store after the other, each at all sizes. Progress goes to stderr. */
export async function measure({ stores, sizes, rounds }: Plan): Promise<Report> {
  const before = load()
  const reports: StoreReport[] = []
  for (const store of stores)
    reports.push(
      await measureStore(
        store,
        sizes.toSorted((a, b) => a - b),
        rounds,
      ),
    )
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`
  return { machine, node: process.versions.node, load: [before, load()], rounds, stores: reports }
}

async function measureStore(store: string, sizes: readonly number[], rounds: number): Promise<StoreReport> {
  const begin = databases[store]
  if (begin === undefined) throw new Error(`There is no store ${store}: ${Object.keys(databases).join(', ')}`)
  const database = await begin()
  try {
    const runs: Run[] = []
    for (const size of sizes) runs.push(await prepare(database, store, size))
    // The first one is for warming up.
    for (let turn = 0; turn <= rounds; turn += 1) {
      for (const run of runs) {
        const times = await round(run.target, run.sample)
        if (turn > 0) run.rounds.push(times)
      }
      console.error(`${store}: round ${turn} of ${rounds}`)
    }
    const { versions, settings, filling } = database
    return { store, versions, settings, filling, sizes: runs.map(measured) }
  } finally {
    await database.stop()
  }
}

interface Run {
  readonly target: Target
  readonly sample: Sample
  readonly before: Omit<Measured, 'times'>
  readonly rounds: Awaited<ReturnType<typeof round>>[]
}

async function prepare(database: Database, store: string, size: number): Promise<Run> {
  const [target, sample] = [await database.open(`sessions_${size}`), new Sample(size, Date.now())]
  const filledIn = Math.round((await fill(target, sample)) * 10) / 10
  const { total, indexes } = await target.bytes()
  const perSession = { bytesPerSession: Math.round(total / size) }
  const inIndexes = indexes === undefined ? {} : { indexBytesPerSession: Math.round(indexes / size) }
  console.error(`${store}: filled with ${short(size)} in ${filledIn} s, ${perSession.bytesPerSession} bytes each`)
  return { target, sample, before: { sessions: size, ...perSession, ...inIndexes, filledIn }, rounds: [] }
}

function measured({ before, rounds }: Run): Measured {
  const found = OPERATIONS.map((name) => [name, rounds.flatMap((times) => times[name] ?? [])] as const)
  const times = found.filter(([, values]) => values.length > 0).map(([name, values]) => [name, summary(values)])
  return { ...before, times: Object.fromEntries(times) }
}

const load = (): number => Math.round(((loadavg()[0] ?? 0) / availableParallelism()) * 100) / 100

/** `10k`, `1M`, `2500` as a number. */
export function sizeOf(text: string): number {
  const [, digits, unit = ''] = /^(\d+)(k|M)?$/i.exec(text.trim()) ?? []
  const size = Number(digits) * (unit === '' ? 1 : unit.toLowerCase() === 'k' ? 1000 : 1_000_000)
  if (!(size >= 1000)) throw new Error(`--sizes: ${text} is not a number of at least 1000, such as 10k or 1M`)
  return size
}

/** Makes it the report that docs/stores.md quotes. */
function update(report: Report): void {
  const page = new URL('../../../docs/stores.md', import.meta.url)
  const json = new URL('../../../docs/benchmarks/stores.json', import.meta.url)
  const old: Report = JSON.parse(readFileSync(json, 'utf8'))
  writeFileSync(page, requoted(readFileSync(page, 'utf8'), old, report))
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stores: { type: 'string', default: Object.keys(databases).join(',') },
      sizes: { type: 'string', default: '10k,100k,1M' },
      rounds: { type: 'string', default: '7' },
      json: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
    },
  })
  const stores = values.stores.split(',').map((name) => name.trim())
  const report = await measure({ stores, sizes: values.sizes.split(',').map(sizeOf), rounds: Number(values.rounds) })
  if (values.update) update(report)
  console.log(values.json ? JSON.stringify(report, null, 2) : print(report))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
