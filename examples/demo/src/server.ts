import { parseArgs } from 'node:util'
import { systemClock } from '@sess/core'
import { type RunningDemo, startDemo } from './demo.ts'
import { checkDemo } from './self-check.ts'
import { openStorage, STORES, type StoreName } from './storage.ts'

const USAGE = `Usage: npm run demo -- [--port <first of five ports, default 3000; 0 takes free ones>] [--once]
                      [--store ${STORES.join('|')}] [--url <address>] [--data <folder>]

  --store where sessions live, default memory. sqlite keeps them in a file, so a restart signs nobody out
  --url   a server that runs already; default REDIS_URL, POSTGRES_URL or MYSQL_URL, else one is started for the demo
  --data  where the key and the SQLite file are; default a folder of yours among the system's temporary ones
  --once  start, check the demo over HTTP on every framework, print a table, exit 0 or 1`

interface Arguments {
  readonly port: number
  readonly once: boolean
  readonly store: StoreName
  readonly url: string | undefined
  readonly data: string | undefined
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '3000' },
      once: { type: 'boolean', default: false },
      store: { type: 'string', default: 'memory' },
      url: { type: 'string' },
      data: { type: 'string' },
    },
  })
  const port = /^\d+$/.test(values.port) ? Number(values.port) : Number.NaN
  // The last of the five ports is 65535 at most.
  if (!(port <= 65_531)) throw new Error(`--port ${values.port}: a number from 0 to 65531 is needed.`)
  const store = STORES.find((name) => name === values.store)
  if (store === undefined) throw new Error(`--store ${values.store}: one of ${STORES.join(', ')} is needed.`)
  return { port, once: values.once, store, url: values.url, data: values.data }
}

async function checkOnce(demo: RunningDemo): Promise<number> {
  try {
    const { table, ok } = await checkDemo(demo)
    console.log(table)
    return ok ? 0 : 1
  } finally {
    await demo.close()
  }
}

function serve(demo: RunningDemo): void {
  console.log('\nOne session, five servers. Sign in on any of them:\n')
  for (const { name, origin } of demo.servers) console.log(`  ${name.padEnd(10)} ${origin}`)
  console.log(`\n${demo.summary}\nCtrl-C stops them.`)
  // A second signal finds no listener and ends the process at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void demo.close())
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Errors of the system and of parseArgs have these.
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is taken. Choose others: npm run demo -- --port 4000`
  return code?.startsWith('ERR_PARSE_ARGS') ? `${error.message}\n\n${USAGE}` : error.message
}

try {
  const { port, once, store, ...options } = readArguments()
  const demo = await startDemo(port, systemClock, await openStorage(store, options))
  if (once) process.exitCode = await checkOnce(demo)
  else serve(demo)
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}
