import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SECRET } from './cells.ts'
import { ours } from './ours.ts'
import { frameworkOf, loadGenerator } from './peers.ts'
import { type Spread, spread } from './rounds.ts'
import { type FrameworkName, type Library, routesOf } from './subject.ts'
import { cookiesAfter, HEADERS } from './wire.ts'

/** Requests per second over HTTP, of an app with sess and of the same app with a middleware that does nothing. */
export interface Throughput {
  readonly framework: FrameworkName
  readonly withSess: Spread
  readonly without: Spread
  readonly ratio: Spread
  readonly failures: number
}

/** A middleware that does nothing, in each framework. */
const noops = {
  express: (app: Mounting) => app.use((_req: object, _res: object, next: () => void) => next()),
  koa: (app: Mounting) => app.use((_ctx: object, next: () => Promise<void>) => next()),
  fastify: (app: Mounting) => app.addHook('onRequest', (_request: object, _reply: object, done: () => void) => done()),
  hono: (app: Mounting) => app.use((_c: object, next: () => Promise<void>) => next()),
}

interface Mounting {
  use(middleware: unknown): unknown
  addHook(name: string, hook: unknown): unknown
}

type Name = keyof typeof noops

/** In a process of its own: serves an app until it is ended, and says on which port. */
export async function serve(name: Name, withSess: boolean): Promise<void> {
  const library: Library = ours(name, { proxied: true })
  const mount = (app: never) => (withSess ? library.mount(app, { redis: null, secret: SECRET }) : noops[name](app))
  const routes = routesOf(withSess ? library : null)
  const listener = await (await frameworkOf(name)).listener({ mount, routes, proxied: true })
  const server = createServer(listener)
  process.once('disconnect', () => process.exit())
  // It listens on a port, so this is its address.
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

/** Reads with a session of 100 B, 32 connections at a time, turn and turn about. */
export async function throughput(program: string, rounds: number, seconds: number): Promise<Throughput[]> {
  const load = await loadGenerator()
  const found: Throughput[] = []
  for (const framework of Object.keys(noops) as Name[]) {
    const servers = await Promise.all([begin(program, framework, true), begin(program, framework, false)])
    const perSecond: [number[], number[]] = [[], []]
    let failures = 0
    // The first round warms up.
    for (let turn = 0; turn <= rounds; turn += 1) {
      for (const which of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const { url, headers } = servers[which]
        const result = await load(`${url}/read`, headers, seconds)
        failures += result.failures
        if (turn > 0) perSecond[which].push(result.perSecond)
      }
    }
    for (const server of servers) server.stop()
    const ratio = spread(perSecond[0].map((value, turn) => value / (perSecond[1][turn] ?? Number.NaN)))
    found.push({ framework, withSess: spread(perSecond[0]), without: spread(perSecond[1]), ratio, failures })
    console.error(`throughput: ${framework}`)
  }
  return found
}

async function begin(program: string, framework: Name, withSess: boolean) {
  const child = fork(program, ['--child', `serve ${framework} ${withSess ? 'sess' : 'noop'}`])
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (port) => resolve(Number(port)))
    child.once('exit', () => reject(new Error(`The server with ${framework} ended.`)))
  })
  const url = `http://127.0.0.1:${port}`
  const headers = { ...HEADERS, 'x-forwarded-proto': 'https' }
  const response = await fetch(`${url}/sign-in/100`, { headers })
  const answer = { status: response.status, setCookies: response.headers.getSetCookie(), body: await response.text() }
  const withCookie = { ...headers, cookie: cookiesAfter(`sid=${'x'.repeat(88)}`, answer) }
  const read = await (await fetch(`${url}/read`, { headers: withCookie })).text()
  if (withSess !== read.includes('Ada Lovelace')) throw new Error(`${framework} answered ${read}`)
  return { url, headers: withCookie, stop: () => child.kill() }
}
