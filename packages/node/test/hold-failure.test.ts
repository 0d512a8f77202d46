import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import compression from 'compression'
import { describe, expect, test, vi } from 'vitest'
import { hold } from '../src/hold.ts'
import { ask, bytesOut, cookiesOf, deferred, get, Handoff, serve, spy } from './hold-server.ts'

type Handler = (res: ServerResponse, req: IncomingMessage) => void

const boom = new Error('boom')

/** A server whose handler runs under a hold, with a commit that the test rejects; `errorPage` answers in `fail`. */
async function failingServer(handler: Handler, errorPage: (res: ServerResponse) => void, upstream: Handler = () => {}) {
  const commit = deferred()
  const handled = new Handoff<ServerResponse>()
  const seen = spy({
    commit: () => commit.promise,
    fail: () => void errorPage(held),
  })
  let held!: ServerResponse
  const served = await serve((req, res) => {
    held = res
    upstream(res, req)
    hold(res, seen)
    handler(res, req)
    handled.give(res)
  })
  return { served, commit, seen, handled }
}

const page500 = (res: ServerResponse): void => {
  res.statusCode = 500
  res.end('error page')
}

describe('a failed commit', () => {
  test('sends nothing of the response, and lets fail answer', async () => {
    const { served, commit, seen, handled } = await failingServer(
      (res) => {
        res.statusMessage = 'Nope'
        res.writeHead(404, { 'Content-Length': 4, 'X-Late': '1', 'Set-Cookie': 'late=1' }).end('body')
      },
      (res) => {
        expect([res.headersSent, res.writableEnded, res.finished, res.statusCode]).toEqual([false, false, false, 200])
        res.end('error page')
      },
    )
    const answer = get(served)
    const res = await handled.take()
    expect(bytesOut(res)).toBe(0)
    commit.reject(boom)
    expect(await answer).toMatchObject({ status: 200, message: 'OK', text: 'error page', cut: false })
    expect((await answer).headers).not.toHaveProperty('x-late')
    expect(cookiesOf(await answer)).toEqual([])
    expect(seen.calls).toEqual(['commit 404', 'fail boom'])
  })

  test('may also be thrown', async () => {
    let held!: ServerResponse
    const seen = spy({
      commit: () => {
        throw boom
      },
      fail: () => page500(held),
    })
    const served = await serve((_req, res) => {
      held = res
      hold(res, seen)
      res.end('body')
    })
    expect(await get(served)).toMatchObject({ status: 500, text: 'error page' })
    expect(seen.calls).toEqual(['commit 200', 'fail boom'])
  })

  test('keeps the headers that were set before the hold, as they were', async () => {
    const { served, commit } = await failingServer(
      (res) => {
        res.setHeader('x-upstream', 'changed')
        res.appendHeader('Set-Cookie', 'late=1')
        res.removeHeader('X-Gone')
        res.end('body')
        commit.reject(boom)
      },
      page500,
      (res) => res.setHeader('X-Upstream', '1').setHeader('X-Gone', '2').setHeader('Set-Cookie', ['up=1', 'up=2']),
    )
    const answer = await get(served)
    expect(answer.headers).toMatchObject({ 'x-upstream': '1', 'x-gone': '2' })
    expect(cookiesOf(answer)).toEqual(['up=1', 'up=2'])
  })

  test('leaves no trace on the framing of the error page', async () => {
    const { served, commit } = await failingServer((res) => {
      for (const name of ['date', 'content-length', 'transfer-encoding', 'connection']) res.removeHeader(name)
      res.writeHead(200, { Trailer: 'X-Sum' })
      res.write('body')
      res.addTrailers({ 'X-Sum': '1' })
      res.end()
      commit.reject(boom)
    }, page500)
    const { headers, trailers } = await get(served)
    expect(headers).toMatchObject({ 'content-length': '10', date: expect.any(String), connection: 'close' })
    expect(headers).not.toHaveProperty('transfer-encoding')
    expect(trailers).toEqual({})
  })

  test('forgets trailers that were set before the head', async () => {
    const { served, commit } = await failingServer(
      (res) => {
        res.addTrailers({ 'X-Sum': '1' })
        res.end('body')
        commit.reject(boom)
      },
      (res) => res.writeHead(500).end('error page'),
    )
    expect((await get(served)).trailers).toEqual({})
  })

  test('does not commit again, and asks for no late changes', async () => {
    const { served, commit, seen } = await failingServer(
      (res) => {
        res.end('body')
        commit.reject(boom)
      },
      (res) => {
        res.writeHead(500)
        res.write('error ')
        res.end('page')
      },
    )
    expect(await get(served)).toMatchObject({ status: 500, text: 'error page' })
    expect(seen.calls).toEqual(['commit 200', 'fail boom'])
  })

  test('answers a bare 500 where fail throws', async () => {
    const { served, commit } = await failingServer(
      (res) => {
        res.writeHead(201, { 'X-Late': '1' }).end('body')
        commit.reject(boom)
      },
      () => {
        throw new Error('in the error handler')
      },
    )
    expect(await get(served)).toMatchObject({ status: 500, text: '', cut: false })
  })

  test('cuts the socket where fail throws amid its page, and keeps a page that is complete', async () => {
    const amid = (text: 'write' | 'end') =>
      failingServer(
        (res) => res.end('body'),
        (res) => {
          res[text](Buffer.alloc(5_000_000))
          throw new Error('in the error handler')
        },
      )
    for (const [method, cut] of [
      ['write', true],
      ['end', false],
    ] as const) {
      const { served, commit, handled } = await amid(method)
      const answer = get(served)
      await handled.take()
      commit.reject(boom)
      expect((await answer.catch(() => ({ cut: true }))).cut).toBe(cut)
    }
  })

  test('tells the callbacks of what it dropped', async () => {
    const [onWrite, onEnd] = [vi.fn(), vi.fn()]
    const { served, commit } = await failingServer((res) => {
      res.write('x', onWrite)
      res.end('y', onEnd)
      commit.reject(boom)
    }, page500)
    await get(served)
    expect(onWrite).toHaveBeenCalledExactlyOnceWith(boom)
    expect(onEnd).toHaveBeenCalledExactlyOnceWith(boom)
  })

  test('is told to fail also when the client has gone', async () => {
    const failed = deferred()
    const { served, commit, handled } = await failingServer(
      (res) => res.end('body'),
      (res) => {
        page500(res)
        failed.resolve()
      },
    )
    const req = ask(served)
    const res = await handled.take()
    req.destroy()
    await once(res, 'close')
    commit.reject(boom)
    await failed.promise
  })

  test('also follows from a headers hook that throws after the commit', async () => {
    let held!: ServerResponse
    const dropped = vi.fn()
    const seen = spy({
      commit: () => Promise.resolve(),
      headers: (res) => {
        res.setHeader('X-Half', '1')
        throw boom
      },
      fail: () => page500(held),
    })
    const served = await serve((_req, res) => {
      held = res
      hold(res, seen)
      res.writeHead(200)
      res.end('body', dropped)
    })
    const answer = await get(served)
    expect(answer).toMatchObject({ status: 500, text: 'error page', cut: false })
    expect(answer.headers).not.toHaveProperty('x-half')
    expect(dropped).toHaveBeenCalledExactlyOnceWith(boom)
    expect(seen.calls).toEqual(['commit 200', 'headers', 'fail boom'])
  })

  test('does not lend the length of a single end to an error page in pieces', async () => {
    let held!: ServerResponse
    const fail = () => {
      held.write('error ')
      held.end('page')
    }
    const headers = () => {
      throw boom
    }
    const served = await serve((_req, res) => {
      held = res
      hold(res, spy({ commit: () => Promise.resolve(), headers, fail }))
      res.end('body')
    })
    expect(await get(served)).toMatchObject({ text: 'error page', cut: false })
  })

  test('lets a call that Node refuses late go to fail, with the head sent', async () => {
    let held!: ServerResponse
    const seen = spy({ commit: () => Promise.resolve(), fail: () => void end() })
    const end = () => {
      held.strictContentLength = false
      held.end()
    }
    const served = await serve((_req, res) => {
      held = res
      hold(res, seen)
      res.strictContentLength = true
      res.writeHead(200, { 'Content-Length': 1 })
      res.write('too long')
      res.end()
    })
    await get(served).catch(() => {})
    expect(seen.calls).toEqual(['commit 200', 'headers', expect.stringMatching(/^fail Response body's content-length/)])
  })
})

describe('what the handler goes on doing', () => {
  test('is dead: methods that were taken off the response before', async () => {
    const late = vi.fn()
    const [failed, answerNow] = [deferred(), deferred()]
    let old!: Pick<ServerResponse, 'write' | 'end' | 'writeHead'>
    const { served, commit } = await failingServer(
      (res) => {
        const { write, end, writeHead } = res
        old = { write: write.bind(res), end: end.bind(res), writeHead: writeHead.bind(res) } as typeof old
        res.end('body')
        commit.reject(boom)
      },
      (res) => {
        failed.resolve()
        void answerNow.promise.then(() => page500(res))
      },
    )
    const answer = get(served)
    await failed.promise
    expect(old.write('old', late)).toBe(true)
    old.writeHead(404)
    old.end('old')
    answerNow.resolve()
    expect(await answer).toMatchObject({ status: 500, text: 'error page' })
    expect(late).toHaveBeenCalledOnce()
  })

  test('is dead after the end of the error page', async () => {
    const onError = vi.fn()
    const { served, commit } = await failingServer(
      (res) => {
        res.end('body')
        commit.reject(boom)
      },
      (res) => {
        res.on('error', onError)
        page500(res)
        res.write('more')
        res.end('more')
      },
    )
    expect((await get(served)).text).toBe('error page')
    expect(onError).not.toHaveBeenCalled()
  })

  test('does not reach an error page that is made later, as long as it had not ended', async () => {
    const [failed, answerNow] = [deferred(), deferred()]
    const { served, commit, handled } = await failingServer(
      (res) => void res.writeHead(200).write('data: 1\n\n'),
      (res) => {
        failed.resolve()
        void answerNow.promise.then(() => {
          res.writeHead(500)
          res.write('error ')
          setImmediate(() => res.end('page'))
        })
      },
    )
    const answer = get(served)
    const res = await handled.take()
    commit.reject(boom)
    await failed.promise
    expect(res.write('data: 2\n\n')).toBe(true)
    res.end()
    answerNow.resolve()
    expect(await answer).toMatchObject({ status: 500, text: 'error page' })
  })

  test('does not pipe into an error page that is itself a large pipe', async () => {
    const chunks = (mark: string) => Array.from({ length: 40 }, () => Buffer.alloc(50_000, mark))
    const source = Readable.from(chunks('a'))
    const { served, commit } = await failingServer(
      (res) => {
        source.pipe(res)
        source.once('data', () => commit.reject(boom))
      },
      (res) => {
        res.statusCode = 500
        Readable.from(chunks('b')).pipe(res)
      },
    )
    const { body } = await get(served)
    expect(body.equals(Buffer.concat(chunks('b')))).toBe(true)
    expect(source.listenerCount('data')).toBe(0)
  })

  test('destroys a source that was piped, once the error page has left', async () => {
    const source = new Readable({ read() {} })
    source.push('discarded')
    const { served, commit, handled } = await failingServer((res) => void source.pipe(res), page500)
    const answer = get(served)
    await handled.take()
    const closed = once(source, 'close')
    commit.reject(boom)
    expect(await answer).toMatchObject({ status: 500, text: 'error page' })
    await closed
    expect(source.destroyed).toBe(true)
  })

  test('ends a pipeline with an error, and destroys its source', async () => {
    const source = new Readable({ read() {} })
    source.push('body')
    const piped = new Handoff<unknown>()
    const { served, commit } = await failingServer((res) => {
      source.once('data', () => commit.reject(boom))
      pipeline(source, res).catch((error) => piped.give(error))
    }, page500)
    expect(await get(served)).toMatchObject({ status: 500, text: 'error page', cut: false })
    expect(await piped.take()).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    expect(source.destroyed).toBe(true)
  })
})

describe.each(['before', 'after'])('compression mounted %s the hold', (where) => {
  const zip = compression()
  const text = 'a line that compresses well\n'.repeat(20_000)
  const ask = { headers: { 'Accept-Encoding': 'gzip' } }

  const zipped = async (commit: () => Promise<void> | undefined, handler: Handler, errorPage: Handler = page500) => {
    return serve((req, res) => {
      const mount = (next: () => void) => {
        hold(res, spy({ commit, fail: () => errorPage(res, req) }))
        next()
      }
      const go = () => handler(res.setHeader('Content-Type', 'text/plain'), req)
      const compress = (next: () => void) => zip(req as never, res as never, next)
      if (where === 'before') compress(() => mount(go))
      else mount(() => compress(go))
    })
  }

  test.each<[string, Handler]>([
    ['end', (res) => res.end(text)],
    ['pipe', (res) => void Readable.from(text.match(/.{1,50000}/gs) ?? []).pipe(res)],
  ])('compresses a large body: %s', async (_how, handler) => {
    for (const commit of [() => undefined, () => Promise.resolve()]) {
      const answer = await get(await zipped(commit, handler), ask)
      expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip' })
      expect(cookiesOf(answer)).toEqual(['sid=1'])
      expect((await import('node:zlib')).gunzipSync(answer.body).toString()).toBe(text)
    }
  })

  test('leaves an error page whole that is a large pipe', async () => {
    const served = await zipped(
      () => Promise.reject(boom),
      (res) => res.end(text),
      (res) => {
        res.statusCode = 500
        res.setHeader('Content-Type', 'image/png')
        Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(50_000, 'b'))).pipe(res)
      },
    )
    const answer = await get(served, ask)
    expect(answer).toMatchObject({ status: 500, cut: false })
    expect(answer.body.equals(Buffer.alloc(2_000_000, 'b'))).toBe(true)
  })

  test('leaves a compressible error page whole, compressed or not', async () => {
    const served = await zipped(
      () => Promise.reject(boom),
      (res) => res.end(text),
      (res) => {
        res.statusCode = 500
        res.setHeader('Content-Type', 'text/plain').end(text)
      },
    )
    const answer = await get(served, ask)
    expect(answer.status).toBe(500)
    const body = answer.headers['content-encoding'] ? (await import('node:zlib')).gunzipSync(answer.body) : answer.body
    expect(body.toString()).toBe(text)
  })
})
