import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { type ServerType, serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { createSessions, memoryStore, SessError } from '@sess/core'
import { UnreliableStore } from '@sess/testkit'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { afterEach, describe, expect, test } from 'vitest'
import { csrf, sess } from '../src/index.ts'

const store = new UnreliableStore(memoryStore())
const sessions = createSessions<{ n?: number }>({ store })
const servers: ServerType[] = []
afterEach(async () => {
  store.reset()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

const middleware = () => sess(sessions, { ip: (c) => getConnInfo(c).remote.address })

function mount() {
  return new Hono()
    .use(middleware())
    .post('/sign-in', (c) => {
      c.var.session.signIn('alice')
      return c.body(null)
    })
    .get('/', (c) => c.json({ subject: c.var.session.subject, data: c.var.session.data }))
}

async function listen(app: Hono<never> | { fetch: Hono['fetch'] }): Promise<string> {
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  servers.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function signIn(url: string): Promise<string> {
  return cookiesOf(await post(`${url}/sign-in`))
}

function post(url: string, cookie = ''): Promise<Response> {
  // As the browser marks what a page of its own origin sends.
  const headers = { 'sec-fetch-site': 'same-origin', ...(cookie !== '' && { cookie }) }
  return fetch(url, { method: 'POST', headers, redirect: 'manual' })
}

function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
}

async function look(url: string, cookie: string): Promise<unknown> {
  return (await fetch(url, { headers: { cookie } })).json()
}

describe('on @hono/node-server', () => {
  test('signs in, and out', async () => {
    const app = mount().post('/sign-out', (c) => {
      c.var.session.signOut()
      return c.redirect('/')
    })
    const url = await listen(app)
    const cookie = await signIn(url)
    expect(cookie).toMatch(/^sid=/)
    expect(await look(url, cookie)).toEqual({ subject: 'alice', data: {} })
    const out = await post(`${url}/sign-out`, cookie)
    expect([out.status, out.headers.get('set-cookie')]).toEqual([302, expect.stringMatching(/^sid=;.*Max-Age=0/)])
    expect(await look(url, cookie)).toEqual({ subject: null, data: {} })
  })

  test('sets the cookie on a response that another server made', async () => {
    const upstream = await listen(new Hono().get('/', (c) => c.text('upstream', 200, { vary: 'Accept' })))
    const app = mount().get('/proxied', (c) => {
      c.var.session.data.n = 1
      return fetch(upstream)
    })
    const response = await fetch(`${await listen(app)}/proxied`)
    expect(await response.text()).toBe('upstream')
    expect(response.headers.get('set-cookie')).toMatch(/^sid=/)
    expect(response.headers.get('vary')).toBe('Accept, Cookie')
  })

  test('leaves the cookie on a response that outer middleware replaces', async () => {
    const app = new Hono()
      .use(async (c, next) => {
        await next()
        c.res = new Response(`<${await c.res.text()}>`, c.res)
      })
      .use(middleware())
      .get('/', (c) => {
        c.var.session.data.n = 1
        return c.text('page')
      })
    const response = await fetch(await listen(app))
    expect([await response.text(), response.headers.getSetCookie().length]).toEqual(['<page>', 1])
  })
})

describe('a handler that throws', () => {
  const failing = mount()
    .post('/fail', (c) => {
      c.var.session.data.n = 1
      throw new Error('broken')
    })
    .post('/refuse', (c) => {
      c.var.session.data.n = 1
      throw new HTTPException(403, { message: 'no' })
    })
    .post('/leave', (c) => {
      c.var.session.signOut()
      throw new Error('broken')
    })
  failing.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text('sorry', 500)))

  test('keeps data by the status of the answer', async () => {
    const url = await listen(failing)
    const cookie = await signIn(url)
    expect((await post(`${url}/fail`, cookie)).status).toBe(500)
    expect(await look(url, cookie)).toEqual({ subject: 'alice', data: {} })
    expect((await post(`${url}/refuse`, cookie)).status).toBe(403)
    expect(await look(url, cookie)).toEqual({ subject: 'alice', data: { n: 1 } })
  })

  test('keeps a sign-out, and the error page clears the cookie', async () => {
    const url = await listen(failing)
    const cookie = await signIn(url)
    const response = await post(`${url}/leave`, cookie)
    expect([response.status, await response.text()]).toEqual([500, 'sorry'])
    expect(response.headers.get('set-cookie')).toMatch(/^sid=;/)
    expect(await look(url, cookie)).toEqual({ subject: null, data: {} })
  })
})

describe('a failing store', () => {
  const always = { times: Number.POSITIVE_INFINITY }
  const paged = new Hono()
    .use(cors())
    .use(middleware())
    .post('/sign-in', (c) => {
      c.var.session.signIn('alice')
      return c.body(null)
    })
    .get('/page', (c) => {
      c.var.session.data.n = 1
      c.header('etag', '"1"')
      return c.body('page', 200, { 'content-length': '4', 'set-cookie': 'a=1' })
    })
  paged.onError((error, c) => {
    const status = error instanceof SessError ? error.status : 500
    c.header('x-handled', 'yes')
    return c.text(`handled ${status}`, status as 503)
  })

  test('on commit goes to app.onError, with nothing left of the page', async () => {
    const url = await listen(paged)
    store.fail('any', always)
    const response = await fetch(`${url}/page`)
    expect([response.status, await response.text()]).toEqual([503, 'handled 503'])
    expect([response.headers.get('set-cookie'), response.headers.get('etag')]).toEqual([null, null])
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('x-handled')).toBe('yes')
  })

  test('on open goes to app.onError, and the handler does not run', async () => {
    const url = await listen(paged)
    const cookie = await signIn(url)
    store.fail('get', always)
    expect((await fetch(`${url}/page`, { headers: { cookie } })).status).toBe(503)
    expect(store.calls.replace).toBe(0)
  })

  test('answers with its status where there is no onError', async () => {
    const url = await listen(mount())
    store.fail('any', always)
    expect((await post(`${url}/sign-in`)).status).toBe(503)
  })
})

test('saves what a stream changes by an explicit commit', async () => {
  const app = mount().get('/stream', (c) => {
    const { session } = c.var
    const chunks = async function* () {
      yield new TextEncoder().encode('first')
      session.data.n = 2
      await session.commit()
    }
    return c.body(ReadableStream.from(chunks()))
  })
  const url = await listen(app)
  const cookie = await signIn(url)
  await (await fetch(`${url}/stream`, { headers: { cookie } })).text()
  expect(await look(url, cookie)).toEqual({ subject: 'alice', data: { n: 2 } })
})

test('reaches sub-apps, and a second mount finds the session that is there', async () => {
  const sub = new Hono().use(middleware()).post('/here', (c) => {
    c.var.session.data.n = 3
    return c.json(sessions.of(c) === sessions.of(c.req.raw))
  })
  const url = await listen(mount().route('/sub', sub))
  const response = await post(`${url}/sub/here`)
  expect([await response.json(), response.headers.getSetCookie().length]).toEqual([true, 1])
})

test('lets two instances live on one request, and refuses one name for both', async () => {
  const admin = createSessions({ store: memoryStore(), cookie: { name: 'admin' } })
  const ip = () => '127.0.0.1'
  const app = mount()
    .use('/both', sess(admin, { property: 'admin', ip }))
    .post('/both', (c) => {
      c.var.session.signIn('alice')
      c.var.admin.signIn('root')
      return c.body(null)
    })
    .use('/clash', sess(admin, { ip }))
    .get('/clash', (c) => c.body(null))
  app.onError((error, c) => c.text(error instanceof SessError ? error.code : 'other', 500))
  const url = await listen(app)
  expect(cookiesOf(await post(`${url}/both`))).toMatch(/^admin=\S+; sid=\S+$/)
  expect(await (await fetch(`${url}/clash`)).text()).toBe('ERR_SESS_CONFIG')
})

describe('what makes a request secure', () => {
  const forwarded = { 'x-forwarded-proto': 'http, https', 'x-forwarded-for': '127.0.0.1, 203.0.113.7' }
  test.each([
    ['an https url', 'https://shop.example', {}, {}, '__Host-Http-sid'],
    ['plain http', 'http://shop.example', {}, {}, undefined],
    ['a forwarded https nobody trusts', 'http://shop.example', {}, forwarded, undefined],
    ['the last forwarded protocol', 'http://shop.example', { trustProxy: true }, forwarded, '__Host-Http-sid'],
    ['an earlier one', 'http://shop.example', { trustProxy: true }, { 'x-forwarded-proto': 'https, http' }, undefined],
    ['an https origin', 'http://10.0.0.1', { origin: 'https://shop.example' }, {}, '__Host-Http-sid'],
    ['localhost with an unknown peer', 'http://localhost', {}, { host: 'localhost' }, undefined],
    ['a loopback peer', 'http://localhost', { ip: () => '127.0.0.1' }, { host: 'localhost' }, 'sid'],
    [
      'a loopback host with a far peer',
      'http://localhost',
      { ip: () => '192.0.2.1' },
      { host: 'localhost' },
      undefined,
    ],
  ])('%s', async (_, url, options, headers, name) => {
    const app = new Hono().use(sess(sessions, options)).get('/', (c) => {
      c.var.session.data.n = 1
      return c.body(null)
    })
    app.onError((error, c) => c.text(error.message, 400))
    const response = await app.request(url, { headers })
    expect(cookiesOf(response).split('=')[0] || undefined).toBe(name)
    expect(response.status).toBe(name === undefined ? 400 : 200)
  })

  test.each([
    ['@hono/node-server', { incoming: { socket: { remoteAddress: '127.0.0.1' } } }, 'sid'],
    ['@hono/node-server with http2', { server: { incoming: { socket: { remoteAddress: '::1' } } } }, 'sid'],
    ['Deno.serve', { remoteAddr: { hostname: '127.0.0.1' } }, 'sid'],
    ['Bun.serve', { requestIP: () => ({ address: '::ffff:127.0.0.1' }) }, 'sid'],
    ['Bun.serve, from afar', { requestIP: () => ({ address: '192.0.2.1' }) }, undefined],
    ['the bindings of a Worker', { KV: {} }, undefined],
    ['a server that tells nothing', undefined, undefined],
  ])('the peer is read from %s', async (_, env, name) => {
    const app = new Hono().use(sess(sessions)).get('/', (c) => {
      c.var.session.data.n = 1
      return c.body(null)
    })
    const response = await app.request('http://localhost', { headers: { host: 'localhost' } }, env)
    expect(cookiesOf(response).split('=')[0] || undefined).toBe(name)
  })

  test.each([
    ['an absolute url in the request line', 'GET https://shop.example/ HTTP/1.1\r\nHost: shop.example', 400],
    ['HTTP/1.0 without a Host', 'GET /health HTTP/1.0', 200],
  ])('on node, %s does not make a request secure or break it', async (_, line, status) => {
    const app = new Hono().use(sess(sessions)).get('/health', (c) => c.text('ok'))
    app.get('/', (c) => {
      c.var.session.signIn('alice')
      return c.body(null)
    })
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.end(`${line}\r\nConnection: close\r\n\r\n`)
    expect(await text(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    await new Promise((closed) => server.close(closed))
  })

  test('is checked at construction', () => {
    expect(() => sess(sessions, { origin: 'shop.example' })).toThrow(/`origin` must be like/)
    // @ts-expect-error the common slip
    expect(() => sess({ sessions })).toThrow(/createSessions\(\)/)
  })
})

test('neither rotates nor sets a cookie on a WebSocket upgrade', async () => {
  const app = new Hono().use(sess(sessions)).get('/', (c) => {
    c.var.session.signIn('alice')
    return c.body(null)
  })
  app.onError((error, c) => c.text(error instanceof SessError ? error.code : 'other', 500))
  const response = await app.request('https://shop.example/', { headers: { upgrade: 'websocket' } })
  expect(await response.text()).toBe('ERR_SESS_HEADERS_SENT')
})

test('leaves the response of a WebSocket upgrade as the runtime made it', async () => {
  // Node refuses to construct what Deno and workerd hand out.
  const upgraded = Object.defineProperty(new Response(null), 'status', { value: 101 })
  const app = new Hono().use(sess(sessions)).get('/', (c) => {
    void c.var.session.subject
    return upgraded
  })
  expect(await app.request('https://shop.example/', { headers: { upgrade: 'websocket' } })).toBe(upgraded)
})

describe('csrf()', () => {
  const strict = createSessions({ store: memoryStore(), csrf: 'nist' })
  const app = new Hono()
    .use(sess(strict, { origin: 'https://shop.example' }), csrf(strict))
    .get('/', (c) => c.text(c.var.session.csrfToken()))
    .post('/form', async (c) => c.json(await c.req.parseBody()))
    .post('/json', async (c) => c.json(await c.req.json()))
    .post('/text', async (c) => c.text(await c.req.text()))

  const send = async (path: string, type: string, bodyOf: (token: string) => string | URLSearchParams | FormData) => {
    const page = await app.request('/')
    const token = await page.text()
    const headers: Record<string, string> = { 'sec-fetch-site': 'same-origin', cookie: cookiesOf(page) }
    if (type !== '') headers['content-type'] = type
    return { token, response: await app.request(path, { method: 'POST', headers, body: bodyOf(token) }) }
  }

  test('leaves forms and JSON for the handler to read', async () => {
    const form = await send('/form', '', (token) => new URLSearchParams({ _csrf: token, name: 'Ada' }))
    expect(await form.response.json()).toEqual({ _csrf: form.token, name: 'Ada' })
    const json = await send('/json', 'application/json', (token) => JSON.stringify({ _csrf: token, name: 'Ada' }))
    expect(await json.response.json()).toEqual({ _csrf: json.token, name: 'Ada' })
    const multipart = await send('/form', '', (token) => {
      const data = new FormData()
      data.set('_csrf', token)
      data.set('name', 'Ada')
      return data
    })
    expect(await multipart.response.json()).toEqual({ _csrf: multipart.token, name: 'Ada' })
  })

  test.each([
    ['JSON that is none', 'application/json', '{'],
    ['a type nobody parses', 'application/octet-stream', 'x'],
    ['multipart that is none', 'multipart/form-data; boundary=x', 'x'],
  ])('refuses %s like a missing token', async (_, type, body) => {
    expect((await send('/text', type, () => body)).response.status).toBe(403)
  })

  test('refuses what createSessions() did not return', () => {
    // @ts-expect-error the common slip
    expect(() => csrf({ store })).toThrow(/csrf\(sessions\) needs what createSessions\(\) returned/)
  })
})
