import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { SessError } from '@sess/core'
import { type AdapterSubject, adapterCases, formCases, listen, register } from '@sess/testkit'
import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import { it } from 'vitest'
import { csrf, requireFresh, sess } from '../src/index.ts'

const subject: AdapterSubject = {
  late: 'commit',
  serve(sessions, handle, { trustProxy, path, second, guard, forms }) {
    const ip = (c: Parameters<typeof getConnInfo>[0]) => getConnInfo(c).remote.address
    const app = new Hono().basePath(path).use(sess(sessions, { trustProxy, ip }))
    if (second !== null) app.use(sess(second, { trustProxy, ip, property: 'second' }))
    if (guard !== null) app.use(requireFresh(guard))
    if (forms) app.use(csrf(sessions))
    app.all('*', async (c) => {
      const { method, url } = c.req
      const { status, headers, body } = await handle(c.var.session, { method, url, raw: c })
      c.status(status as 200) // any status will do
      for (const [name, value] of headers) c.header(name, value, { append: true })
      if (body === null) return c.body(null)
      if (typeof body === 'string') return c.body(body)
      return stream(c, async (out) => {
        for await (const chunk of body) await out.write(chunk)
      })
    })
    // Without one, Hono answers 500 to everything that is thrown and does not bring its answer along.
    app.onError((error, c) => {
      if (error instanceof SessError) return error.getResponse()
      return c.text(error.message, 'status' in error ? (error.status as 500) : 500)
    })
    return listen(createAdaptorServer({ fetch: app.fetch }) as Server) // http unless told otherwise
  },
}

register([...adapterCases, ...formCases], () => subject, { it: it.concurrent })
