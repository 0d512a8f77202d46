import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { type IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test, vi } from 'vitest'
import { hold } from '../src/hold.ts'
import { answerTo, ask, bytesOut, cookiesOf, deferred, get, Handoff, serve, spy, turn } from './hold-server.ts'

type Handler = (res: ServerResponse, req: IncomingMessage) => void

/** A server whose handler runs under a hold, with a commit that the test settles; `take()` gives the held response. */
async function heldServer(handler: Handler, hooks = {}) {
  const commit = deferred()
  const handled = new Handoff<ServerResponse>()
  const seen = spy({ commit: () => commit.promise, ...hooks })
  const served = await serve((req, res) => {
    hold(res, seen)
    handler(res, req)
    handled.give(res)
  })
  return { served, commit, seen, handled }
}

const triggers: [string, Handler, string][] = [
  ['end', (res) => res.end('body'), 'body'],
  [
    'write',
    (res) => {
      res.write('bo')
      res.end('dy')
    },
    'body',
  ],
  ['writeHead', (res) => res.writeHead(200).end('body'), 'body'],
  [
    'writeHeader',
    (res) => {
      ;(res as unknown as { writeHeader(status: number): void }).writeHeader(200)
      res.end('body')
    },
    'body',
  ],
  [
    'flushHeaders',
    (res) => {
      res.flushHeaders()
      res.end('body')
    },
    'body',
  ],
  ['an empty end', (res) => res.end(), ''],
]

describe('a commit that is due', () => {
  test.each(triggers)('holds %s until it settles', async (_name, handler, body) => {
    const { served, commit, seen, handled } = await heldServer(handler)
    const answer = get(served)
    const res = await handled.take()
    await turn()
    expect(bytesOut(res)).toBe(0)
    expect(seen.calls).toEqual(['commit 200'])
    expect([res.headersSent, res.writableEnded, res.finished]).toEqual([true, true, false])
    commit.resolve()
    expect(await answer).toMatchObject({ status: 200, text: body, cut: false })
    expect(cookiesOf(await answer)).toEqual(['sid=1'])
    expect([res.headersSent, res.writableEnded, res.finished]).toEqual([true, true, true])
    expect(Object.keys(res)).not.toContain('headersSent')
  })

  test('refuses header changes as if the head had left', async () => {
    const { served, commit, handled } = await heldServer((res) => res.write('x'))
    const answer = get(served)
    const res = await handled.take()
    const refused = expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' })
    expect(() => res.setHeader('a', 'b')).toThrow(refused)
    expect(() => res.appendHeader('a', 'b')).toThrow(refused)
    expect(() => res.setHeaders(new Headers({ a: 'b' }))).toThrow(refused)
    expect(() => res.removeHeader('a')).toThrow(refused)
    expect(() => res.writeHead(404)).toThrow(refused)
    expect(() => res.writeHead(200, { a: 'b' })).toThrow(refused)
    expect(res.writeHead(200)).toBe(res)
    commit.resolve()
    await turn()
    res.end()
    expect((await answer).headers).not.toHaveProperty('a')
  })

  test('gives a setHeader of the instance back', async () => {
    const { served, commit, handled } = await heldServer((res) => res.end())
    served.server.prependListener('request', (_req, res: ServerResponse) => {
      const inherited = res.setHeader
      res.setHeader = function setHeader(...args) {
        return inherited.apply(this, args)
      }
    })
    const answer = get(served)
    const res = await handled.take()
    commit.resolve()
    await answer
    expect(Object.hasOwn(res, 'setHeader')).toBe(true)
    expect(res.setHeader.name).toBe('setHeader')
  })

  test('freezes the status when the head is held', async () => {
    const { served, commit } = await heldServer((res) => {
      res.statusCode = 202
      res.statusMessage = 'Taken'
      res.write('x')
      res.statusCode = 500
      res.statusMessage = 'Late'
      res.end()
      commit.resolve()
    })
    expect(await get(served)).toMatchObject({ status: 202, message: 'Taken' })
  })

  test('keeps a graceful shutdown from cutting the held response', async () => {
    const { served, commit, handled } = await heldServer((res) => res.end('body'))
    const answer = get(served)
    await handled.take()
    served.server.close()
    commit.resolve()
    expect(await answer).toMatchObject({ status: 200, text: 'body', cut: false })
  })

  test('keeps the Content-Length of a single end', async () => {
    const { served, commit } = await heldServer((res) => {
      res.end('body')
      commit.resolve()
    })
    expect((await get(served)).headers).toMatchObject({ 'content-length': '4' })
  })

  test('refuses a chunk of the wrong type at once, and asks for no commit', async () => {
    const { served, commit, seen, handled } = await heldServer(() => {})
    const answer = get(served)
    const res = await handled.take()
    const wrong = (chunk: unknown) => chunk as string
    expect(() => res.write(wrong(42))).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
    expect(() => res.write(wrong(null))).toThrow(expect.objectContaining({ code: 'ERR_STREAM_NULL_VALUES' }))
    expect(() => res.end(wrong({}))).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
    expect(seen.calls).toEqual([])
    res.write('x')
    expect(() => res.write(wrong(42))).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
    expect(() => res.end(wrong({}))).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
    res.end('y')
    commit.resolve()
    expect((await answer).text).toBe('xy')
  })

  test('swallows what follows a held end, and tells its callback', async () => {
    const { served, commit, handled } = await heldServer((res) => res.end('body'))
    const answer = get(served)
    const res = await handled.take()
    const [onError, onWrite, onEnd] = [vi.fn(), vi.fn(), vi.fn()]
    res.on('error', onError)
    expect(res.write('more', onWrite)).toBe(false)
    expect(res.end('more', onEnd)).toBe(res)
    commit.resolve()
    expect((await answer).text).toBe('body')
    const afterEnd = expect.objectContaining({ code: 'ERR_STREAM_WRITE_AFTER_END' })
    expect(onWrite).toHaveBeenCalledExactlyOnceWith(afterEnd)
    expect(onEnd).toHaveBeenCalledExactlyOnceWith(afterEnd)
    expect(onError).not.toHaveBeenCalled()
  })

  test('calls the callbacks of held calls', async () => {
    const [written, ended] = [deferred(), deferred()]
    const { served, commit } = await heldServer((res) => {
      res.write('x', 'utf8', () => written.resolve())
      res.end('y', () => ended.resolve())
      commit.resolve()
    })
    expect((await get(served)).text).toBe('xy')
    await Promise.all([written.promise, ended.promise])
  })

  test('replays each call in the async context it was made in', async () => {
    const context = new AsyncLocalStorage<string>()
    const contexts: unknown[] = []
    const { served, commit } = await heldServer((res) => {
      context.run('first', () => res.write('a'))
      context.run('second', () => res.end('b'))
      context.run('settled', () => commit.resolve())
    })
    served.server.prependListener('request', (_req, res: ServerResponse) => {
      const { write, end } = res
      res.write = (...args: unknown[]) => {
        contexts.push(context.getStore())
        return Reflect.apply(write, res, args)
      }
      res.end = (...args: unknown[]) => {
        contexts.push(context.getStore())
        return Reflect.apply(end, res, args)
      }
    })
    expect((await get(served)).text).toBe('ab')
    expect(contexts).toEqual(['first', 'second'])
  })

  test('takes 64 KiB before it asks the source to wait, and drains', async () => {
    const commit = deferred()
    const drained = deferred()
    const returned: unknown[] = []
    const served = await serve(
      (_req, res) => {
        hold(res, spy({ commit: () => commit.promise }))
        returned.push(res.write(Buffer.alloc(65_535)), res.writableNeedDrain)
        returned.push(res.write('x'), res.writableNeedDrain)
        res.once('drain', () => {
          drained.resolve()
          res.end('end')
        })
        commit.resolve()
      },
      { highWaterMark: 1 << 20 },
    )
    const { body } = await get(served)
    await drained.promise
    expect(returned).toEqual([true, false, false, true])
    expect(body.length).toBe(65_536 + 3)
  })

  test('leaves drain to Node where one of its own writes was refused', async () => {
    const waiting: unknown[] = []
    const { served, commit } = await heldServer((res) => {
      for (let count = 0; count < 64; count++) res.write(Buffer.alloc(65_536))
      res.on('drain', () => {
        waiting.push(res.writableLength)
        res.end()
      })
      commit.resolve()
    })
    expect((await get(served)).body.length).toBe(64 * 65_536)
    expect(waiting).toEqual([0])
  })

  test('goes on when the client has gone', async () => {
    const written = deferred()
    const { served, commit, seen, handled } = await heldServer((res) =>
      res.write('x', (error) => written.reject(error)),
    )
    const req = ask(served)
    const res = await handled.take()
    req.destroy()
    await once(res, 'close')
    commit.resolve()
    await expect(written.promise).rejects.toMatchObject({ code: 'ERR_STREAM_DESTROYED' })
    expect(seen.calls).toEqual(['commit 200'])
  })
})

describe('nothing to commit', () => {
  test.each(triggers)('lets %s through synchronously, with the headers', async (_name, handler, body) => {
    const handled = new Handoff<boolean>()
    const seen = spy()
    const served = await serve((_req, res) => {
      hold(res, seen)
      handler(res, _req)
      handled.give(bytesOut(res) > 0 && res.finished)
    })
    const answer = await get(served)
    expect(answer).toMatchObject({ status: 200, text: body })
    expect(cookiesOf(answer)).toEqual(['sid=1'])
    expect(await handled.take()).toBe(true)
    expect(seen.calls.slice(0, 2)).toEqual(['commit 200', 'headers'])
  })

  test('keeps the Content-Length of a single end', async () => {
    const served = await serve((_req, res) => {
      hold(res, spy())
      res.end('body')
    })
    expect((await get(served)).headers).toMatchObject({ 'content-length': '4' })
  })

  test('throws an error of the headers hook at the caller, and lets the error page out without them', async () => {
    const seen = spy({
      headers: () => {
        throw new Error('too large')
      },
    })
    const served = await serve((_req, res) => {
      hold(res, seen)
      expect(() => res.end('body')).toThrow('too large')
      res.statusCode = 500
      res.end('error page')
    })
    expect(await get(served)).toMatchObject({ status: 500, text: 'error page' })
    expect(seen.calls.slice(0, 2)).toEqual(['commit 200', 'headers'])
  })

  test('leaves a status that Node refuses to Node', async () => {
    const seen = spy()
    const served = await serve((_req, res) => {
      hold(res, seen)
      expect(() => res.writeHead(42)).toThrow(RangeError)
      res.writeHead(200).end()
    })
    await get(served)
    expect(seen.calls).toEqual(['commit 200', 'headers', 'finish'])
  })

  test("touches neither Node's prototype nor other responses", async () => {
    const before = Object.getOwnPropertyDescriptors(ServerResponse.prototype)
    const own = new Handoff<string[]>()
    const served = await serve((req, res) => {
      if (req.url === '/held') hold(res, spy())
      else own.give(['writeHead', 'write', 'end', 'flushHeaders'].filter((name) => Object.hasOwn(res, name)))
      res.end()
    })
    expect(cookiesOf(await get(served, { path: '/held' }))).toEqual(['sid=1'])
    expect(cookiesOf(await get(served))).toEqual([])
    expect(await own.take()).toEqual([])
    expect(Object.getOwnPropertyDescriptors(ServerResponse.prototype)).toEqual(before)
  })
})

describe.each([
  ['nothing due', () => undefined],
  ['a commit due', () => Promise.resolve()],
])('the head, %s', (_name, commit) => {
  const answerOf = async (
    handler: Handler,
    headers = (res: ServerResponse) => void res.appendHeader('Set-Cookie', 'sid=1'),
  ) => {
    const served = await serve((req, res) => {
      hold(res, spy({ commit, headers }))
      handler(res, req)
    })
    return get(served)
  }
  const cookies = ['a=1', 'b=2']

  test.each<[string, Handler, string[]]>([
    ['set before', (res) => res.setHeader('Set-Cookie', cookies).writeHead(200), ['a=1', 'b=2', 'sid=1']],
    ['an object', (res) => res.writeHead(200, { 'Set-Cookie': cookies }), ['a=1', 'b=2', 'sid=1']],
    ['an object and a message', (res) => res.writeHead(200, 'Fine', { 'Set-Cookie': 'a=1' }), ['a=1', 'sid=1']],
    ['a list', (res) => res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']), ['a=1', 'b=2', 'sid=1']],
    ['a list of arrays', (res) => res.writeHead(200, ['Set-Cookie', cookies]), ['a=1', 'b=2', 'sid=1']],
    [
      'pairs',
      (res) =>
        res.writeHead(200, [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
        ] as never),
      ['a=1', 'b=2', 'sid=1'],
    ],
    [
      'an object over one set before',
      (res) => res.setHeader('Set-Cookie', 'old=1').writeHead(200, { 'set-cookie': cookies }),
      ['a=1', 'b=2', 'sid=1'],
    ],
  ])('keeps the cookies of the application beside ours: %s', async (_form, handler, expected) => {
    expect(
      cookiesOf(
        await answerOf((res, req) => {
          handler(res, req)
          res.end()
        }),
      ),
    ).toEqual(expected)
  })

  test('does not push our cookie into an array of the application', async () => {
    await answerOf((res) => res.setHeader('Set-Cookie', cookies).end())
    await answerOf((res) => res.writeHead(200, { 'Set-Cookie': cookies }).end())
    await answerOf((res) => res.writeHead(200, ['Set-Cookie', cookies, 'Set-Cookie', 'c=3']).end())
    expect(cookies).toEqual(['a=1', 'b=2'])
  })

  test('shows the hook what was given to writeHead, and lets it merge', async () => {
    const answer = await answerOf(
      (res) => res.writeHead(200, { 'Cache-Control': 'public', Vary: 'Origin' }).end(),
      (res) => {
        expect(res.getHeader('cache-control')).toBe('public')
        res.setHeader('Cache-Control', 'no-store')
        res.setHeader('Vary', `${res.getHeader('vary')}, Cookie`)
      },
    )
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', vary: 'Origin, Cookie' })
  })

  test('keeps message and letter case', async () => {
    const answer = await answerOf((res) => res.writeHead(201, 'Made', { 'X-mIxed': '1', 'Content-Length': 0 }).end())
    expect(answer).toMatchObject({ status: 201, message: 'Made' })
    expect(answer.rawHeaders).toEqual(expect.arrayContaining(['X-mIxed', 'Set-Cookie']))
  })

  test('refuses malformed headers at the caller', async () => {
    await answerOf((res) => {
      expect(() => res.writeHead(200, ['odd'])).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }))
      expect(() => res.writeHead(200, { a: '\n' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_CHAR' }))
      res.end()
    })
  })

  test.each<[string, string, Handler, object]>([
    ['HEAD', 'HEAD', (res) => res.setHeader('Content-Length', 4).end('body'), { status: 200, text: '', cut: false }],
    ['204', 'GET', (res) => res.writeHead(204).end(), { status: 204, text: '', cut: false }],
    ['304', 'GET', (res) => res.writeHead(304, { ETag: '"a"' }).end(), { status: 304, text: '', cut: false }],
    [
      '302',
      'GET',
      (res) => res.writeHead(302, { Location: '/', 'Content-Length': 0 }).end(),
      { status: 302, text: '', cut: false },
    ],
  ])('sends a %s', async (_status, method, handler, expected) => {
    const served = await serve((req, res) => {
      hold(res, spy({ commit }))
      handler(res, req)
    })
    const answer = await get(served, { method })
    expect(answer).toMatchObject(expected)
    expect(cookiesOf(answer)).toEqual(['sid=1'])
    expect(answer.headers).not.toHaveProperty('transfer-encoding')
  })

  test.each<[string, Handler]>([
    ['pipe', (res) => void Readable.from(bigChunks()).pipe(res)],
    ['pipeline', (res) => void pipeline(Readable.from(bigChunks()), res)],
    ['pipeline of an iterable', (res) => void pipeline(bigChunks, res)],
  ])('streams a large body by %s', async (_how, handler) => {
    const answer = await answerOf(handler)
    expect(answer.body.equals(Buffer.concat([...bigChunks()]))).toBe(true)
    expect(cookiesOf(answer)).toEqual(['sid=1'])
  })

  test('lets server-sent events flow', async () => {
    const served = await serve((_req, res) => {
      hold(res, spy({ commit }))
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
      next.give(() => res.write('data: 1\n\n'))
      last.give(() => res.end('data: 2\n\n'))
    })
    const [next, last] = [new Handoff<() => void>(), new Handoff<() => void>()]
    const req = ask(served)
    const [response] = (await once(req, 'response')) as [IncomingMessage]
    ;(await next.take())()
    expect(String((await once(response, 'data'))[0])).toBe('data: 1\n\n')
    ;(await last.take())()
    expect(String((await once(response, 'data'))[0])).toBe('data: 2\n\n')
  })

  test('lets informational responses through, which ask for no commit', async () => {
    const seen = spy({ commit })
    const served = await serve((_req, res) => {
      hold(res, seen)
      res.writeEarlyHints({ link: '</a.css>; rel=preload' })
      res.writeProcessing()
      expect(seen.calls).toEqual([])
      res.end('body')
    })
    const req = ask(served)
    const infos: number[] = []
    req.on('information', ({ statusCode }) => infos.push(statusCode))
    expect(await answerTo(req)).toMatchObject({ status: 200, text: 'body' })
    expect(infos).toEqual([103, 102])
  })

  test('honours cork and trailers', async () => {
    const answer = await answerOf((res) => {
      res.writeHead(200, { Trailer: 'X-Sum' })
      res.cork()
      res.write('a')
      res.write('b')
      res.uncork()
      res.addTrailers({ 'X-Sum': '2' })
      res.end()
    })
    expect(answer).toMatchObject({ text: 'ab', trailers: { 'x-sum': '2' }, cut: false })
  })
})

function* bigChunks(): Generator<Buffer> {
  for (let count = 0; count < 40; count++) yield Buffer.alloc(50_000, count)
}

describe('late changes', () => {
  test('are not asked for where end sends the head', async () => {
    const seen = spy()
    await get(
      await serve((_req, res) => {
        hold(res, seen)
        res.end('body')
      }),
    )
    const {
      served,
      commit,
      seen: due,
    } = await heldServer((res) => {
      res.end('body')
      commit.resolve()
    })
    await get(served)
    expect(seen.calls).toEqual(['commit 200', 'headers'])
    expect(due.calls).toEqual(['commit 200', 'headers'])
  })

  test('are asked for once at end, after the head has left', async () => {
    const { served, commit, seen } = await heldServer((res) => {
      res.write('bo')
      res.end('dy')
      commit.resolve()
    })
    expect((await get(served)).text).toBe('body')
    expect(seen.calls).toEqual(['commit 200', 'headers', 'finish'])
  })

  test('hold end until they settle', async () => {
    const finish = deferred()
    const handled = new Handoff<ServerResponse>()
    const served = await serve((_req, res) => {
      hold(res, spy({ finish: () => finish.promise }))
      res.write('bo')
      res.end('dy')
      handled.give(res)
    })
    const answer = get(served)
    const res = await handled.take()
    expect([res.writableEnded, res.finished, res.write('more')]).toEqual([true, false, false])
    served.server.close()
    finish.resolve()
    expect(await answer).toMatchObject({ text: 'body', cut: false })
  })

  test('hold the end of a response that was held', async () => {
    const finish = deferred()
    const { served, commit } = await heldServer(
      (res) => {
        res.writeHead(200, { 'Content-Length': 4 })
        res.end('body')
      },
      { finish: () => finish.promise },
    )
    const answer = get(served)
    commit.resolve()
    await turn()
    finish.resolve()
    expect(await answer).toMatchObject({ text: 'body', cut: false })
  })

  test.each(['rejects', 'throws'])('go to fail when finish %s, and the caller can cut the socket', async (how) => {
    const boom = new Error('boom')
    const handled = new Handoff<ServerResponse>()
    const ended = vi.fn()
    const seen = spy({
      finish: () => {
        if (how === 'throws') throw boom
        return Promise.reject(boom)
      },
      fail: () =>
        void handled.take().then((res) => {
          expect(res.headersSent).toBe(true)
          res.destroy()
        }),
    })
    const served = await serve((_req, res) => {
      hold(res, seen)
      res.write('x')
      res.end('y', ended)
      handled.give(res)
    })
    expect((await get(served)).cut).toBe(true)
    expect(seen.calls).toEqual(['commit 200', 'headers', 'finish', 'fail boom'])
    expect(ended).toHaveBeenCalledExactlyOnceWith(boom)
  })

  test('are asked for at the end of a response that was begun before the hold', async () => {
    const seen = spy()
    const served = await serve((_req, res) => {
      res.write('x')
      hold(res, seen)
      res.end()
    })
    expect(cookiesOf(await get(served))).toEqual([])
    expect(seen.calls).toEqual(['finish'])
  })
})

describe('several holds', () => {
  test('are consulted in order, and the head leaves when all have settled', async () => {
    const [first, second] = [deferred(), deferred()]
    const calls: string[] = []
    const handled = new Handoff<ServerResponse>()
    const hooksOf = (name: string, { promise }: { promise: Promise<void> }) => ({
      ...spy(),
      commit: () => {
        calls.push(`commit ${name}`)
        return promise
      },
      headers: (res: ServerResponse) => {
        calls.push(`headers ${name}`)
        res.appendHeader('Set-Cookie', `${name}=1`)
      },
    })
    const served = await serve((_req, res) => {
      hold(res, hooksOf('a', first))
      hold(res, hooksOf('b', second))
      res.end('body')
      handled.give(res)
    })
    const answer = get(served)
    const res = await handled.take()
    second.resolve()
    await turn()
    expect(bytesOut(res)).toBe(0)
    first.resolve()
    expect(cookiesOf(await answer)).toEqual(['a=1', 'b=1'])
    expect(calls).toEqual(['commit a', 'commit b', 'headers a', 'headers b'])
  })

  test('fail together, by the first that failed', async () => {
    const slow = deferred()
    const calls: string[] = []
    const handled = new Handoff<ServerResponse>()
    const served = await serve((_req, res) => {
      const answer = (error: unknown) => {
        calls.push(String(error))
        res.writeHead(503).end()
      }
      hold(res, spy({ commit: () => slow.promise, fail: answer }))
      hold(res, spy({ commit: () => Promise.reject('second'), fail: answer }))
      hold(res, spy({ commit: () => undefined, fail: answer }))
      res.end('body')
      handled.give(res)
    })
    const answer = get(served)
    const res = await handled.take()
    await turn()
    expect(bytesOut(res)).toBe(0)
    slow.reject('first')
    expect(await answer).toMatchObject({ status: 503, text: '' })
    expect(cookiesOf(await answer)).toEqual([])
    expect(calls).toEqual(['first'])
  })

  test('all finish before end', async () => {
    const [first, second] = [spy({ finish: () => Promise.resolve() }), spy({ finish: () => Promise.resolve() })]
    const served = await serve((_req, res) => {
      hold(res, first)
      hold(res, second)
      res.write('x')
      res.end()
    })
    await get(served)
    expect([...first.calls, ...second.calls].filter((call) => call === 'finish')).toHaveLength(2)
  })
})
