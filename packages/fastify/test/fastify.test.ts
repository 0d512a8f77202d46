import { once } from 'node:events'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { createSessions, memoryStore } from '@sess/core'
import { UnreliableStore } from '@sess/testkit'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { csrf, sess } from '../src/index.ts'

const store = new UnreliableStore(memoryStore())
const sessions = createSessions({ store })
const open: { close(): unknown }[] = []
afterEach(async () => {
  store.reset()
  for (const each of open.splice(0)) await each.close()
})

async function mount(options: object = {}): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({ forceCloseConnections: true, ...options })
  open.push(app)
  await app.register(sess, { sessions })
  app.post('/sign-in', async (request) => request.session.signIn('alice'))
  app.get('/', async ({ session }) => ({ subject: session.subject, data: session.data }))
  return app
}

async function listen(app: FastifyInstance): Promise<string> {
  return app.listen({ port: 0, host: '127.0.0.1' })
}

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/sign-in`, { method: 'POST' })
  return cookiesOf(response)
}

function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
}

async function look(url: string, cookie: string): Promise<{ subject: string | null; data: Record<string, unknown> }> {
  return (await fetch(url, { headers: { cookie } })).json() as ReturnType<typeof look>
}

describe('a failed commit', () => {
  const answers: Record<string, (reply: FastifyReply) => unknown> = {
    text: (reply) => reply.send('fine'),
    JSON: (reply) => reply.send({ fine: true }),
    'a stream': (reply) => reply.send(Readable.from(['fine'])),
    'a web stream': (reply) => reply.send(new Response('fine').body),
    'a Response': (reply) => reply.send(new Response('fine', { headers: { 'x-kept': 'no' } })),
    'an empty 304': (reply) => reply.code(304).send(),
  }

  test.each(Object.keys(answers))('goes to the error handler instead of %s', async (kind) => {
    const app = await mount()
    app.setErrorHandler((error: Error & { code?: string; statusCode?: number }, _, reply) =>
      reply.code(error.statusCode ?? 500).send(`handled ${error.code}`),
    )
    app.route({
      method: ['GET', 'HEAD'],
      url: '/write',
      exposeHeadRoute: false,
      handler: (request, reply) => {
        request.session.data.n = 1
        reply.header('etag', '"1"').header('access-control-allow-origin', '*')
        answers[kind]?.(reply)
      },
    })
    const url = await listen(app)
    store.fail('any', { times: Number.POSITIVE_INFINITY })
    const response = await fetch(`${url}/write`)
    expect(response.status).toBe(503)
    expect(await response.text()).toBe('handled ERR_SESS_STORE_UNAVAILABLE')
    expect([response.headers.getSetCookie(), response.headers.get('etag')]).toEqual([[], null])
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect((await fetch(`${url}/write`, { method: 'HEAD' })).status).toBe(503)
  })

  test('answers with its status where there is no error handler', async () => {
    const app = await mount()
    const url = await listen(app)
    store.fail('any', { times: Number.POSITIVE_INFINITY })
    const response = await fetch(`${url}/sign-in`, { method: 'POST' })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'ERR_SESS_STORE_UNAVAILABLE', statusCode: 503 })
  })

  test('destroys the stream that the error page takes the place of', async () => {
    const app = await mount()
    const body = new PassThrough()
    app.get('/write', (request, reply) => {
      request.session.data.n = 1
      reply.send(body)
    })
    const url = await listen(app)
    store.fail('any', { times: Number.POSITIVE_INFINITY })
    expect((await fetch(`${url}/write`)).status).toBe(503)
    expect(body.destroyed).toBe(true)
  })
})

test('sends a failure to open to the error handler, and the route does not run', async () => {
  const app = await mount()
  let ran = 0
  app.get('/count', async () => ++ran)
  const url = await listen(app)
  const cookie = await signIn(url)
  store.fail('get')
  expect((await fetch(`${url}/count`, { headers: { cookie } })).status).toBe(503)
  const secure = { cookie: cookie.replace('sid=', '__Host-Http-sid='), host: 'shop.example', via: '1.1 proxy' }
  expect((await app.inject({ url: '/count', headers: secure })).statusCode).toBe(400)
  expect(ran).toBe(0)
})

describe('Response objects', () => {
  test('keep their cookies beside ours, and Cache-Control is ours', async () => {
    const app = await mount()
    app.post('/response', async (request) => {
      request.session.signIn('alice')
      const headers = new Headers({ 'cache-control': 'public, max-age=60' })
      headers.append('set-cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      return new Response('made', { status: 201, headers })
    })
    const response = await fetch(`${await listen(app)}/response`, { method: 'POST' })
    expect([response.status, await response.text()]).toEqual([201, 'made'])
    expect(response.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual(['a', 'b', 'sid'])
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('of status 500 keep a sign-out and drop data', async () => {
    const app = await mount()
    app.post('/fail', async (request) => {
      request.session.data.n = 1
      return new Response(null, { status: 500 })
    })
    const url = await listen(app)
    const cookie = await signIn(url)
    const headers = { cookie, origin: url }
    expect((await fetch(`${url}/fail`, { method: 'POST', headers })).status).toBe(500)
    expect(await look(url, cookie)).toEqual({ subject: 'alice', data: {} })
  })
})

test('sets one cookie when a later onSend hook fails and the reply starts over', async () => {
  const app = await mount()
  let failures = 1
  app.addHook('onSend', async () => {
    if (failures-- > 0) throw new Error('compression broke')
  })
  const response = await fetch(`${await listen(app)}/sign-in`, { method: 'POST' })
  expect(response.status).toBe(500)
  expect(response.headers.getSetCookie()).toHaveLength(1)
})

describe('after the headers', () => {
  test('saves what a stream changes, at its end', async () => {
    const app = await mount()
    app.get('/stream', (request, reply) => {
      reply.send(
        Readable.from(
          (async function* () {
            yield 'first'
            request.session.data.late = true
          })(),
        ),
      )
    })
    const url = await listen(app)
    const cookie = await signIn(url)
    await (await fetch(`${url}/stream`, { headers: { cookie } })).text()
    await expect.poll(() => look(url, cookie)).toEqual({ subject: 'alice', data: { late: true } })
  })

  test('saves nothing early when the client goes before there is a response', async () => {
    const app = await mount()
    const handled = new Promise<void>((resolve) => {
      app.get('/slow', async (request) => {
        request.session.data.half = true
        await once(request.raw.socket, 'close')
        setImmediate(resolve)
        throw new Error('gave up')
      })
    })
    const url = await listen(app)
    const cookie = await signIn(url)
    const leaving = new AbortController()
    const left = fetch(`${url}/slow`, { headers: { cookie }, signal: leaving.signal })
    await expect.poll(() => store.calls.get).toBeGreaterThan(0)
    leaving.abort()
    await expect(left).rejects.toThrow()
    await handled
    expect(await look(url, cookie)).toEqual({ subject: 'alice', data: {} })
  })

  test('carries out a sign-out though the client has gone', async () => {
    const app = await mount()
    const sent: FastifyRequest[] = []
    app.get('/stream', (request, reply) => {
      sent.push(request)
      const body = new PassThrough()
      body.write('first')
      reply.send(body)
    })
    const url = await listen(app)
    const cookie = await signIn(url)
    const leaving = new AbortController()
    await fetch(`${url}/stream`, { headers: { cookie }, signal: leaving.signal })
    sent[0]?.session.signOut()
    leaving.abort()
    await expect.poll(() => look(url, cookie)).toEqual({ subject: null, data: {} })
  })
})

describe('reply.hijack()', () => {
  test('works with an explicit commit and toHeaders()', async () => {
    const app = await mount()
    app.post('/raw', async (request, reply) => {
      reply.hijack()
      request.session.signIn('bob')
      await request.session.commit()
      reply.raw.writeHead(200, request.session.toHeaders().flat())
      reply.raw.end('raw')
    })
    const url = await listen(app)
    const response = await fetch(`${url}/raw`, { method: 'POST' })
    expect(await look(url, cookiesOf(response))).toMatchObject({ subject: 'bob' })
  })

  test('logs a typed error for a change that would have needed a cookie, and saves one that does not', async () => {
    const lines: string[] = []
    const app = await mount({ logger: { level: 'error', stream: { write: (line: string) => lines.push(line) } } })
    app.get('/raw', (request, reply) => {
      reply.hijack()
      request.session.data.n = 1
      reply.raw.end('raw')
    })
    const url = await listen(app)
    await fetch(`${url}/raw`)
    await expect.poll(() => lines.map((line) => JSON.parse(line).err.code)).toEqual(['ERR_SESS_HEADERS_SENT'])
    const cookie = await signIn(url)
    await fetch(`${url}/raw`, { headers: { cookie } })
    await expect.poll(() => look(url, cookie)).toEqual({ subject: 'alice', data: { n: 1 } })
    expect(lines).toHaveLength(1)
  })
})

describe('encapsulation', () => {
  test('covers the context it is registered in and those below', async () => {
    const app = fastify()
    open.push(app)
    await app.register(async (shop) => {
      await shop.register(sess, { sessions })
      shop.get('/inside', async (request) => sessions.has(request))
      await shop.register(async (below) => below.get('/below', async (request) => request.session.state))
    })
    app.get('/outside', async (request) => sessions.of(request).state)
    expect((await app.inject('/inside')).json()).toBe(true)
    expect((await app.inject({ url: '/below', remoteAddress: '127.0.0.1' })).body).toBe('anonymous')
    expect((await app.inject('/outside')).json()).toMatchObject({ code: 'ERR_SESS_NOT_MOUNTED' })
  })

  test('refuses a property that is taken, and what createSessions() did not return', async () => {
    const app = fastify()
    open.push(app)
    app.decorateRequest('session', { getter: () => sessions.of(app) })
    await expect(async () => app.register(sess, { sessions })).rejects.toMatchObject({ code: 'ERR_SESS_CONFIG' })
    const other = fastify()
    open.push(other)
    // @ts-expect-error the common slip
    await expect(async () => other.register(sess, sessions)).rejects.toMatchObject({ code: 'ERR_SESS_CONFIG' })
  })

  test('lets two instances live on one request', async () => {
    const admin = createSessions({ store: memoryStore(), cookie: { name: 'admin' } })
    const app = await mount()
    await app.register(sess, { sessions: admin, property: 'admin' })
    app.post('/both', async (request) => {
      request.session.signIn('alice')
      admin.of(request).signIn('root')
    })
    app.get('/both', async (request) => [
      request.session.subject,
      request.getDecorator<typeof request.session>('admin').subject,
    ])
    const url = await listen(app)
    const response = await fetch(`${url}/both`, { method: 'POST' })
    const both = await fetch(`${url}/both`, { headers: { cookie: cookiesOf(response) } })
    expect(await both.json()).toEqual(['alice', 'root'])
  })
})

test('opens once where it is registered twice for the same sessions', async () => {
  const app = await mount()
  await app.register(sess, { sessions, property: false })
  const url = await listen(app)
  const cookie = await signIn(url)
  store.reset()
  await look(url, cookie)
  expect(store.calls.get).toBe(1)
})

test('sees url, address and scheme as Fastify does', async () => {
  const seen: unknown[] = []
  const watched = createSessions({ store, touch: ({ url, ip, secure }) => seen.push({ url, ip, secure }) > 0 })
  const app = fastify({ trustProxy: true, rewriteUrl: () => '/rewritten' })
  open.push(app)
  await app.register(sess, { sessions: watched })
  app.get('/rewritten', async () => 'ok')
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' }
  expect((await app.inject({ url: '/asked?a=1', headers })).body).toBe('ok')
  expect(seen).toEqual([{ url: '/asked?a=1', ip: '203.0.113.7', secure: true }])
})

describe('trustProxy', () => {
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7', host: 'shop.example' }
  test.each([
    [true, forwarded, 200, '__Host-Http-sid'],
    [true, { ...forwarded, 'x-forwarded-proto': 'http' }, 400, undefined],
    [false, forwarded, 400, undefined],
    [false, { host: 'localhost' }, 200, 'sid'],
    [false, { host: 'localhost', 'x-forwarded-for': '127.0.0.1' }, 400, undefined],
  ])('%j with %j answers %i with the cookie %s', async (trustProxy, headers, status, name) => {
    const app = await mount({ trustProxy })
    const response = await app.inject({ method: 'POST', url: '/sign-in', headers })
    expect([response.statusCode, response.cookies[0]?.name]).toEqual([status, name])
  })
})

test('works over HTTP/2', async () => {
  const app = await mount({ http2: true })
  await listen(app)
  const client = connect(`http://localhost:${(app.server.address() as AddressInfo).port}`)
  open.unshift(client)
  const stream = client.request({ ':method': 'POST', ':path': '/sign-in' })
  const [headers] = await new Promise<[Record<string, string[]>]>((resolve) =>
    stream.once('response', (head) => resolve([head as Record<string, string[]>])),
  )
  stream.resume()
  expect(headers['set-cookie']?.[0]).toMatch(/^sid=/)
})

describe('csrf()', () => {
  test('in preValidation sees the field that a schema removes', async () => {
    const strict = createSessions({ store: memoryStore(), csrf: 'nist' })
    const app: FastifyInstance = fastify()
    open.push(app)
    await app.register(sess, { sessions: strict })
    app.addHook('preValidation', csrf(strict))
    app.get('/', async ({ session }) => session.csrfToken())
    const body = { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false }
    app.post('/', { schema: { body } }, async (request) => request.body)
    const url = await listen(app)
    const page = await fetch(url)
    const headers = { cookie: cookiesOf(page), origin: url, 'content-type': 'application/json' }
    const form = JSON.stringify({ _csrf: await page.text(), name: 'Ada' })
    const response = await fetch(url, { method: 'POST', headers, body: form })
    expect(await response.json()).toEqual({ name: 'Ada' })
    expect((await fetch(url, { method: 'POST', headers, body: '{"name":"Ada"}' })).status).toBe(403)
  })

  test('refuses what createSessions() did not return', () => {
    // @ts-expect-error the common slip
    expect(() => csrf({ store })).toThrow(/csrf\(sessions\) needs what createSessions\(\) returned/)
  })
})
