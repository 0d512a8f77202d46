import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { ok } from '../case.ts'

/** What to send, beyond the target. */
export interface Sending {
  readonly method?: string
  /** Header lines in order; names may repeat. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Sent as it is; its type belongs into the headers. */
  readonly body?: string
  /** A keep-alive agent; without one every request has its own connection. */
  readonly agent?: Agent
}

/** A response as it came over the wire. */
export class Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** False when the connection ended before the response did. */
  readonly complete: boolean

  constructor(message: IncomingMessage, body: string) {
    const raw = message.rawHeaders
    this.status = message.statusCode ?? 0
    this.headers = raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : []))
    this.body = body
    this.complete = message.complete
  }

  /** The values of one header, in order. */
  all(name: string): string[] {
    return this.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
  }

  /** All values of one header as a list, or undefined without any. */
  get(name: string): string | undefined {
    const values = this.all(name)
    return values.length === 0 ? undefined : values.join(', ')
  }

  /** Set-Cookie lines. */
  get cookies(): string[] {
    return this.all('set-cookie')
  }
}

/** One request on its way. */
export class Exchange {
  /** The whole response. Rejects when the connection fails before there is one. */
  readonly answer: Promise<Answer>
  readonly #request: ClientRequest
  readonly #watchers: (() => void)[] = []
  #received = ''
  #ended = false

  constructor(url: string, path: string, sending: Sending) {
    const { method = 'GET', headers = [], body = '', agent } = sending
    const named = new Set(headers.map(([name]) => name.toLowerCase()))
    const lines = [...headers]
    if (!named.has('host')) lines.unshift(['Host', new URL(url).host])
    // Otherwise node announces a chunked body for methods that usually have one.
    if (!['GET', 'HEAD'].includes(method)) lines.push(['Content-Length', String(Buffer.byteLength(body))])
    this.#request = request(url + path, {
      method,
      agent: agent ?? false,
      setHost: false,
      headers: lines.flat(),
    })
    this.answer = new Promise((resolve, reject) => {
      this.#request.once('error', reject)
      this.#request.once('response', (message) => this.#read(message, resolve))
    })
    this.answer.catch(() => {})
    this.#request.end(body)
  }

  /** How many bytes of the response have arrived, its head included. Meaningful on a connection of its own. */
  get bytes(): number {
    return this.#request.socket?.bytesRead ?? 0
  }

  /** Resolves when the body so far contains `text`; rejects when it ends without. */
  async received(text: string): Promise<void> {
    while (!this.#received.includes(text)) {
      ok(!this.#ended, `the response ended without ${JSON.stringify(text)}`)
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }

  /** The client goes away; resolves when its side of the connection is closed. */
  async abort(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#request.once('close', resolve)
      this.#request.destroy()
    })
  }

  #read(message: IncomingMessage, resolve: (answer: Answer) => void): void {
    message.setEncoding('utf8')
    message.on('data', (chunk: string) => {
      this.#received += chunk
      this.#wake()
    })
    message.once('error', () => {})
    message.once('close', () => {
      this.#ended = true
      this.#wake()
      resolve(new Answer(message, this.#received))
    })
  }

  #wake(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }
}
