import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, systemClock } from '@sess/core'
import type { Demo, DemoServer, FrameworkName } from './actions.ts'
import { EventLog } from './events.ts'
import { Outcomes, SlowRequests } from './experiments.ts'
import { expressServer } from './frameworks/express.ts'
import { fastifyServer } from './frameworks/fastify.ts'
import { honoServer } from './frameworks/hono.ts'
import { koaServer } from './frameworks/koa.ts'
import { nodeServer } from './frameworks/node.ts'
import { createDemoSessions } from './sessions.ts'
import { memoryStorage, type Storage } from './storage.ts'

export type { Demo, DemoServer, FrameworkName }

const FRAMEWORKS: readonly [FrameworkName, (demo: Demo) => Server | Promise<Server>][] = [
  ['Express', expressServer],
  ['Fastify', fastifyServer],
  ['Koa', koaServer],
  ['Hono', honoServer],
  ['node:http', nodeServer],
]

export interface RunningDemo extends Demo {
  /** Ends the event streams, closes all servers and then the storage, and resolves when they are. */
  close(): Promise<void>
}

/**
 * Starts one server per framework on consecutive loopback ports, all with the same sessions.
 *
 * @param firstPort 0 takes free ports
 * @param clock what the sessions go by
 * @param storage where they are kept; closed with the demo, also when it cannot start
 * @param trustProxy one proxy stands in front, and terminates https
 */
export async function startDemo(
  firstPort: number,
  clock: Clock = systemClock,
  storage: Storage = memoryStorage(),
  trustProxy: boolean = false,
): Promise<RunningDemo> {
  const sessions = createDemoSessions(clock, storage)
  const events = new EventLog(sessions)
  const servers: DemoServer[] = []
  const { summary } = storage
  const outcomes = new Outcomes()
  const demo = { clock, trustProxy, sessions, summary, events, outcomes, slowRequests: new SlowRequests(), servers }
  const running: Server[] = []
  const close = async () => {
    events.close()
    await Promise.all(running.map(stop))
    await storage.close()
  }
  try {
    for (const [index, [name, create]] of FRAMEWORKS.entries()) {
      const server = await create(demo)
      const port = await listen(server, firstPort === 0 ? 0 : firstPort + index)
      running.push(server)
      servers.push({ name, origin: `http://127.0.0.1:${port}` })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { ...demo, close }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      // Listening on a port, not on a pipe.
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** Requests that are being answered get a second. So do connections that a browser opened ahead: Node does not call them idle. */
function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => server.closeIdleConnections(), 50)
    const patience = setTimeout(() => server.closeAllConnections(), GRACE_MS)
    server.close(() => {
      clearInterval(sweep)
      clearTimeout(patience)
      resolve()
    })
  })
}

const GRACE_MS = 1_000
