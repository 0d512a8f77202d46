import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { createSessions, memoryStore } from '@sess/core'
import { UnreliableStore } from '@sess/testkit'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { afterEach, describe, expect, test } from 'vitest'
import { csrf, sess } from '../src/index.ts'

const store = new UnreliableStore(memoryStore())
const sessions = createSessions({ store })
const servers: Server[] = []
const always = { times: Number.POSITIVE_INFINITY }
afterEach(async () => {
  store.reset()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

async function listen(app: Koa3): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const developer = { ip: '127.0.0.1', secure: false }

/** A session that another instance of the application has signed in. */
async function signedIn(): Promise<string> {
  const session = await sessions.open({ ...developer, headers: { host: 'localhost' } })
  session.signIn('alice')
  await session.commit()
  return String(session.toHeaders()[0]?.[1]).split(';')[0] ?? ''
}

async function stored(cookie: string): Promise<{ subject: string | null; data: object }> {
  const { subject, data } = await sessions.open({ ...developer, headers: { host: 'localhost', cookie } })
  return { subject, data }
}

function get(url: string, cookie = '', headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { headers: cookie === '' ? headers : { ...headers, cookie } })
}

const names = (response: Response) => response.headers.getSetCookie().map((line) => line.split('=')[0])

// Their types differ where these tests do not look.
const Koas = { 2: Koa2 as unknown as typeof Koa3, 3: Koa3 }

describe.each([2, 3] as const)('Koa %i', (version) => {
  function create(): { app: Koa3; errors: unknown[] } {
    const app = new Koas[version]()
    const errors: unknown[] = []
    app.on('error', (error) => errors.push(error))
    return { app, errors }
  }

  function mount(handler: Koa3.Middleware, ...before: Koa3.Middleware[]) {
    const { app, errors } = create()
    for (const each of before) app.use(each)
    app.use(sess(sessions)).use(handler)
    return { app, errors, started: listen(app) }
  }

  test('finds the session by ctx and by ctx.req', async () => {
    const { started } = mount((ctx) => {
      ctx.body = ctx.session === sessions.of(ctx) && ctx.session === sessions.of(ctx.req)
    })
    expect(await (await get(await started)).json()).toBe(true)
  })

  describe('a failed commit', () => {
    const bodies: Record<string, () => unknown> = {
      text: () => 'page',
      'a stream': () => Readable.from(['page']),
      nothing: () => null,
    }
    test.each(Object.keys(bodies))('reaches the middleware upstream, with a body of %s', async (kind) => {
      const { started } = mount(
        (ctx) => {
          ctx.session.data.n = 1
          ctx.set('ETag', '"1"')
          ctx.body = bodies[kind]?.()
        },
        async (ctx, next) => {
          await next().catch((error: { status: number; code: string }) => {
            ctx.status = error.status
            ctx.body = error.code
          })
        },
      )
      const url = await started
      store.fail('any', always)
      const response = await get(url)
      expect([response.status, await response.text()]).toEqual([503, 'ERR_SESS_STORE_UNAVAILABLE'])
      expect(names(response)).toEqual([])
    })

    test('is answered by Koa with its status, and emitted', async () => {
      const { errors, started } = mount((ctx) => {
        ctx.session.data.n = 1
        ctx.body = 'page'
      })
      const url = await started
      store.fail('any', always)
      const response = await get(url)
      expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable'])
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_SESS_STORE_UNAVAILABLE' })])
    })
  })

  test('does not run the handler when the session cannot be opened', async () => {
    let ran = 0
    const { started } = mount((ctx) => {
      ctx.body = `${++ran}`
    })
    const url = await started
    const cookie = await signedIn()
    store.fail('get', always)
    expect((await get(url, cookie)).status).toBe(503)
    expect((await get(url, `__Host-Http-${cookie}`, { via: '1.1 proxy' })).status).toBe(400)
    expect(ran).toBe(0)
  })

  describe('a handler that throws', () => {
    test('keeps a sign-out, and the cookie is cleared though Koa removes all headers', async () => {
      const { errors, started } = mount((ctx) => {
        ctx.session.data.n = 1
        ctx.session.signOut()
        throw new Error('broken')
      })
      const cookie = await signedIn()
      const response = await get(await started, cookie)
      expect([response.status, response.headers.get('set-cookie')]).toEqual([500, expect.stringMatching(/^sid=;/)])
      expect(await stored(cookie)).toEqual({ subject: null, data: {} })
      expect(errors).toHaveLength(1)
    })

    test('keeps data when the answer is below 500, and drops it from there on', async () => {
      const { started } = mount((ctx) => {
        ctx.session.data.path = ctx.path
        ctx.throw(ctx.path === '/refuse' ? 403 : 502)
      })
      const url = await started
      const cookie = await signedIn()
      expect((await get(`${url}/fail`, cookie)).status).toBe(502)
      expect(await stored(cookie)).toEqual({ subject: 'alice', data: {} })
      expect((await get(`${url}/refuse`, cookie)).status).toBe(403)
      expect(await stored(cookie)).toEqual({ subject: 'alice', data: { path: '/refuse' } })
    })

    test('and is rescued upstream commits with the status that is sent', async () => {
      const { started } = mount(
        (ctx) => {
          ctx.session.signIn('bob')
          throw new Error('broken')
        },
        async (ctx, next) => {
          await next().catch(() => {
            ctx.body = 'rescued'
          })
        },
      )
      const response = await get(await started)
      expect([response.status, await response.text(), names(response)]).toEqual([200, 'rescued', ['sid']])
    })

    test('the same error for everybody leaks no cookie through it', async () => {
      const shared = Object.assign(new Error('full'), { status: 429 })
      const { started } = mount((ctx) => {
        if (ctx.path === '/sign-in') ctx.session.signIn('alice')
        throw shared
      })
      const url = await started
      expect(names(await get(`${url}/sign-in`))).toEqual(['sid'])
      expect(names(await get(url))).toEqual([])
      expect(shared).not.toHaveProperty('headers')
    })
  })

  describe('after the headers', () => {
    test('saves what a stream changes, before its end', async () => {
      const { started } = mount((ctx) => {
        const { session } = ctx
        ctx.body = Readable.from(
          (async function* () {
            yield 'first'
            session.data.late = true
          })(),
        )
      })
      const cookie = await signedIn()
      await (await get(await started, cookie)).text()
      expect(await stored(cookie)).toEqual({ subject: 'alice', data: { late: true } })
    })

    test('emits the error of a change that cannot be saved, and cuts the response', async () => {
      const { errors, started } = mount((ctx) => {
        const { session } = ctx
        ctx.body = Readable.from(
          (async function* () {
            yield 'first'
            session.data.late = true
          })(),
        )
      })
      const url = await started
      await expect(get(url).then((response) => response.text())).rejects.toThrow()
      expect(errors).toContainEqual(expect.objectContaining({ code: 'ERR_SESS_HEADERS_SENT' }))
    })

    test('carries out a sign-out though the client has gone', async () => {
      const sent: Koa3.Context[] = []
      const { started } = mount((ctx) => {
        const body = new PassThrough()
        body.write('first')
        ctx.body = body
        sent.push(ctx as Koa3.Context)
      })
      const url = await started
      const cookie = await signedIn()
      const leaving = new AbortController()
      await fetch(url, { headers: { cookie }, signal: leaving.signal })
      sent[0]?.session.signOut()
      leaving.abort()
      await expect.poll(() => stored(cookie)).toEqual({ subject: null, data: {} })
    })
  })

  describe('ctx.respond = false', () => {
    test('commits before the first byte that the handler writes', async () => {
      const { started } = mount((ctx) => {
        ctx.respond = false
        ctx.session.signIn('alice')
        setImmediate(() => ctx.res.writeHead(201, { 'Set-Cookie': 'a=1' }).end('raw'))
      })
      const response = await get(await started)
      expect([response.status, await response.text(), names(response)]).toEqual([201, 'raw', ['a', 'sid']])
    })

    test('sends one cookie to a handler that calls toHeaders() itself', async () => {
      const { started } = mount(async (ctx) => {
        ctx.respond = false
        ctx.session.signIn('alice')
        await ctx.session.commit()
        ctx.res.writeHead(200, ctx.session.toHeaders().flat())
        ctx.res.end()
      })
      expect(names(await get(await started))).toEqual(['sid'])
    })

    test('emits the error of a change after the headers that needs a cookie', async () => {
      const { errors, started } = mount((ctx) => {
        ctx.respond = false
        ctx.res.write('first')
        ctx.session.data.n = 1
        ctx.res.end()
      })
      const url = await started
      await expect(get(url).then((response) => response.text())).rejects.toThrow()
      expect(errors).toContainEqual(expect.objectContaining({ code: 'ERR_SESS_HEADERS_SENT' }))
    })
  })

  test('lets two instances live on one request, and refuses one name for both', async () => {
    const admin = createSessions({ store: memoryStore(), cookie: { name: 'admin' } })
    const { app } = create()
    app
      .use(sess(sessions))
      .use(sess(sessions))
      .use(sess(admin, { property: 'admin' }))
    app.use(async (ctx, next) => {
      if (ctx.path === '/clash') return sess(createSessions({ store: memoryStore() }))(ctx, next)
      ctx.session.signIn('alice')
      admin.of(ctx).signIn('root')
      ctx.body = ctx.admin === admin.of(ctx)
    })
    const url = await listen(app)
    const response = await get(url)
    expect([await response.json(), names(response)]).toEqual([true, ['sid', 'admin']])
    expect((await get(`${url}/clash`)).status).toBe(500)
  })

  test('does not touch the application or other applications', async () => {
    const { started } = mount((ctx) => {
      ctx.body = 'ok'
    })
    await get(await started)
    const { app, errors } = create()
    app.use((ctx) => {
      ctx.body = { has: 'session' in ctx, subject: sessions.of(ctx).subject }
    })
    expect((await get(await listen(app))).status).toBe(500)
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_SESS_NOT_MOUNTED' })])
    expect('session' in app.context).toBe(false)
  })

  test.each([
    [true, 'https', '__Host-Http-sid'],
    [true, 'http', undefined],
    [false, 'https', undefined],
    [false, undefined, 'sid'],
  ])('with app.proxy %j and X-Forwarded-Proto %s sets the cookie %s', async (proxy, proto, name) => {
    const { app, started } = mount((ctx) => {
      ctx.session.data.n = 1
      ctx.body = 'ok'
    })
    app.proxy = proxy
    const forwarded = proto === undefined ? {} : { 'x-forwarded-proto': proto, 'x-forwarded-for': '127.0.0.1' }
    const response = await get(await started, '', forwarded)
    expect([names(response)[0], response.status]).toEqual([name, name === undefined ? 400 : 200])
  })
})

test('refuses what createSessions() did not return', () => {
  // @ts-expect-error the common slip
  expect(() => sess({ store })).toThrow(/createSessions\(\)/)
  // @ts-expect-error the common slip
  expect(() => csrf({ store })).toThrow(/createSessions\(\)/)
})
