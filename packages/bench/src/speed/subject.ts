/** The frameworks by which cells are grouped; `core` is `sessions.open()` and `commit()` without one. */
export const FRAMEWORKS = ['core', 'express', 'fastify', 'koa', 'hono'] as const
export type FrameworkName = (typeof FRAMEWORKS)[number]

/**
 * What a request does. `read` and `write` come with a session and use it, `unread` comes with one and does not look at it,
 * `anonymous` looks for one without a cookie, `forged` with a cookie that has one character changed.
 */
export const REQUESTS = ['read', 'write', 'unread', 'anonymous', 'forged', 'sign-in'] as const
export type RequestKind = (typeof REQUESTS)[number]

/** Bytes of data in a session, about. */
export const SIZES = [100, 2048, 20_480] as const

/** Where a library keeps its sessions; `none` is an app without one. */
export type StoreName = 'none' | 'memory' | 'redis' | 'cookie'

/** What a handler is given: `req` of Express, `request` of Fastify, `ctx` of Koa, `c` of Hono. Only its library knows it. */
export type Context = never

/** The data of one session. */
export interface Data {
  readonly user: { readonly id: string; readonly name: string; readonly role: string }
  readonly count: number
  readonly items?: readonly object[]
}

/** Answers a path with a JSON body. */
export type Answer = (context: Context) => Promise<object>

/** An app with its sessions and routes. `proxied`: a proxy on the same machine ends TLS. */
export interface App {
  readonly mount: (app: never) => unknown
  readonly routes: Readonly<Record<string, Answer>>
  readonly proxied?: boolean
}

/** How an app is built; Hono has `fetch` besides. */
export interface Framework {
  listener(app: App): Promise<(req: object, res: object) => void>
  fetch?(app: App): Promise<(request: Request) => Promise<Response>>
}

/** Where a library may keep sessions, and the secret to use. */
export interface Setup {
  readonly redis: object | null
  readonly secret: string
}

/** How sessions are used with a library, as its README says. */
export interface Library {
  readonly name: string
  readonly framework: FrameworkName
  readonly stores: readonly StoreName[]
  /** Left out: all. A cookie holds no 20 KB. */
  readonly sizes?: readonly number[] | undefined
  /** Left out: all. */
  readonly requests?: readonly RequestKind[]
  mount(app: never, setup: Setup): unknown
  read(context: Context): Shown | null | undefined | Promise<Shown | null | undefined>
  write?(context: Context, count: number): unknown
  signIn(context: Context, data: Data): unknown
}

/** What is read of a session. */
export interface Shown {
  readonly user?: { readonly name?: string } | null
  readonly count?: number
}

/** A session's data of about this many bytes of JSON. */
export function dataOf(bytes: number): Data {
  const user = { id: 'u_8f3a21', name: 'Ada Lovelace', role: 'admin' }
  const item = (index: number) => ({
    id: `sku-${1000 + index}`,
    title: 'A thing that is for sale',
    quantity: index % 9,
  })
  const small: Data = { user, count: 0 }
  const each = JSON.stringify(item(1)).length + 1
  const items = Array.from({ length: Math.floor((bytes - JSON.stringify(small).length) / each) }, (_, index) =>
    item(index),
  )
  return items.length === 0 ? small : { ...small, items }
}

/** The routes of an app with this library, or with none. All send an answer of the same size. */
export function routesOf(library: Library | null): Record<string, Answer> {
  let writes = 0
  const routes: Record<string, Answer> = {
    '/read': async (context) => ({ name: (await library?.read(context))?.user?.name ?? 'nobody here.' }),
    '/unread': async () => ({ name: 'nobody here.' }),
    '/count': async (context) => ({ name: String((await library?.read(context))?.count ?? 'none') }),
    '/write': async (context) => {
      writes += 1
      await library?.write?.(context, writes)
      return { name: 'nobody here.' }
    },
  }
  for (const bytes of SIZES) {
    const data = JSON.stringify(dataOf(bytes))
    routes[`/sign-in/${bytes}`] = async (context) => {
      await library?.signIn(context, JSON.parse(data))
      return { name: 'nobody here.' }
    }
  }
  return routes
}
