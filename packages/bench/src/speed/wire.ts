import { IncomingMessage, ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'

/** One answer: its status, the cookies it sets, as they are on the wire, and its body. */
export interface Answered {
  readonly status: number
  readonly setCookies: readonly string[]
  readonly body: string
}

/** Sends a GET to an app in this process. Only a `Peek` keeps what was answered. */
export interface Wire {
  send(path: string, cookie: string): Promise<void>
  peek(path: string, cookie: string): Promise<Answered>
}

/** What browsers send besides the cookie. */
export const HEADERS: Readonly<Record<string, string>> = {
  host: 'shop.example',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-language': 'en-GB,en;q=0.9',
  'accept-encoding': 'gzip, deflate, br',
  'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0',
  'x-forwarded-for': '192.0.2.7',
}

/** The server's end of a TLS connection that swallows everything. Node's own request and response go with it. */
class Socket extends Duplex {
  readonly encrypted = true
  readonly remoteAddress = '192.0.2.7'
  readonly written: string[] | null

  constructor(keep: boolean) {
    super({ decodeStrings: false })
    this.written = keep ? [] : null
  }

  override _read(): void {}

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.written?.push(chunk.toString())
    done()
  }

  setTimeout(): this {
    return this
  }
}

/** For frameworks upon node:http: everything but the parsing of the request and the socket is the real thing. */
export function nodeWire(listener: (req: object, res: object) => void): Wire {
  const exchange = (path: string, cookie: string, socket: Socket) =>
    new Promise<ServerResponse>((resolve, reject) => {
      // An IncomingMessage asks for a net.Socket; what it uses of one is here.
      const req = new IncomingMessage(socket as never)
      Object.assign(req, {
        method: 'GET',
        url: path,
        httpVersion: '1.1',
        httpVersionMajor: 1,
        httpVersionMinor: 1,
        complete: true,
      })
      Object.assign(req.headers, cookie === '' ? HEADERS : { ...HEADERS, cookie })
      req.push(null)
      const res = new ServerResponse(req)
      res.assignSocket(socket as never)
      res.on('error', reject)
      res.on('finish', () => {
        res.detachSocket(socket as never)
        res.emit('close')
        resolve(res)
      })
      listener(req, res)
    })
  return {
    async send(path, cookie) {
      const { statusCode } = await exchange(path, cookie, new Socket(false))
      if (statusCode !== 200) throw new Error(`${path} was answered with ${statusCode}`)
    },
    async peek(path, cookie) {
      const socket = new Socket(true)
      const { statusCode: status } = await exchange(path, cookie, socket)
      const [head = '', ...rest] = (socket.written ?? []).join('').split('\r\n\r\n')
      const setCookies = [...head.matchAll(/^set-cookie: (.*?)\r?$/gim)].map(([, line = '']) => line)
      return { status, setCookies, body: rest.join('') }
    },
  }
}

/** For frameworks upon `fetch`. */
export function fetchWire(fetch: (request: Request) => Promise<Response>): Wire {
  const ask = (path: string, cookie: string) =>
    fetch(new Request(`https://shop.example${path}`, { headers: cookie === '' ? HEADERS : { ...HEADERS, cookie } }))
  return {
    async send(path, cookie) {
      const { status } = await ask(path, cookie)
      if (status !== 200) throw new Error(`${path} was answered with ${status}`)
    },
    async peek(path, cookie) {
      const response = await ask(path, cookie)
      return { status: response.status, setCookies: response.headers.getSetCookie(), body: await response.text() }
    },
  }
}

/** The Cookie header of a browser that sent `before` and got this answer. */
export function cookiesAfter(before: string, { setCookies }: Answered): string {
  const jar = new Map<string, string>()
  for (const pair of [...before.split('; '), ...setCookies.map((line) => line.split(';')[0] ?? '')]) {
    const at = pair.indexOf('=')
    if (at > 0) jar.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}
