import { deepStrictEqual } from 'node:assert/strict'
import { bareWire, ourMemory, ours, ourWire } from './ours.ts'
import { type Connection, frameworkOf, peers } from './peers.ts'
import {
  dataOf,
  type Framework,
  type FrameworkName,
  type Library,
  REQUESTS,
  type RequestKind,
  routesOf,
  SIZES,
  type StoreName,
} from './subject.ts'
import { cookiesAfter, fetchWire, nodeWire, type Wire } from './wire.ts'

/** What is measured: one kind of request to one app. */
export interface CellName {
  readonly framework: FrameworkName
  readonly library: string
  readonly store: StoreName
  readonly request: RequestKind
  /** Bytes of data in the session; 0 where there is none. */
  readonly bytes: number
}

export interface Cell extends CellName {
  /** The library whose time is taken off; left out: none. */
  readonly base?: string
  /** One request of those that belong to it; which one is the number's business. */
  send(index: number): Promise<void>
}

/** An app, ready, with its cells. */
export interface Subject {
  readonly library: Library | null
  readonly framework: FrameworkName
  readonly store: StoreName
  readonly wire: Wire
}

/** Sessions that the requests of a cell take turns with, so that no two at a time are of one. */
const SESSIONS = 64

/** Never used for anything but this. */
export const SECRET = 'Zk3vT9wQ1xLr7uYc5bNf8mHs2dPg6jAe4oXi0qRy'

/** Builds an app in this process. Hono is asked by `fetch`, the others through node:http. */
export async function wireOf(name: Exclude<FrameworkName, 'core'>, library: Library | null, redis: object | null) {
  const framework: Framework = await frameworkOf(name)
  const app = { mount: (app: never) => library?.mount(app, { redis, secret: SECRET }), routes: routesOf(library) }
  return framework.fetch === undefined ? nodeWire(await framework.listener(app)) : fetchWire(await framework.fetch(app))
}

/** The apps of a framework: no session, sess, and the others, in memory and in Redis. None, if no library of it is wanted. */
export async function subjects(
  framework: FrameworkName,
  redis: Connection | null,
  only: (name: string) => boolean,
): Promise<Subject[]> {
  const libraries = framework === 'core' ? [OURS_ALONE] : [ours(framework), ...(await peers())]
  const wanted = libraries.filter((library) => library.framework === framework && only(`${library.name} ${framework}`))
  if (wanted.length === 0) return []
  const found: Subject[] = [{ library: null, framework, store: 'none', wire: await bareApp(framework) }]
  for (const library of wanted) {
    for (const store of library.stores) {
      if (store !== 'redis') found.push(await subject(library, store, null))
      else if (redis !== null) found.push(await subject(library, store, redis))
    }
  }
  return found
}

const bareApp = async (framework: FrameworkName): Promise<Wire> =>
  framework === 'core' ? bareWire() : wireOf(framework, null, null)

async function subject(library: Library, store: StoreName, redis: Connection | null): Promise<Subject> {
  const { framework } = library
  const wire = framework === 'core' ? ourWire(ourMemory(), dataOf) : await wireOf(framework, library, redis)
  return { library, framework, store, wire }
}

/** sess with its memory store. */
export const ourSubject = (framework: FrameworkName): Promise<Subject> =>
  subject(framework === 'core' ? OURS_ALONE : ours(framework), 'memory', null)

/** What {@link ourWire} needs to be one of them. */
const OURS_ALONE: Library = {
  name: 'sess',
  framework: 'core',
  stores: ['memory'],
  mount() {},
  read: () => null,
  write() {},
  signIn() {},
}

/** The cells of an app: each is checked to do what it says before anything is timed. */
export async function cellsOf(subject: Subject): Promise<Cell[]> {
  const { library } = subject
  if (library === null) return bareCells(subject)
  const cells: Cell[] = []
  for (const bytes of library.sizes ?? SIZES) {
    const cookies = await signedIn(subject, bytes)
    for (const request of REQUESTS) {
      if (!measures(library, request) || (bytes !== SIZES[0] && !hasData(request))) continue
      await check(subject, request, bytes, cookies[0] ?? '')
      cells.push(cell(subject, request, bytes, request === 'forged' ? cookies.map(forge) : cookies))
    }
  }
  return cells
}

const hasData = (request: RequestKind): boolean => ['read', 'write', 'unread'].includes(request)

const measures = (library: Library, request: RequestKind): boolean =>
  library.requests?.includes(request) ?? (request !== 'write' || library.write !== undefined)

function bareCells(subject: Subject): Cell[] {
  const cookies = Array.from({ length: SESSIONS }, (_, index) => `sid=${'x'.repeat(88)}${index}`)
  return REQUESTS.map((request) => cell(subject, request, hasData(request) || request === 'sign-in' ? 100 : 0, cookies))
}

function cell(subject: Subject, request: RequestKind, bytes: number, cookies: readonly string[]): Cell {
  const { framework, library, store, wire } = subject
  const path = pathOf(request, bytes)
  const bare = request === 'anonymous' || request === 'sign-in'
  return {
    ...{ framework, library: library?.name ?? 'no session', store, request },
    bytes: hasData(request) || request === 'sign-in' ? bytes : 0,
    send: (index) => wire.send(path, bare ? '' : (cookies[index % SESSIONS] ?? '')),
  }
}

export function pathOf(request: RequestKind, bytes: number): string {
  if (request === 'sign-in') return `/sign-in/${bytes}`
  return hasData(request) ? `/${request}` : '/read'
}

async function signedIn({ wire }: Subject, bytes: number): Promise<string[]> {
  const cookies: string[] = []
  while (cookies.length < SESSIONS) {
    const answer = await wire.peek(`/sign-in/${bytes}`, '')
    deepStrictEqual(answer.status, 200, answer.body)
    cookies.push(cookiesAfter('', answer))
  }
  return cookies
}

/** The same cookies, the last character but nine of each another one: some bits of the last ones do not count. */
export function forge(cookies: string): string {
  return cookies.replaceAll(/.(?=.{9}(?:; |$))/g, (last) => (last === 'A' ? 'B' : 'A'))
}

async function check({ wire, library }: Subject, request: RequestKind, bytes: number, cookie: string): Promise<void> {
  const says = async (path: string, cookies: string, name: string) => {
    const { body } = await wire.peek(path, cookies)
    deepStrictEqual(JSON.parse(body), { name }, `${library?.name}: ${request} with ${bytes} B`)
  }
  if (request === 'read') await says('/read', cookie, 'Ada Lovelace')
  if (request === 'unread') await says('/unread', cookie, 'nobody here.')
  if (request === 'anonymous') await says('/read', '', 'nobody here.')
  if (request === 'forged') await says('/read', forge(cookie), 'nobody here.')
  if (request === 'sign-in')
    await says('/read', cookiesAfter('', await wire.peek(pathOf(request, bytes), '')), 'Ada Lovelace')
  if (request === 'write') {
    const before = await wire.peek('/count', cookie)
    const after = await wire.peek('/count', cookiesAfter(cookie, await wire.peek('/write', cookie)))
    if (before.body === after.body || /none/.test(after.body))
      throw new Error(`${library?.name}: the write wrote nothing`)
  }
}
