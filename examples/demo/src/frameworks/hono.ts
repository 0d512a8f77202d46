import type { Server } from 'node:http'
import { Readable } from 'node:stream'
import { createAdaptorServer } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { sess } from '@sess/hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { answer, type Demo } from '../actions.ts'

export function honoServer(demo: Demo): Server {
  const { sessions, trustProxy } = demo
  const app = new Hono().use(sess(sessions, { ip: (c) => getConnInfo(c).remote.address, trustProxy }))
  app.use(bodyLimit({ maxSize: 16 * 1024 }))

  app.all('*', async (c) => {
    const { status, headers, body } = await answer(demo, {
      framework: 'Hono',
      method: c.req.method,
      url: c.req.url,
      headers: c.req.header(),
      form: new URLSearchParams(await c.req.text()),
      session: c.var.session,
    })
    // The global type has two declarations where the DOM's are loaded too; the object is the same.
    const content = typeof body === 'string' ? body : (Readable.toWeb(body) as ReadableStream)
    return new Response(content, { status, headers })
  })

  // Without options for http2 it is a server of node:http.
  return createAdaptorServer(app) as Server
}
