import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Freshness, RequestFacts, Session, Sessions } from '@sess/core'
import { applyHeaders, applyRefusal, finish, type ResponseHeaders, verifyForm } from '@sess/core/http'
import { type AdapterSubject, type Handle, listen, type Reply, type ServeOptions } from '../src/index.ts'
import { formOf } from './form-of.ts'

/** The steps of the smallest possible adapter, so that tests can break one at a time. */
export const steps = {
  facts(req: IncomingMessage, { trustProxy }: ServeOptions): RequestFacts {
    const forwarded = (name: string) => (trustProxy ? req.headers[name] : undefined)?.toString()
    const ip = forwarded('x-forwarded-for') ?? req.socket.remoteAddress
    const secure = forwarded('x-forwarded-proto') === 'https'
    return { method: req.method ?? '', url: req.url ?? '', headers: req.headers, secure, ip }
  },
  async open(sessions: Sessions, facts: RequestFacts, req: IncomingMessage): Promise<Session> {
    const session = await sessions.open(facts)
    sessions.attach(req, session)
    return session
  },
  async form(session: Session, req: IncomingMessage): Promise<void> {
    verifyForm(session, await formOf(req))
  },
  async commit(session: Session, status: number, _res: ServerResponse): Promise<void> {
    await finish(session, status)
  },
  headers(session: Session, headers: ResponseHeaders, _res: ServerResponse): void {
    applyHeaders(session, headers)
  },
  async write(res: ServerResponse, { status, body }: Reply): Promise<void> {
    res.writeHead(status)
    if (typeof body === 'string') res.write(body)
    else if (body !== null) for await (const chunk of body) res.write(chunk)
  },
  async commitLate(session: Session, status: number, _res: ServerResponse): Promise<void> {
    await finish(session, status)
  },
  /** Runs before the route where it is to be guarded. */
  guard(session: Session, freshness: Freshness): void {
    session.requireFresh(freshness)
  },
  /** What a request is answered with whose session could not be opened or committed. */
  fail(res: ServerResponse, error: unknown, _reply: Reply | null): void {
    if (res.headersSent) return void res.destroy()
    for (const name of res.getHeaderNames()) res.removeHeader(name)
    applyRefusal(error, responseHeaders(res))
    const { status, body } = errorPage(error)
    res.writeHead(status).end(body)
  },
  /** What is answered to what a handler throws. */
  explain(error: unknown): Reply {
    return errorPage(error)
  },
}

function errorPage(error: unknown): Reply {
  const { status = 500, headers = {} } = Object(error) as { status?: number; headers?: Record<string, string> }
  return { status, headers: Object.entries(headers), body: `error ${status}` }
}

export type Steps = typeof steps

/** An adapter for servers that make a response before they send it, over node:http. */
export function reference(faults: Partial<Steps> = {}): AdapterSubject {
  const { facts, open, form, commit, headers, write, commitLate, fail, guard, explain } = { ...steps, ...faults }

  type Served = Readonly<{ opened: Promise<Session>[]; handle: Handle; freshness: Freshness | null; forms: boolean }>

  async function respond(res: ServerResponse, { opened, handle, freshness, forms }: Served): Promise<void> {
    const { req } = res
    let reply: Reply | null = null
    try {
      const sessions = await Promise.all(opened)
      const request = { method: req.method ?? '', url: req.url ?? '', raw: req }
      const session = sessions[0] as Session
      const checked = forms ? form(session, req) : Promise.resolve()
      reply = await checked.then(() => answer(session, freshness, () => handle(session, request))).catch(explain)
      const { status } = reply
      for (const session of sessions) await commit(session, status, res)
      for (const [name, value] of reply.headers) res.appendHeader(name, value)
      for (const session of sessions) headers(session, responseHeaders(res), res)
      const late = () => Promise.all(sessions.map((session) => commitLate(session, status, res)))
      // The client left in the middle: there will be no end.
      res.once('close', () => res.writableEnded || late().catch(() => {}))
      await write(res, reply)
      await late()
      res.end()
    } catch (error) {
      fail(res, error, reply)
    }
  }

  async function answer(session: Session, freshness: Freshness | null, work: () => Promise<Reply>): Promise<Reply> {
    if (freshness !== null) guard(session, freshness)
    return work()
  }

  return {
    late: 'saved',
    async serve(sessions, handle, options) {
      const mounted = options.second === null ? [sessions] : [sessions, options.second]
      const server = createServer((req, res) => {
        if (!req.url?.startsWith(options.path)) return void res.writeHead(404).end()
        const opened = mounted.map(async (each) => open(each, facts(req, options), req))
        return void respond(res, { opened, handle, freshness: options.guard, forms: options.forms })
      })
      return listen(server)
    },
  }
}

function responseHeaders(res: ServerResponse): ResponseHeaders {
  return {
    get: (name) => res.getHeader(name)?.toString(),
    set: (name, value) => void res.setHeader(name, value),
    append: (name, value) => void res.appendHeader(name, value),
  }
}
