import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SECRET } from './cells.ts'
import { ours } from './ours.ts'
import { frameworkOf, loadGenerator } from './peers.ts'
import { floor, type Spread, spread } from './rounds.ts'
import { type FrameworkName, type Library, routesOf } from './subject.ts'
import { cookiesAfter, HEADERS } from './wire.ts'

/** Requests per second over HTTP, of an app with sess and of the same app with a middleware that does nothing. */
export interface Throughput {
  readonly framework: FrameworkName
  readonly withSess: Spread
  readonly without: Spread
  readonly ratio: Spread
  /** The same for a middleware that does {@link floor} and nothing else. */
  readonly withFloor: Spread
  readonly floorRatio: Spread
  readonly failures: number
}

/** A middleware that does some work, in each framework. */
const middleware = {
  express: (app: Mounting, work: Work) => app.use((_req: object, _res: object, next: Next<void>) => next(work())),
  koa: (app: Mounting, work: Work) => app.use((_ctx: object, next: Next<Promise<void>>) => next(work())),
  fastify: (app: Mounting, work: Work) =>
    app.addHook('onRequest', (_request: object, _reply: object, done: Next<void>) => done(work())),
  hono: (app: Mounting, work: Work) => app.use((_c: object, next: Next<Promise<void>>) => next(work())),
}

type Work = () => undefined
type Next<Result> = (nothing: undefined) => Result

interface Mounting {
  use(middleware: unknown): unknown
  addHook(name: string, hook: unknown): unknown
}

type Name = keyof typeof middleware
/** What stands between the server and its handlers. */
type Kind = 'noop' | 'floor' | 'sess'
const KINDS: readonly Kind[] = ['noop', 'floor', 'sess']

/** In a process of its own: serves an app until it is ended, and says on which port. */
export async function serve(name: Name, kind: Kind): Promise<void> {
  const library: Library = ours(name, { proxied: true })
  const { all } = floor()
  let turn = 0
  const work = (): undefined => {
    turn += 1
    if (kind === 'floor') all(turn)
  }
  const mount = (app: never) =>
    kind === 'sess' ? library.mount(app, { redis: null, secret: SECRET }) : middleware[name](app, work)
  const routes = routesOf(kind === 'sess' ? library : null)
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
  for (const framework of Object.keys(middleware) as Name[]) {
    const servers = await Promise.all(KINDS.map((kind) => begin(program, framework, kind)))
    let failures = 0
    // The first round warms up.
    for (let turn = 0; turn <= rounds; turn += 1) {
      for (const { url, headers, perSecond } of turn % 2 === 0 ? servers : servers.toReversed()) {
        const result = await load(`${url}/read`, headers, seconds)
        failures += result.failures
        if (turn > 0) perSecond.push(result.perSecond)
      }
    }
    for (const server of servers) server.stop()
    const [noop = [], least = [], sess = []] = servers.map(({ perSecond }) => perSecond)
    const ratio = (values: readonly number[]) => spread(values.map((value, at) => value / (noop[at] ?? Number.NaN)))
    found.push({
      ...{ framework, withSess: spread(sess), without: spread(noop), ratio: ratio(sess) },
      ...{ withFloor: spread(least), floorRatio: ratio(least), failures },
    })
    console.error(`throughput: ${framework}`)
  }
  return found
}

async function begin(program: string, framework: Name, kind: Kind) {
  const child = fork(program, ['--child', `serve ${framework} ${kind}`])
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
  if ((kind === 'sess') !== read.includes('Ada Lovelace')) throw new Error(`${framework} answered ${read}`)
  return { url, headers: withCookie, perSecond: [] as number[], stop: () => child.kill() }
}
