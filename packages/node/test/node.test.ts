import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { connect as connectSocket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { createSessions, memoryStore, type Session } from '@sess/core'
import { UnreliableStore } from '@sess/testkit'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { nodeFacts, openUpgrade, type SessOptions, sess } from '../src/index.ts'

const store = new UnreliableStore(memoryStore())
const sessions = createSessions({ store })
const servers: Server[] = []
const always = { times: Number.POSITIVE_INFINITY }
const developer = { ip: '127.0.0.1', secure: false }
afterEach(async () => {
  store.reset()
  vi.restoreAllMocks()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

async function start<S extends Server>(server: S): Promise<number> {
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

type Plain = (req: IncomingMessage, res: ServerResponse, session: Session) => unknown

async function serve(handler: Plain, options: SessOptions = {}): Promise<string> {
  return `http://127.0.0.1:${await start(createServer(sess(sessions, handler, options)))}`
}

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

const write: Plain = (_req, res, session) => {
  session.data.n = 1
  res.end('written')
}

const names = (response: Response) => response.headers.getSetCookie().map((line) => line.split('=')[0])

test('opens the session before the handler and commits it before the first byte', async () => {
  const url = await serve((req, res, session) => {
    session.signIn('alice')
    res.end(String(sessions.of(req) === session))
  })
  const response = await get(url)
  expect([await response.text(), names(response)]).toEqual(['true', ['sid']])
  expect(await stored(response.headers.getSetCookie()[0]?.split(';')[0] ?? '')).toMatchObject({ subject: 'alice' })
})

describe('errors', () => {
  test('of the commit are answered with their status, and nothing is left of the page', async () => {
    const console = vi.spyOn(globalThis.console, 'error').mockImplementation(() => {})
    const url = await serve((_req, res, session) => {
      session.data.n = 1
      res.writeHead(200, { ETag: '"1"', 'Content-Length': 4 }).end('page')
    })
    store.fail('any', always)
    const response = await get(url)
    expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable'])
    expect([names(response), response.headers.get('etag')]).toEqual([[], null])
    expect(console).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'ERR_SESS_STORE_UNAVAILABLE' }))
  })

  test('of the opening are answered with their status, and the handler does not run', async () => {
    vi.spyOn(globalThis.console, 'error').mockImplementation(() => {})
    const handler = vi.fn()
    const url = await serve(handler)
    const cookie = await signedIn()
    store.fail('get', always)
    expect((await get(url, cookie)).status).toBe(503)
    const insecure = await get(url, `__Host-Http-${cookie}`, { via: '1.1 proxy' })
    expect([insecure.status, await insecure.text()]).toEqual([400, expect.stringContaining('plain http')])
    expect(handler).not.toHaveBeenCalled()
  })

  test('of the handler are a 500 that keeps a sign-out and drops data', async () => {
    vi.spyOn(globalThis.console, 'error').mockImplementation(() => {})
    const url = await serve(async (req, res, session) => {
      session.data.n = 1
      res.setHeader('Content-Length', 4)
      if (req.url === '/leave') session.signOut()
      throw new Error('broken')
    })
    const cookie = await signedIn()
    const failed = await get(url, cookie)
    expect([failed.status, await failed.text()]).toEqual([500, 'Internal Server Error'])
    expect(await stored(cookie)).toEqual({ subject: 'alice', data: {} })
    expect((await get(`${url}/leave`, cookie)).headers.get('set-cookie')).toMatch(/^sid=;/)
    expect(await stored(cookie)).toEqual({ subject: null, data: {} })
  })

  test('are answered by onError where there is one', async () => {
    const url = await serve(write, {
      onError: (error, req, res) => {
        res.statusCode = 418
        res.end(`${req.url} ${(error as { code: string }).code}`)
      },
    })
    store.fail('any', always)
    const response = await get(`${url}/path`)
    expect([response.status, await response.text()]).toEqual([418, '/path ERR_SESS_STORE_UNAVAILABLE'])
  })
})

describe('after the headers', () => {
  test('saves changes before the end of the response', async () => {
    const url = await serve(async (_req, res, session) => {
      res.write('first')
      session.data.late = true
      res.end('last')
    })
    const cookie = await signedIn()
    expect(await (await get(url, cookie)).text()).toBe('firstlast')
    expect(await stored(cookie)).toEqual({ subject: 'alice', data: { late: true } })
  })

  test('cuts the response when a change cannot be saved, whatever onError does', async () => {
    const errors: unknown[] = []
    const url = await serve(
      (_req, res, session) => {
        res.write('first')
        session.data.late = true
        res.end('last')
      },
      { onError: (error) => errors.push(error) },
    )
    await expect(get(url).then((response) => response.text())).rejects.toThrow()
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_SESS_HEADERS_SENT' })])
  })

  test('carries out a sign-out though the client has gone', async () => {
    const url = await serve((_req, res, session) => {
      res.write('first')
      session.signOut()
    })
    const cookie = await signedIn()
    const leaving = new AbortController()
    await fetch(url, { headers: { cookie }, signal: leaving.signal })
    leaving.abort()
    await expect.poll(() => stored(cookie)).toEqual({ subject: null, data: {} })
  })
})

describe('what makes a request secure', () => {
  const both = { 'x-forwarded-proto': 'http, https', 'x-forwarded-for': '127.0.0.1, 203.0.113.7' }
  test.each([
    [{}, {}, false, '127.0.0.1'],
    [{}, both, false, '127.0.0.1'],
    [{ trustProxy: true }, both, true, '203.0.113.7'],
    [{ trustProxy: true }, { 'x-forwarded-proto': 'https, http' }, false, '127.0.0.1'],
    [{ trustProxy: true }, {}, false, '127.0.0.1'],
    [{ origin: 'https://shop.example' }, {}, true, '127.0.0.1'],
    [{ origin: 'http://shop.example', trustProxy: true }, both, false, '203.0.113.7'],
  ])('with %j and the headers %j is %j, and the client is %s', async (options, headers, secure, ip) => {
    const port = await start(createServer((req, res) => res.end(JSON.stringify(nodeFacts(req, options)))))
    expect(await (await get(`http://127.0.0.1:${port}`, '', headers)).json()).toMatchObject({ secure, ip })
  })

  test('includes the TLS of the socket', async () => {
    // A pre-shared key spares the certificate.
    const key = Buffer.alloc(32, 7)
    const tls = { ciphers: 'PSK-AES128-GCM-SHA256:@SECLEVEL=0', maxVersion: 'TLSv1.2' as const }
    const port = await start(createHttpsServer({ ...tls, pskCallback: () => key }, sess(sessions, write)))
    const socket = connectTls({
      ...tls,
      port,
      host: '127.0.0.1',
      pskCallback: () => ({ psk: key, identity: 'test' }),
      checkServerIdentity: () => undefined,
    })
    const request = httpRequest({ createConnection: () => socket, host: 'shop.example' })
    const [message] = (await once(request.end(), 'response')) as [IncomingMessage]
    message.resume()
    expect(message.headers['set-cookie']?.[0]).toMatch(/^__Host-Http-sid=/)
    await once(message, 'close')
  })

  test('is checked at construction', () => {
    expect(() => sess(sessions, () => {}, { origin: 'shop.example' })).toThrow(/`origin` must be like/)
    // @ts-expect-error the common slip
    expect(() => sess(() => {}, sessions)).toThrow(/createSessions\(\)/)
  })
})

test('serves HTTP/2', async () => {
  const port = await start(
    createHttp2Server(
      sess(sessions, (_req, res, session) => {
        session.data.n = 1
        res.end()
      }),
    ),
  )
  const client = connect(`http://127.0.0.1:${port}`)
  const stream = client.request({ ':path': '/' })
  const [headers] = (await once(stream, 'response')) as [{ 'set-cookie'?: string[] }]
  expect(headers['set-cookie']?.[0]).toMatch(/^sid=/)
  stream.resume()
  await once(stream, 'close')
  client.close()
})

describe('openUpgrade', () => {
  async function upgrade(cookie: string, use: (session: Session) => unknown): Promise<unknown> {
    const server = createServer()
    const used = new Promise((resolve) => {
      server.once('upgrade', async (req, socket) => {
        const session = await openUpgrade(sessions, req)
        expect(sessions.of(req)).toBe(session)
        resolve(await Promise.resolve(use(session)).catch((error: unknown) => error))
        socket.destroy()
      })
    })
    const port = await start(server)
    const socket = connectSocket(port, '127.0.0.1')
    socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: ${cookie}\r\n\r\n`,
    )
    socket.once('error', () => {})
    return used
  }

  test('opens the session of the handshake', async () => {
    const cookie = await signedIn()
    expect(await upgrade(cookie, (session) => session.subject)).toBe('alice')
  })

  test('saves data by an explicit commit', async () => {
    const cookie = await signedIn()
    await upgrade(cookie, (session) => {
      session.data.n = 1
      return session.commit()
    })
    expect(await stored(cookie)).toEqual({ subject: 'alice', data: { n: 1 } })
  })

  test('refuses a sign-in, which would need a cookie', async () => {
    const outcome = await upgrade('', async (session) => session.signIn('alice'))
    expect(outcome).toMatchObject({ code: 'ERR_SESS_HEADERS_SENT' })
  })
})

describe('a proof that does not do', () => {
  test('is answered with the challenge and a problem', async () => {
    const url = await serve((_req, res, session) => {
      session.requireFresh('5m')
      res.end('changed')
    })
    const response = await get(url)
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Session'])
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ code: 'ERR_SESS_FRESHNESS', reason: 'signed-out' })
  })

  test('is answered by onError, if there is one', async () => {
    const url = await serve((_req, _res, session) => session.requireFresh('5m'), {
      onError: (_error, _req, res) => res.writeHead(403).end('mine'),
    })
    const response = await get(url)
    expect([response.status, await response.text()]).toEqual([403, 'mine'])
  })
})
