import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RequestFacts, Session, Sessions } from '@sess/core'
import { applyHeaders, finish, type ResponseHeaders } from '@sess/core/http'
import type { AdapterSubject, Handle, Reply, ServeOptions } from '../src/index.ts'

/** The steps of the smallest possible adapter, so that tests can break one at a time. */
export const steps = {
  facts(req: IncomingMessage, { trustProxy }: ServeOptions): RequestFacts {
    const forwarded = (name: string) => (trustProxy ? req.headers[name] : undefined)?.toString()
    const ip = forwarded('x-forwarded-for') ?? req.socket.remoteAddress
    const secure = forwarded('x-forwarded-proto') === 'https'
    return { method: req.method ?? '', url: req.url ?? '', headers: req.headers, secure, ip }
  },
  open: (sessions: Sessions, facts: RequestFacts): Promise<Session> => sessions.open(facts),
  commit: async (session: Session, status: number): Promise<void> => finish(session, status),
  headers: (session: Session, headers: ResponseHeaders): void => applyHeaders(session, headers),
  /** What a failed request is answered with. */
  fail(res: ServerResponse, error: unknown): void {
    if (res.headersSent) return void res.destroy()
    for (const name of res.getHeaderNames()) res.removeHeader(name)
    const { status, body } = errorPage(error)
    res.writeHead(status).end(body)
  },
}

function errorPage(error: unknown): Reply {
  const status = typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 500
  return { status, headers: [], body: `error ${status}` }
}

export type Steps = typeof steps

/** An adapter for servers that make a response before they send it, over node:http. */
export function reference(faults: Partial<Steps> = {}): AdapterSubject {
  const { facts, open, commit, headers, fail } = { ...steps, ...faults }

  async function respond(mounted: Sessions[], handle: Handle, facts: RequestFacts, res: ServerResponse): Promise<void> {
    const opened: Session[] = []
    const { req } = res
    for (const sessions of mounted) {
      const session = await open(sessions, facts)
      sessions.attach(req, session)
      opened.push(session)
    }
    const request = { method: req.method ?? '', url: req.url ?? '', raw: req }
    const reply = await handle(opened[0] as Session, request).catch(errorPage)
    for (const session of opened) await commit(session, reply.status)
    for (const [name, value] of reply.headers) res.appendHeader(name, value)
    for (const session of opened) headers(session, responseHeaders(res))
    await write(res, reply)
    for (const session of opened) await commit(session, reply.status)
    res.end()
  }

  return {
    late: 'saved',
    async serve(sessions, handle, options) {
      const mounted = options.second === null ? [sessions] : [sessions, options.second]
      const server = createServer((req, res) => {
        if (!req.url?.startsWith(options.path)) return void res.writeHead(404).end()
        respond(mounted, handle, facts(req, options), res).catch((error: unknown) => fail(res, error))
      })
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
      const { port } = server.address() as AddressInfo
      return {
        url: `http://127.0.0.1:${port}`,
        async close() {
          server.closeAllConnections()
          await new Promise((closed) => server.close(closed))
        },
      }
    },
  }
}

async function write(res: ServerResponse, { status, body }: Reply): Promise<void> {
  res.writeHead(status)
  if (typeof body === 'string') res.write(body)
  else if (body !== null) for await (const chunk of body) res.write(chunk)
}

function responseHeaders(res: ServerResponse): ResponseHeaders {
  return {
    get: (name) => res.getHeader(name)?.toString(),
    set: (name, value) => void res.setHeader(name, value),
    append: (name, value) => void res.appendHeader(name, value),
  }
}
