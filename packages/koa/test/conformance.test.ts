import { createServer } from 'node:http'
import { type AdapterSubject, adapterCases, formCases, listen, register } from '@sess/testkit'
import Koa3 from 'koa'
import { koaBody } from 'koa-body'
import Koa2 from 'koa2'
import { describe, it } from 'vitest'
import { csrf, requireFresh, sess } from '../src/index.ts'

const subject = (Koa: typeof Koa3): AdapterSubject => ({
  late: 'saved',
  serve(sessions, handle, { trustProxy, second, guard, forms }) {
    const app = new Koa({ proxy: trustProxy })
    app.silent = true
    app.use(sess(sessions))
    if (second !== null) app.use(sess(second, { property: 'second' }))
    if (guard !== null) app.use(requireFresh(guard))
    if (forms) app.use(koaBody({ multipart: true, jsonStrict: false })).use(csrf(sessions))
    app.use(async (ctx) => {
      const { status, headers, body } = await handle(ctx.session, { method: ctx.method, url: ctx.url, raw: ctx })
      for (const [name, value] of headers) ctx.append(name, value)
      if (body !== null) ctx.body = body
      ctx.status = status
    })
    return listen(createServer(app.callback()))
  },
})

const cases = [...adapterCases, ...formCases]

describe('Koa 3', () => register(cases, () => subject(Koa3), { it: it.concurrent }))
// Its types differ from those of 3 where this does not look.
describe('Koa 2', () => register(cases, () => subject(Koa2 as unknown as typeof Koa3), { it: it.concurrent }))
