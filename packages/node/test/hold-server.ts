import { EventEmitter, once } from 'node:events'
import http, { type IncomingMessage, type RequestListener, type ServerOptions, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { HoldHooks } from '../src/hold.ts'

export interface Deferred {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

export function deferred(): Deferred {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

export interface Spy extends HoldHooks {
  /** What was called, in order: `commit 200`, `headers`, `finish`, `fail boom`. */
  readonly calls: string[]
}

/** Hooks that note their calls and send `Set-Cookie: sid=1`. */
export function spy(over: Partial<HoldHooks> = {}, name = ''): Spy {
  const calls: string[] = []
  const note = (call: string) => calls.push(name + call)
  return {
    calls,
    commit(status) {
      note(`commit ${status}`)
      return over.commit?.(status)
    },
    headers(res) {
      note('headers')
      if (over.headers) over.headers(res)
      else res.appendHeader('Set-Cookie', 'sid=1')
    },
    finish() {
      note('finish')
      return over.finish?.()
    },
    fail(error) {
      note(`fail ${error instanceof Error ? error.message : error}`)
      over.fail?.(error)
    },
  }
}

export interface Served {
  readonly port: number
  readonly server: http.Server
}

export async function serve(listener: RequestListener, options: ServerOptions = {}): Promise<Served> {
  const server = http.createServer(options, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, server }
}

export interface Answer {
  readonly status: number
  readonly message: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: string[]
  readonly trailers: IncomingMessage['trailers']
  readonly body: Buffer
  readonly text: string
  /** The connection was cut before the body was complete. */
  readonly cut: boolean
}

export interface Ask {
  method?: string
  path?: string
  headers?: http.OutgoingHttpHeaders
}

/** Sends a request on a connection of its own. */
export function ask({ port }: Served, { method = 'GET', path = '/', headers = {} }: Ask = {}): http.ClientRequest {
  const req = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false })
  req.on('error', () => {})
  req.end()
  return req
}

export async function answerTo(req: http.ClientRequest): Promise<Answer> {
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    req.once('response', resolve)
    req.once('error', reject)
  })
  const chunks: Buffer[] = []
  res.on('data', (chunk: Buffer) => chunks.push(chunk))
  res.on('error', () => {})
  await new Promise((resolve) => res.once('close', resolve))
  const body = Buffer.concat(chunks)
  return {
    status: res.statusCode ?? 0,
    message: res.statusMessage ?? '',
    headers: res.headers,
    rawHeaders: res.rawHeaders,
    trailers: res.trailers,
    body,
    text: body.toString(),
    cut: !res.complete,
  }
}

export const get = (served: Served, options?: Ask): Promise<Answer> => answerTo(ask(served, options))

export const cookiesOf = (answer: Answer): string[] => answer.headers['set-cookie'] ?? []

/** Hands a value from the server's handler to the test. */
export class Handoff<Value> {
  readonly #emitter = new EventEmitter()
  #value: { value: Value } | undefined

  give(value: Value): void {
    this.#value = { value }
    this.#emitter.emit('value')
  }

  async take(): Promise<Value> {
    if (this.#value === undefined) await once(this.#emitter, 'value')
    return (this.#value as { value: Value }).value
  }
}

/** Lets everything run that is already due: ticks, promises, and one turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Bytes handed to the socket for this response, on a connection that served nothing before. */
export const bytesOut = (res: ServerResponse): number => res.socket?.bytesWritten ?? 0
