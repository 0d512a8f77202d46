import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createSessions, memoryStore } from '@sess/core'
import { UnreliableStore } from '@sess/testkit'
import compression from 'compression'
import express5, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import express4 from 'express4'
import { afterEach, describe, expect, test } from 'vitest'
import { csrf, sess } from '../src/index.ts'

const store = new UnreliableStore(memoryStore())
const urls: (string | undefined)[] = []
const sessions = createSessions({ store, touch: (facts) => urls.push(facts.url) > 0 })
const servers: Server[] = []
const always = { times: Number.POSITIVE_INFINITY }
afterEach(async () => {
  store.reset()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

async function listen(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A session that another instance of the application has signed in. */
async function signedIn(): Promise<string> {
  const session = await sessions.open({ headers: { host: 'localhost' }, ip: '127.0.0.1', secure: false })
  session.signIn('alice')
  await session.commit()
  return String(session.toHeaders()[0]?.[1]).split(';')[0] ?? ''
}

async function stored(cookie: string): Promise<{ subject: string | null; data: object }> {
  const { subject, data } = await sessions.open({
    headers: { host: 'localhost', cookie },
    ip: '127.0.0.1',
    secure: false,
  })
  return { subject, data }
}

function get(url: string, cookie?: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { headers: cookie === undefined ? headers : { ...headers, cookie } })
}

const names = (response: Response) => response.headers.getSetCookie().map((line) => line.split('=')[0])

// The types of Express 4 and 5 differ where these tests do not look.
const express = { 4: express4 as unknown as typeof express5, 5: express5 }

describe.each([4, 5] as const)('Express %i', (version) => {
  const mount = (...before: RequestHandler[]): Express => {
    const app = express[version]()
    app.set('env', 'test') // logs no errors
    for (const each of before) app.use(each)
    return app.use(sess(sessions))
  }
  const text = 'a text that is long enough to be compressed '.repeat(100)

  describe.each(['before', 'after'])('with compression %s it', (where) => {
    const compressed = () => (where === 'before' ? mount(compression()) : mount().use(compression()))

    test('sends the cookie and the whole body', async () => {
      const app = compressed().get('/', (req, res) => {
        req.session.data.n = 1
        res.send(text)
      })
      const response = await get(await listen(app))
      expect(response.headers.get('content-encoding')).toMatch(/gzip|br/)
      expect(response.headers.get('vary')?.split(', ').sort()).toEqual(['Accept-Encoding', 'Cookie'])
      expect([names(response), await response.text()]).toEqual([['sid'], text])
    })

    test('answers a failed commit with the error page', async () => {
      const app = compressed().get('/', (req, res) => {
        req.session.data.n = 1
        res.send(text)
      })
      const page: ErrorRequestHandler = (error, _req, res, _next) => void res.status(error.status).send(error.code)
      store.fail('any', always)
      const response = await get(await listen(app.use(page)))
      expect([response.status, await response.text()]).toEqual([503, 'ERR_SESS_STORE_UNAVAILABLE'])
    })
  })

  test('mounted under a path covers that path, and sees the url the client asked for', async () => {
    const app = express[version]().set('env', 'test')
    app.use('/shop', sess(sessions))
    app.get('/shop/cart', (req, res) => void res.json(sessions.has(req)))
    app.get('/other', (req, res) => void res.json(sessions.of(req).state))
    const url = await listen(app)
    const cookie = await signedIn()
    expect(await (await get(`${url}/shop/cart?a=1`, cookie)).json()).toBe(true)
    expect(urls.at(-1)).toBe('/shop/cart?a=1')
    expect(await (await get(`${url}/other`)).text()).toContain('mount the session middleware')
  })

  test('reaches routers and sub-apps, which may mount it again', async () => {
    const seen: unknown[] = []
    const app = mount((req, _res, next) => {
      seen.push(req)
      next()
    })
    const sub = express[version]().use(sess(sessions))
    sub.post('/', (req, res) => {
      req.session.signIn('bob')
      res.json(sessions.of(req) === req.session && sessions.has(seen[0] as object))
    })
    app.use('/sub', express[version].Router().use('/app', sub))
    const response = await fetch(`${await listen(app)}/sub/app`, { method: 'POST' })
    expect([await response.json(), names(response)]).toEqual([true, ['sid']])
  })

  test('sets the cookie on files, 304 and HEAD', async () => {
    const file = fileURLToPath(new URL('../package.json', import.meta.url))
    const app = mount().get('/', (req, res) => {
      req.session.data.n = 1
      res.sendFile(file)
    })
    const url = await listen(app)
    const response = await get(url)
    expect([response.status, names(response)]).toEqual([200, ['sid']])
    expect(await response.text()).toContain('"@sess/express"')
    const etag = response.headers.get('etag') ?? ''
    const again = await get(url, undefined, { 'if-none-match': etag, 'cache-control': 'max-age=0' })
    expect([again.status, names(again)]).toEqual([304, ['sid']])
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, names(head)]).toEqual([200, ['sid']])
  })

  describe('errors', () => {
    test('of the commit reach error middleware with the headers from before, and the default page', async () => {
      const cors: RequestHandler = (_req, res, next) => {
        res.set('Access-Control-Allow-Origin', '*')
        next()
      }
      const app = mount(cors).get('/{*path}'.replace('{*path}', version === 4 ? '*' : '{*path}'), (req, res) => {
        req.session.data.n = 1
        res.set('ETag', '"1"').send('page')
      })
      store.fail('any', always)
      expect((await get(`${await listen(app)}/page`)).status).toBe(503)
      const page: ErrorRequestHandler = (error, _req, res, _next) => void res.status(error.status).json(error.code)
      const response = await get(`${await listen(app.use(page))}/page`)
      expect([response.status, await response.json()]).toEqual([503, 'ERR_SESS_STORE_UNAVAILABLE'])
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(names(response)).toEqual([])
    })

    test('of the opening reach error middleware, and the handler does not run', async () => {
      let ran = 0
      const app = mount().get('/', (_req, res) => void res.json(++ran))
      const url = await listen(app)
      const cookie = await signedIn()
      store.fail('get', always)
      expect((await get(url, cookie)).status).toBe(503)
      expect((await get(url, `__Host-Http-${cookie}`, { via: '1.1 proxy' })).status).toBe(400)
      expect(ran).toBe(0)
    })

    test('of a handler keep a sign-out, clear the cookie and drop data', async () => {
      const app = mount()
      app.get('/leave', (req) => {
        req.session.signOut()
        throw new Error('broken')
      })
      app.get('/write', (req, _res, next) => {
        req.session.data.n = 1
        next(new Error('broken'))
      })
      const url = await listen(app)
      const cookie = await signedIn()
      expect((await get(`${url}/write`, cookie)).status).toBe(500)
      expect(await stored(cookie)).toEqual({ subject: 'alice', data: {} })
      const response = await get(`${url}/leave`, cookie)
      expect([response.status, response.headers.get('set-cookie')]).toEqual([500, expect.stringMatching(/^sid=;/)])
      expect(await stored(cookie)).toEqual({ subject: null, data: {} })
    })
  })

  describe('after the headers', () => {
    test('saves changes before the end of the response', async () => {
      const app = mount().get('/', (req, res) => {
        res.write('first')
        req.session.data.late = true
        res.end()
      })
      const cookie = await signedIn()
      await (await get(await listen(app), cookie)).text()
      expect(await stored(cookie)).toEqual({ subject: 'alice', data: { late: true } })
    })

    test('cuts the response when a change cannot be saved', async () => {
      const app = mount().get('/', (req, res) => {
        res.write('first')
        req.session.data.late = true
        res.end('last')
      })
      const url = await listen(app)
      await expect(get(url).then((response) => response.text())).rejects.toThrow()
    })

    test('carries out a sign-out though the client has gone', async () => {
      const app = mount().get('/', (req, res) => {
        res.write('first')
        req.session.signOut()
        res.once('close', () => res.end())
      })
      const cookie = await signedIn()
      const leaving = new AbortController()
      await fetch(await listen(app), { headers: { cookie }, signal: leaving.signal })
      leaving.abort()
      await expect.poll(() => stored(cookie)).toEqual({ subject: null, data: {} })
    })
  })

  test('lets two instances live on one request, and refuses one name for both', async () => {
    const admin = createSessions({ store: memoryStore(), cookie: { name: 'admin' } })
    const app = mount().use(sess(admin, { property: 'admin' }))
    app.get('/', (req, res) => {
      req.session.signIn('alice')
      admin.of(req).signIn('root')
      res.json('admin' in req && req.admin === admin.of(req))
    })
    app.use('/clash', sess(createSessions({ store: memoryStore() })))
    const url = await listen(app)
    const response = await get(url)
    expect([await response.json(), names(response)]).toEqual([true, ['sid', 'admin']])
    expect(await (await get(`${url}/clash`)).text()).toContain('req.session is taken')
  })

  test('sends one cookie to a handler that calls toHeaders() too', async () => {
    const app = mount().get('/', async (req, res) => {
      req.session.signIn('alice')
      await req.session.commit()
      for (const [name, value] of req.session.toHeaders()) res.append(name, value)
      res.send('ok')
    })
    expect(names(await get(await listen(app)))).toEqual(['sid'])
  })

  test.each([
    [1, 'https', '__Host-Http-sid'],
    [1, 'http', undefined],
    [false, 'https', undefined],
    [false, undefined, 'sid'],
  ])('with trust proxy %j and X-Forwarded-Proto %s sets the cookie %s', async (trust, proto, name) => {
    const app = express[version]().set('env', 'test').set('trust proxy', trust).use(sess(sessions))
    app.get('/', (req, res) => {
      req.session.data.n = 1
      res.send('ok')
    })
    const forwarded = proto === undefined ? {} : { 'x-forwarded-proto': proto, 'x-forwarded-for': '127.0.0.1' }
    const response = await get(await listen(app), undefined, forwarded)
    expect([names(response)[0], response.status]).toEqual([name, name === undefined ? 400 : 200])
  })
})

test('refuses what createSessions() did not return', () => {
  // @ts-expect-error the common slip
  expect(() => sess({ store })).toThrow(/createSessions\(\)/)
  // @ts-expect-error the common slip
  expect(() => csrf({ store })).toThrow(/createSessions\(\)/)
})
