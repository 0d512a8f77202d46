import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type HoldHooks, hold } from '../src/hold.ts'
import { deferred, Handoff, spy, turn } from './hold-server.ts'

type Handler = (res: Http2ServerResponse, req: Http2ServerRequest) => void

const boom = new Error('boom')

async function connect(handler: Handler): Promise<http2.ClientHttp2Session> {
  const server = http2.createServer((req, res) => handler(res, req)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  return client
}

async function answerOf(req: http2.ClientHttp2Stream) {
  let trailers: http2.IncomingHttpHeaders = {}
  req.on('trailers', (sent) => {
    trailers = sent
  })
  const [headers] = (await once(req, 'response')) as [http2.IncomingHttpHeaders & { ':status': number }]
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return { status: headers[':status'], headers, text: Buffer.concat(chunks).toString(), trailers }
}

const answer = async (handler: Handler) => answerOf((await connect(handler)).request({ ':path': '/' }))

const held = (commit: HoldHooks['commit'], handler: Handler, over: Partial<HoldHooks> = {}) => {
  const hooks = spy({ commit, ...over })
  const run: Handler = (res, req) => {
    hold(res, hooks)
    handler(res, req)
  }
  return Object.assign(run, { hooks })
}

test.each<[string, Handler]>([
  ['end', (res) => void res.end('body')],
  [
    'write',
    (res) => {
      res.write('bo')
      res.end('dy')
    },
  ],
  ['writeHead', (res) => void res.writeHead(200, { 'set-cookie': ['a=1'] }).end('body')],
  [
    'flushHeaders',
    (res) => {
      ;(res as never as ServerResponse).flushHeaders()
      res.end('body')
    },
  ],
  ['pipe', (res) => void Readable.from(['bo', 'dy']).pipe(res)],
])('holds %s until the commit settles', async (_how, handler) => {
  const warnings: unknown[] = []
  const onWarning = (warning: unknown) => warnings.push(warning)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  const commit = deferred()
  const handled = new Handoff<Http2ServerResponse>()
  const client = await connect(
    held(
      () => commit.promise,
      (res, req) => {
        handler(res, req)
        setImmediate(() => handled.give(res))
      },
    ),
  )
  const answered = answerOf(client.request({ ':path': '/' }))
  const res = await handled.take()
  expect([res.headersSent, res.stream.headersSent, res.finished]).toEqual([true, false, false])
  commit.resolve()
  const { status, text, headers } = await answered
  expect({ status, text }).toEqual({ status: 200, text: 'body' })
  expect(headers['set-cookie']).toContain('sid=1')
  await turn()
  expect(warnings).toEqual([])
})

test('passes through synchronously where nothing is due', async () => {
  const { status, headers } = await answer(
    held(
      () => undefined,
      (res) => {
        res.end('body')
        expect(res.stream.headersSent).toBe(true)
      },
    ),
  )
  expect(status).toBe(200)
  expect(headers['set-cookie']).toEqual(['sid=1'])
})

test('lets fail answer, without headers and trailers of the failed response', async () => {
  let failed!: Http2ServerResponse
  const { status, text, headers, trailers } = await answer(
    held(
      () => Promise.reject(boom),
      (res) => {
        failed = res
        res.setHeader('x-late', '1')
        res.writeHead(404)
        res.addTrailers({ 'x-sum': '1' })
        res.end('body')
      },
      {
        fail: () => {
          failed.statusCode = 500
          failed.end('error page')
        },
      },
    ),
  )
  expect({ status, text }).toEqual({ status: 500, text: 'error page' })
  expect(headers).not.toHaveProperty('x-late')
  expect(headers).not.toHaveProperty('set-cookie')
  expect(trailers).not.toHaveProperty('x-sum')
})

test('sends trailers that were added while it was held', async () => {
  const { trailers } = await answer(
    held(
      () => Promise.resolve(),
      (res) => {
        res.write('x')
        res.addTrailers({ 'x-sum': '1' })
        res.end()
      },
    ),
  )
  expect(trailers).toMatchObject({ 'x-sum': '1' })
})

test('holds end for late changes', async () => {
  const finish = deferred()
  const run = held(
    () => undefined,
    (res) => {
      res.write('bo')
      res.end('dy')
      expect(res.finished).toBe(false)
      finish.resolve()
    },
    { finish: () => finish.promise },
  )
  expect((await answer(run)).text).toBe('body')
  expect(run.hooks.calls).toEqual(['commit 200', 'headers', 'finish'])
})

test('goes on when the client has gone', async () => {
  const commit = deferred()
  const ended = deferred()
  const handled = new Handoff<Http2ServerResponse>()
  const client = await connect(
    held(
      () => commit.promise,
      (res) => {
        res.write('x')
        res.end('y')
        handled.give(res)
      },
      { fail: () => ended.resolve() },
    ),
  )
  const req = client.request({ ':path': '/' })
  req.on('error', () => {})
  const res = await handled.take()
  req.close(http2.constants.NGHTTP2_CANCEL)
  await once(res, 'close')
  commit.reject(boom)
  await ended.promise
})

describe('res.stream.respond', () => {
  test('throws where a commit is due, and the answer through res waits for that commit', async () => {
    const commit = deferred()
    const run = held(
      () => commit.promise,
      (res) => {
        const bypass = () => res.stream.respond({ ':status': 201 })
        expect(bypass).toThrow(expect.objectContaining({ code: 'ERR_SESS_HOLD_BYPASS' }))
        res.writeHead(500).end('error page')
        expect(bypass).toThrow(expect.objectContaining({ code: 'ERR_SESS_HOLD_BYPASS' }))
        expect(res.stream.headersSent).toBe(false)
        commit.resolve()
      },
    )
    const { status, headers } = await answer(run)
    expect(status).toBe(500)
    expect(headers['set-cookie']).toEqual(['sid=1'])
    expect(run.hooks.calls).toEqual(['commit 201', 'headers', 'finish'])
  })

  test('passes where nothing is due', async () => {
    const { status, text } = await answer(
      held(
        () => undefined,
        (res) => {
          res.stream.respond({ ':status': 201 })
          res.stream.end('body')
        },
      ),
    )
    expect({ status, text }).toEqual({ status: 201, text: 'body' })
  })
})
