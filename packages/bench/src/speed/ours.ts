import { createSessions, memoryStore, type Session, type SessionStore, type Sessions } from '@sess/core'
import type { RequestFacts } from '@sess/core/http'
import { sess as express } from '@sess/express'
import { sess as fastify } from '@sess/fastify'
import { sess as hono } from '@sess/hono'
import { sess as koa } from '@sess/koa'
import { type RedisClient, redisStore } from '@sess/store-redis'
import type { Data, FrameworkName, Library, Shown } from './subject.ts'
import { HEADERS, type Wire } from './wire.ts'

const KEY = '4gIv5gnXhvVcI7d6zPEpRYN0i3Qz2F4yq1hGm8oBkXw'

/**
 * The defaults, but for the periodic rotation: a run takes longer than its 15 minutes, and the driver repeats its cookies.
 * The memory store may hold what the sign-ins of a run make.
 */
export const ourSessions = (store: SessionStore): Sessions<Data> =>
  createSessions<Data>({ store, keys: KEY, rotateEvery: '20h' })

export const ourMemory = (): SessionStore => memoryStore({ max: 5_000_000 })

interface Mounting {
  use(middleware: unknown): unknown
  register(plugin: unknown, options: object): unknown
}

/** How sess is put into each framework's app; `proxied` is for the one that cannot be told otherwise. */
const mounts = {
  express: (app: Mounting, sessions: Sessions<Data>) => app.use(express(sessions)),
  koa: (app: Mounting, sessions: Sessions<Data>) => app.use(koa(sessions)),
  fastify: (app: Mounting, sessions: Sessions<Data>) => app.register(fastify, { sessions }),
  hono: (app: Mounting, sessions: Sessions<Data>, proxied: boolean) => app.use(hono(sessions, { trustProxy: proxied })),
}

/** What a handler is given, as far as it is read here. */
interface Found {
  readonly session: Session<Data>
  readonly var: { readonly session: Session<Data> }
}

/** sess as a library like the others. `watch` may stand between it and its store. */
export function ours(
  framework: Exclude<FrameworkName, 'core'>,
  { proxied = false, watch = (store: SessionStore) => store } = {},
): Library {
  // Where each adapter puts the session.
  const of = (context: Found): Session<Data> => (framework === 'hono' ? context.var : context).session
  return {
    name: 'sess',
    framework,
    stores: ['memory', 'redis'],
    mount(app: Mounting, { redis }) {
      // A client of the package that the store is made for.
      const sessions = ourSessions(watch(redis === null ? ourMemory() : redisStore(redis as RedisClient)))
      return mounts[framework](app, sessions, proxied)
    },
    read: (context): Shown => of(context).data,
    write(context, count) {
      Object.assign(of(context).data, { count })
    },
    signIn: (context, data) => signIn(of(context), data),
  }
}

function signIn(session: Session<Data>, data: Data): void {
  session.signIn(data.user.id)
  Object.assign(session.data, data)
}

/** What a handler does, without a framework: nothing, where there are no sessions. */
const handlers: Readonly<
  Record<string, (session: Session<Data>, size: number, data: (size: number) => Data) => string>
> = {
  read: ({ data }) => data.user?.name ?? 'nobody here.',
  count: ({ data }) => String(data.count ?? 'none'),
  unread: () => 'nobody here.',
  write: (session) => {
    Object.assign(session.data, { count: (session.data.count ?? 0) + 1 })
    return 'nobody here.'
  },
  'sign-in': (session, size, data) => {
    signIn(session, data(size))
    return 'nobody here.'
  },
}

/** sess as a custom server uses it: open, handle, commit, headers. */
export function ourWire(store: SessionStore, dataOf: (size: number) => Data): Wire {
  const sessions = ourSessions(store)
  const serve = async (path: string, cookie: string) => {
    const headers = cookie === '' ? HEADERS : { ...HEADERS, cookie }
    const facts: RequestFacts = { method: 'GET', url: path, headers, secure: true, ip: '192.0.2.7' }
    const session = await sessions.open(facts)
    const [, kind = '', size = ''] = path.split('/')
    const name = handlers[kind]?.(session, Number(size), dataOf)
    await session.commit()
    return { name, lines: session.toHeaders() }
  }
  return {
    async send(path, cookie) {
      await serve(path, cookie)
    },
    async peek(path, cookie) {
      const { name, lines } = await serve(path, cookie)
      const setCookies = lines.filter(([header]) => header === 'Set-Cookie').map(([, value]) => value)
      return { status: 200, setCookies, body: JSON.stringify({ name }) }
    },
  }
}

/** What is left of {@link ourWire} without sess. */
export function bareWire(): Wire {
  const serve = async (path: string, cookie: string) => {
    const headers = cookie === '' ? HEADERS : { ...HEADERS, cookie }
    return { method: 'GET', url: path, headers, path: path.split('/') }
  }
  return {
    async send(path, cookie) {
      await serve(path, cookie)
    },
    async peek(path, cookie) {
      await serve(path, cookie)
      return { status: 200, setCookies: [], body: '{"name":"nobody here."}' }
    },
  }
}
