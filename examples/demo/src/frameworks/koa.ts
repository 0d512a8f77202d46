import { createServer, type Server } from 'node:http'
import { sess } from '@sess/koa'
import Koa from 'koa'
import { answer, type Demo } from '../actions.ts'
import { readForm } from '../form.ts'

export function koaServer(demo: Demo): Server {
  const app = new Koa({ proxy: demo.trustProxy })
  app.use(sess(demo.sessions))

  app.on('error', (error: NodeJS.ErrnoException) => {
    // A reader of the event stream has left: nothing is wrong.
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE' && error.code !== 'ECONNRESET') app.onerror(error)
  })

  app.use(async (ctx) => {
    const { status, headers, body } = await answer(demo, {
      framework: 'Koa',
      method: ctx.method,
      url: ctx.url,
      headers: ctx.headers,
      form: await readForm(ctx.req),
      session: demo.sessions.of(ctx),
    })
    ctx.status = status
    ctx.set(headers)
    ctx.body = body
  })

  return createServer(app.callback())
}
