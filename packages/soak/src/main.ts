import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Done, load } from './load.ts'
import { type Passed, pass } from './million.ts'
import { growth, median, type Sample } from './sample.ts'
import { type Kind, kinds, serve } from './server.ts'

/** Samples per run. */
const SAMPLES = 60

const role = process.env.SOAK_ROLE
if (role === undefined) await main()
else if (role.startsWith('pass ')) process.send?.(await pass(Number(role.slice(5))))
else await serve(role as Kind)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      clients: { type: 'string', default: '24' },
      sessions: { type: 'string', default: '1000000' },
      json: { type: 'boolean', default: false },
    },
  })
  const minutes = Number(values.minutes)
  const servers = await Promise.all(kinds.map((kind) => soak(kind, minutes, Number(values.clients))))
  const passed = Number(values.sessions) > 0 ? await passInChild(Number(values.sessions)) : null
  const grown = passed !== null && (passed.heapMb.at(-1) ?? 0) > (passed.heapMb[4] ?? 0) * 1.1 + 5
  const failed = grown || servers.some(({ grew, failures }) => grew.length > 0 || failures > 0)
  const result = { node: process.version, minutes, servers, passed }
  if (values.json) console.log(JSON.stringify(result, null, 2))
  else {
    for (const server of servers) console.log(`${server.grew.length === 0 ? '✓' : '✗'} ${JSON.stringify(server)}`)
    console.log(`${grown ? '✗' : '✓'} ${JSON.stringify(passed)}`)
  }
  process.exitCode = failed ? 1 : 0
}

interface Soaked extends Done {
  readonly kind: Kind
  readonly samples: number
  readonly heapMb: readonly [first: number, settled: number, last: number]
  readonly handles: readonly [settled: number, last: number]
  readonly timers: readonly [settled: number, last: number]
  readonly listeners: readonly [settled: number, last: number]
  readonly delayMs: number
  readonly delayP99Ms: number
  readonly grew: readonly string[]
}

async function soak(kind: Kind, minutes: number, clients: number): Promise<Soaked> {
  const child = start(kind)
  const { port } = await message<{ port: number }>(child)
  const stop = new AbortController()
  const done: Done = { requests: 0, failures: 0, aborted: 0 }
  const loaded = load(port, clients, stop.signal, done)
  const samples: Sample[] = []
  const until = performance.now() + minutes * 60_000
  while (performance.now() < until) {
    await new Promise((next) => setTimeout(next, (minutes * 60_000) / SAMPLES))
    child.send('sample')
    samples.push(await message<Sample>(child))
  }
  stop.abort()
  await loaded
  child.kill()
  return { kind, ...done, ...summary(samples), grew: growth(samples) }
}

function summary(samples: readonly Sample[]): Omit<Soaked, keyof Done | 'kind' | 'grew'> {
  const third = Math.ceil(samples.length / 3)
  const [first, settled, last] = [samples.slice(0, 3), samples.slice(third, 2 * third), samples.slice(-third)]
  const mb = (part: readonly Sample[]): number => Math.round(median(part.map(({ heapBytes }) => heapBytes)) / 1e5) / 10
  const both = (name: keyof Sample): [number, number] => [
    median(settled.map((each) => each[name])),
    median(last.map((each) => each[name])),
  ]
  return {
    samples: samples.length,
    heapMb: [mb(first), mb(settled), mb(last)],
    handles: both('handles'),
    timers: both('timers'),
    listeners: both('listeners'),
    delayMs: Math.max(...samples.map(({ delayMs }) => delayMs)),
    delayP99Ms: median(samples.map(({ delayP99Ms }) => delayP99Ms)),
  }
}

async function passInChild(count: number): Promise<Passed> {
  const child = start(`pass ${count}`)
  const passed = await message<Passed>(child)
  child.kill()
  return passed
}

function start(task: string): ChildProcess {
  return fork(fileURLToPath(import.meta.url), [], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, SOAK_ROLE: task },
  })
}

function message<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a process ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (answer) => {
      child.off('exit', ended)
      resolve(answer as Answer) // Both ends are in this package.
    })
  })
}
