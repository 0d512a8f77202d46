import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { fuzz, growth, targets } from './fuzz.ts'
import { timingOfTheCheck } from './timing.ts'

/** What a worker does: so many inputs for one target, in batches, each from a seed of its own. */
interface Share {
  readonly target: number
  readonly count: number
  readonly seed: number
}

/** Inputs between two signs of life. */
const BATCH = 20_000
/** A worker that gives none for so long hangs, in ms. */
const SILENCE = 300_000
/** Lengths at which time is measured, in characters. */
const LENGTHS = [32_768, 65_536, 131_072, 262_144]

if (isMainThread) await main()
else await work(workerData as Share)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '10000000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      workers: { type: 'string', default: String(Math.min(availableParallelism(), 8)) },
      only: { type: 'string' },
      timing: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const say = values.json ? () => {} : console.log
  if (values.timing) return console.log(JSON.stringify(timingOfTheCheck(), null, 2))
  const seed = Number(values.seed)
  say(`seed ${seed}`)
  const wanted = targets.filter(({ name }) => values.only === undefined || name.startsWith(values.only))
  const all = wanted.reduce((sum, { share }) => sum + share, 0)
  const results = wanted.map(({ name, share }) => ({
    name,
    inputs: Math.ceil((Number(values.inputs) * share) / all),
    seconds: 0,
    failure: null as string | null,
    growth: null as Awaited<ReturnType<typeof growth>>,
  }))
  const queue = [...results]
  const next = async (): Promise<void> => {
    for (let result = queue.shift(); result !== undefined; result = queue.shift()) {
      const begun = performance.now()
      const target = targets.findIndex(({ name }) => name === result?.name)
      const { failure, grown } = await inWorker({ target, count: result.inputs, seed })
      Object.assign(result, { seconds: Math.round((performance.now() - begun) / 1000), failure, growth: grown })
      say(`${failure === null ? '✓' : '✗'} ${result.name}: ${result.inputs} inputs, ${result.seconds} s`)
      if (grown !== null)
        say(
          `    slowest piece ${JSON.stringify(grown.piece).slice(0, 40)}: ${grown.ms.map((ms) => ms.toFixed(2)).join(', ')} ms`,
        )
      if (failure !== null) say(failure)
    }
  }
  await Promise.all(Array.from({ length: Number(values.workers) }, next))
  const inputs = results.reduce((sum, result) => sum + result.inputs, 0)
  if (values.json)
    console.log(JSON.stringify({ node: process.version, seed, inputs, lengths: LENGTHS, results }, null, 2))
  else console.log(`${inputs} inputs, ${results.filter(({ failure }) => failure !== null).length} findings`)
  process.exitCode = results.some(({ failure }) => failure !== null) ? 1 : 0
}

interface Outcome {
  readonly failure: string | null
  readonly grown: Awaited<ReturnType<typeof growth>>
}

function inWorker(share: Share): Promise<Outcome> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share, argv: process.argv.slice(2) })
    let last = 0
    const give = (failure: string | null, grown: Outcome['grown'] = null): void => {
      clearTimeout(watch)
      void worker.terminate()
      resolve({ failure, grown })
    }
    const watch = setTimeout(() => give(`hangs in the ${BATCH} inputs of seed ${last}`), SILENCE)
    worker.on('error', (error) => give(error instanceof Error ? (error.stack ?? error.message) : String(error)))
    worker.on('message', (message: { seed: number } | Outcome) => {
      if (!('seed' in message)) return give(message.failure, message.grown)
      last = message.seed
      watch.refresh()
    })
  })
}

async function work({ target, count, seed }: Share): Promise<void> {
  console.warn = () => {} // Advice for developers.
  const found = targets[target]
  if (found === undefined) throw new Error('no such target')
  try {
    for (let done = 0; done < count; done += BATCH) {
      parentPort?.postMessage({ seed: seed + done })
      await fuzz(found, Math.min(BATCH, count - done), seed + done)
    }
    parentPort?.postMessage({ failure: null, grown: await growth(found, LENGTHS) })
  } catch (error) {
    parentPort?.postMessage({ failure: error instanceof Error ? error.message : String(error), grown: null })
  }
}
