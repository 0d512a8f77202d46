import type { SessionStore } from '@sess/core'
import { forge, pathOf, wireOf } from './cells.ts'
import { ourMemory, ours } from './ours.ts'
import { connect, peers } from './peers.ts'
import { type FrameworkName, type Library, REQUESTS, type RequestKind } from './subject.ts'
import { type Tap, tap } from './tap.ts'
import { type Answered, cookiesAfter, type Wire } from './wire.ts'

/** What requests cost besides time; per request, counted. Sessions hold 100 B of data. */
export interface Counted {
  readonly library: string
  readonly framework: FrameworkName
  readonly store: string
  readonly request: RequestKind
  /** Bytes of the cookie that the request carries, and of the Set-Cookie values of its answer. */
  readonly cookieBytes: number
  readonly setCookieBytes: number
  /** Where the store is Redis. */
  readonly commands?: number
  readonly trips?: number
  readonly redisBytes?: number
}

const REPEATS = 20

/** Counts everything for every library: in Redis where it can be, else where it keeps its sessions. */
export async function counts(redisUrl: string | null, only: (name: string) => boolean): Promise<Counted[]> {
  const found: Counted[] = []
  const frameworks = ['express', 'fastify', 'koa', 'hono'] as const
  for (const library of [...frameworks.map((name) => ours(name)), ...(await peers())]) {
    if (!only(`${library.name} ${library.framework}`)) continue
    const inRedis = redisUrl !== null && library.stores.includes('redis')
    const way = inRedis ? await tap(redisUrl) : null
    found.push(...(await countLibrary(library, way)))
    await way?.close()
  }
  return found
}

async function countLibrary(library: Library, way: Tap | null): Promise<Counted[]> {
  const client = way === null ? null : await connect(way.url)
  // Sessions of the core alone have no wire of a framework, and are not counted here.
  const framework = library.framework as Exclude<FrameworkName, 'core'>
  const wire = await wireOf(framework, library, client)
  const rows: Counted[] = []
  for (const request of REQUESTS) {
    if (!(library.requests?.includes(request) ?? true)) continue
    const { before, used } = await countRequests(wire, request, way)
    const each = { cookieBytes: before.length, setCookieBytes: used.setCookieBytes / REPEATS }
    const store = way === null ? (library.stores[0] ?? 'none') : 'redis'
    const traffic =
      way === null
        ? {}
        : {
            commands: used.commands / REPEATS,
            trips: used.trips / REPEATS,
            redisBytes: Math.round(used.bytes / REPEATS),
          }
    rows.push({ library: library.name, framework, store, request, ...each, ...traffic })
  }
  client?.destroy()
  return rows
}

/** Requests one after the other, each of a session of its own whose first request was another. */
async function countRequests(wire: Wire, request: RequestKind, way: Tap | null) {
  const used = { setCookieBytes: 0, commands: 0, trips: 0, bytes: 0 }
  let before = ''
  for (let turn = 0; turn <= REPEATS; turn += 1) {
    before = await cookieFor(wire, request)
    const already = { ...way?.traffic }
    const answer = await wire.peek(pathOf(request, 100), before)
    if (turn === 0) continue // scripts are loaded
    used.setCookieBytes += setCookieBytes(answer)
    for (const name of ['commands', 'trips', 'bytes'] as const)
      used[name] += (way?.traffic[name] ?? 0) - (already[name] ?? 0)
  }
  return { before, used }
}

async function cookieFor(wire: Wire, request: RequestKind): Promise<string> {
  if (request === 'anonymous' || request === 'sign-in') return ''
  const cookie = cookiesAfter('', await wire.peek('/sign-in/100', ''))
  const used = cookiesAfter(cookie, await wire.peek('/read', cookie))
  return request === 'forged' ? forge(used) : used
}

const setCookieBytes = ({ setCookies }: Answered): number => setCookies.reduce((sum, line) => sum + line.length, 0)

/** Calls of a store, by method. */
export interface Calls {
  get: number
  create: number
  replace: number
  touch: number
}

/** A store that counts its calls. */
export function counted(store: SessionStore, calls: Calls): SessionStore {
  const count = <Name extends keyof Calls>(name: Name) =>
    ((...args: Parameters<SessionStore[Name]>) => {
      calls[name] += 1
      // A method and its own arguments; TypeScript does not follow a name that is a parameter.
      return (store[name] as (...args: unknown[]) => unknown)(...args)
    }) as SessionStore[Name]
  return {
    durable: store.durable,
    get: count('get'),
    create: count('create'),
    replace: count('replace'),
    touch: count('touch'),
  }
}

/** What each kind of request asks of the store, and what a thousand reads of one session do. */
export interface StoreCalls {
  readonly requests: Readonly<Record<RequestKind, Calls>>
  readonly thousandReads: Calls
}

const none = (): Calls => ({ get: 0, create: 0, replace: 0, touch: 0 })

/** Counts the calls that sess makes, through a wire that is built around the store. */
export async function storeCalls(wireUpon: (store: SessionStore) => Promise<Wire>): Promise<StoreCalls> {
  const calls = none()
  const wire = await wireUpon(counted(ourMemory(), calls))
  const during = async (work: () => Promise<unknown>): Promise<Calls> => {
    Object.assign(calls, none())
    await work()
    return { ...calls }
  }
  const requests: Partial<Record<RequestKind, Calls>> = {}
  for (const request of REQUESTS) {
    const cookie = await cookieFor(wire, request)
    requests[request] = await during(() => wire.peek(pathOf(request, 100), cookie))
  }
  const cookie = await cookieFor(wire, 'read')
  const thousandReads = await during(async () => {
    for (let turn = 0; turn < 1000; turn += 1) await wire.send('/read', cookie)
  })
  // Every kind of request was gone through above.
  return { requests: requests as Record<RequestKind, Calls>, thousandReads }
}
