import {
  createServer as createPlain,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
} from 'node:http'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium } from 'playwright-core'
import { generate } from 'selfsigned'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Every name below .example is this machine; certificates are made for the moment.
  '--host-resolver-rules=MAP *.example 127.0.0.1',
  '--ignore-certificate-errors',
]

/** Chromium, to which all hosts below `.example` are this machine. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS })
}

/** Servers of one test file, closed together. */
export class Sites {
  readonly #servers: Server[] = []
  #tls: { readonly key: string; readonly cert: string } | undefined

  /** Its port. */
  plain(listener: RequestListener): Promise<number> {
    return this.#listen(createPlain(listener))
  }

  /** Its port; over https. */
  async secure(listener: RequestListener): Promise<number> {
    this.#tls ??= await certificate()
    return this.#listen(createSecure(this.#tls, listener))
  }

  /** A proxy that terminates https for a server; its port. */
  proxy(upstream: string): Promise<number> {
    return this.secure((req, res) => {
      const headers = { ...req.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' }
      const sent = request(upstream + req.url, { method: req.method ?? 'GET', headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        answer.pipe(res)
      })
      sent.on('error', () => res.destroy())
      req.pipe(sent)
    })
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.closeAllConnections()
    await Promise.all(this.#servers.map((server) => new Promise((closed) => server.close(closed))))
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    // It listens on a port.
    return (server.address() as AddressInfo).port
  }
}

async function certificate(): Promise<{ key: string; cert: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'shop.example' }], {
    algorithm: 'sha256',
  })
  return { key, cert }
}

/** The body of a request as form fields. */
export async function fieldsOf(req: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const chunk of req) text += chunk
  return new URLSearchParams(text)
}
