import { createServer, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import compression from 'compression'
import express5, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import express4 from 'express4'
import onHeaders from 'on-headers'
import { describe, expect, test } from 'vitest'
import { type HoldHooks, hold } from '../src/hold.ts'
import { cookiesOf, deferred, get, Handoff, type Spy, serve, spy, turn } from './hold-server.ts'

const boom = new Error('boom')
const due = () => Promise.resolve()
const failing = () => Promise.reject(boom)

describe.each([
  ['Express 4', express4 as unknown as typeof express5],
  ['Express 5', express5],
])('%s', (_name, express) => {
  /** Middleware that holds, as an adapter does. */
  const held = (commit: HoldHooks['commit'], over: Partial<HoldHooks> = {}, spies: Spy[] = []): RequestHandler => {
    return (_req, res, next) => {
      const hooks = spy({ commit, fail: next, ...over })
      spies.push(hooks)
      hold(res, hooks)
      next()
    }
  }
  const quiet = (app: Express): Express => app.set('env', 'test')
  const page: ErrorRequestHandler = (error, _req, res, next) => {
    if (res.headersSent) next(error)
    else res.status(503).send(`page: ${error.message}`)
  }

  test.each<[string, RequestHandler, object]>([
    ['send', (_req, res) => void res.send('body'), { status: 200, text: 'body' }],
    ['json', (_req, res) => void res.status(201).json({ a: 1 }), { status: 201, text: '{"a":1}' }],
    ['redirect', (_req, res) => res.redirect('/else'), { status: 302 }],
    ['sendFile', (_req, res) => res.sendFile(import.meta.filename), { status: 200, cut: false }],
    ['sendStatus', (_req, res) => void res.sendStatus(204), { status: 204, text: '' }],
  ])('sends the cookie with %s', async (_how, handler, expected) => {
    for (const commit of [due, () => undefined]) {
      const app = quiet(express()).use(held(commit)).use(handler)
      const answer = await get(await serve(app))
      expect(answer).toMatchObject(expected)
      expect(cookiesOf(answer)).toEqual(['sid=1'])
    }
  })

  test('sends nothing before the commit has settled', async () => {
    const commit = deferred()
    const handled = new Handoff<ServerResponse>()
    const app = quiet(express()).use(held(() => commit.promise))
    app.use((_req, res) => {
      res.send('body')
      expect(() => res.set('X-Late', '1')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }))
      handled.give(res)
    })
    const answer = get(await serve(app))
    const res = await handled.take()
    await turn()
    expect(res.socket?.bytesWritten).toBe(0)
    commit.resolve()
    expect(cookiesOf(await answer)).toEqual(['sid=1'])
  })

  test('adds no own property to a response that is not held up', async () => {
    const own: string[][] = []
    const app = quiet(express())
    app.use((_req, res, next) => {
      own.push(Object.keys(res))
      next()
    })
    app.use(held(() => undefined))
    app.use((_req, res) => {
      own.push(Object.keys(res))
      res.end('body')
      expect(own[1]).toEqual(own[0])
      expect(Reflect.ownKeys(res).filter((key) => String(key).includes('sess'))).toEqual([])
    })
    expect(cookiesOf(await get(await serve(app)))).toEqual(['sid=1'])
    expect(own).toHaveLength(2)
  })

  test('leaves responses without a hold, and the prototype of Node, alone', async () => {
    const before = Object.getOwnPropertyDescriptors(ServerResponse.prototype)
    const app = quiet(express())
      .use('/held', held(due))
      .use((_req, res) => void res.writeHead(200, ['X-A', '1', 'X-A', '2']).end())
    const served = await serve(app)
    expect(cookiesOf(await get(served, { path: '/held' }))).toEqual(['sid=1'])
    expect(cookiesOf(await get(served))).toEqual([])
    expect(Object.getOwnPropertyDescriptors(ServerResponse.prototype)).toEqual(before)
  })

  test.each<[string, (app: Express, sub: Express, root: Express) => unknown]>([
    [
      'under the session',
      (app, sub, root) => {
        root.use(held(due))
        app.use('/sub', sub)
      },
    ],
    [
      'under the session, as a plain handler',
      (app, sub, root) => {
        root.use(held(due))
        app.use(express.Router().use('/sub', sub))
      },
    ],
    [
      'with the session in it',
      (app, sub) => {
        sub.use(held(due))
        app.use('/sub', sub)
      },
    ],
    [
      'with a second session in it',
      (app, sub, root) => {
        root.use(held(due))
        sub.use(held(due))
        app.use('/sub', sub)
      },
    ],
  ])('works with a sub-app %s', async (_where, mount) => {
    for (const path of ['/sub/answer', '/sub/through', '/sub/throw']) {
      const [app, sub] = [quiet(express()), quiet(express())]
      mount(app, sub, app)
      sub.get('/answer', (_req, res) => void res.send('answer'))
      sub.get('/throw', () => {
        throw boom
      })
      app.get('/sub/through', (_req, res) => void res.send('through'))
      app.use(page)
      const served = await serve(app)
      for (let times = 0; times < 2; times++) {
        const answer = await get(served, { path })
        expect(answer.text).toMatch(/^answer|^through|boom/)
        expect(new Set(cookiesOf(answer))).toEqual(new Set(['sid=1']))
      }
    }
  })

  test('works with an application that was on its own before it became a sub-app', async () => {
    const sub = quiet(express())
      .use(held(due))
      .get('/', (_req, res) => void res.send('body'))
    expect(cookiesOf(await get(await serve(sub)))).toEqual(['sid=1'])
    const app = quiet(express()).use(held(due)).use('/sub', sub)
    expect(cookiesOf(await get(await serve(app), { path: '/sub' }))).toEqual(['sid=1', 'sid=1'])
  })

  describe('a failed commit', () => {
    const routes: [string, (app: Express) => unknown, string][] = [
      ['a handler', (app) => app.get('/', (_req, res) => void res.status(404).send('body')), '/'],
      [
        'a sub-router',
        (app) =>
          app.use(
            '/r',
            express.Router().get('/', (_req, res) => void res.send('body')),
          ),
        '/r',
      ],
      [
        'a sub-app',
        (app) =>
          app.use(
            '/s',
            quiet(express()).get('/', (_req, res) => void res.send('body')),
          ),
        '/s',
      ],
      ['a 404', () => {}, '/none'],
    ]

    test.each(routes)('of %s reaches the error middleware', async (_where, mount, path) => {
      const app = quiet(express())
        .use((_req, res, next) => {
          res.set('X-Upstream', '1')
          next()
        })
        .use(held(failing))
      mount(app)
      app.use(page)
      const answer = await get(await serve(app), { path })
      if (path === '/none')
        expect(answer.status).toBe(500) // the default 404 is the last handler there is
      else expect(answer).toMatchObject({ status: 503, text: 'page: boom' })
      expect(answer.headers).toMatchObject({ 'x-upstream': '1', 'x-powered-by': 'Express' })
      expect(cookiesOf(answer)).toEqual([])
    })

    test.each(routes)('of %s is a 500 of the default error handler', async (_where, mount, path) => {
      const app = quiet(express()).use(held(failing))
      mount(app)
      const answer = await get(await serve(app), { path })
      expect(answer).toMatchObject({ status: 500, text: expect.stringContaining('boom'), cut: false })
    })

    test('of the error page is a 500 of the default error handler', async () => {
      const app = quiet(express()).use(held(failing))
      app.use(() => {
        throw new Error('handler')
      })
      app.use(page)
      expect(await get(await serve(app))).toMatchObject({ status: 500, text: expect.stringContaining('boom') })
    })

    test('under a stream that goes on reaches an asynchronous error page', async () => {
      const [failed, answerNow] = [deferred(), deferred()]
      const handled = new Handoff<ServerResponse>()
      const app = quiet(express()).use(held(failing))
      app.use((_req, res) => {
        res.write('data: 1\n\n')
        handled.give(res)
      })
      app.use(((error, _req, res, _next) => {
        failed.resolve()
        void answerNow.promise.then(() => res.status(500).send(`page: ${error.message}`))
      }) satisfies ErrorRequestHandler)
      const answer = get(await serve(app))
      const res = await handled.take()
      await failed.promise
      res.write('data: 2\n\n')
      answerNow.resolve()
      expect(await answer).toMatchObject({ status: 500, text: 'page: boom' })
    })
  })

  test('cuts the socket where the handler throws after a held write', async () => {
    const commit = deferred()
    const app = quiet(express()).use(held(() => commit.promise))
    app.use((_req, res) => {
      res.write('x')
      throw boom
    })
    app.use(page)
    await expect(get(await serve(app))).rejects.toMatchObject({ code: 'ECONNRESET' })
    commit.resolve()
  })

  test('cuts the socket where late changes fail', async () => {
    const app = quiet(express()).use(held(() => undefined, { finish: failing }))
    app.use((_req, res) => {
      res.write('x')
      res.end('y')
    })
    app.use(page)
    const outcome = await get(await serve(app)).catch(() => ({ cut: true }))
    expect(outcome.cut).toBe(true)
  })

  describe.each(['before', 'after'])('a listener of on-headers mounted %s the hold', (where) => {
    const listenerApp = (commit: HoldHooks['commit'], headers: HoldHooks['headers']) => {
      let times = 0
      const listener: RequestHandler = (_req, res, next) => {
        onHeaders(res, () => {
          times++
          res.setHeader('Cache-Control', 'public')
          res.setHeader('X-Times', times)
        })
        next()
      }
      const session = held(commit, { headers })
      const app = quiet(express()).use(...(where === 'before' ? [listener, session] : [session, listener]))
      return app.use((_req, res) => void res.send('body'))
    }

    test('runs once, and the hook has the last word', async () => {
      for (const commit of [due, () => undefined]) {
        const app = listenerApp(
          commit,
          (res) => void res.setHeader('Cache-Control', `${res.getHeader('cache-control')}, mine`),
        )
        const answer = await get(await serve(app))
        expect(answer).toMatchObject({ status: 200, text: 'body' })
        expect(answer.headers).toMatchObject({ 'cache-control': 'public, mine', 'x-times': '1', 'content-length': '4' })
      }
    })
  })

  describe.each(['before', 'after'])('compression mounted %s the hold', (where) => {
    const text = 'a line that compresses well\n'.repeat(20_000)
    const ask = { headers: { 'Accept-Encoding': 'gzip' } }
    const zipped = (commit: HoldHooks['commit'], errorPage: ErrorRequestHandler) => {
      const [zip, session] = [compression() as unknown as RequestHandler, held(commit)]
      const app = quiet(express()).use(...(where === 'before' ? [zip, session] : [session, zip]))
      return app.use((_req, res) => void res.type('text').send(text)).use(errorPage)
    }

    test('compresses, with the cookie', async () => {
      for (const commit of [due, () => undefined]) {
        const answer = await get(await serve(zipped(commit, page)), ask)
        expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip' })
        expect(cookiesOf(answer)).toEqual(['sid=1'])
        expect((await import('node:zlib')).gunzipSync(answer.body).toString()).toBe(text)
      }
    })

    test('leaves an error page whole that is a large pipe', async () => {
      const pipe: ErrorRequestHandler = (_error, _req, res, _next) => {
        Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(50_000, 'b'))).pipe(res.status(500).type('text'))
      }
      const answer = await get(await serve(zipped(failing, pipe)), ask)
      expect(answer).toMatchObject({ status: 500, cut: false })
      expect(answer.headers).not.toHaveProperty('content-encoding')
      expect(answer.body.equals(Buffer.alloc(2_000_000, 'b'))).toBe(true)
    })
  })
})

test('holds a subclass of ServerResponse by its prototype', async () => {
  class Own extends ServerResponse {}
  const own = new Handoff<string[]>()
  const server = createServer({ ServerResponse: Own }, (_req, res) => {
    hold(res, spy({ commit: due }))
    own.give(Object.keys(res).filter((name) => name === 'end'))
    res.end('body')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  expect(cookiesOf(await get({ port, server }))).toEqual(['sid=1'])
  expect(await own.take()).toEqual([])
  expect(Object.hasOwn(Own.prototype, 'end')).toBe(true)
  server.close()
})
