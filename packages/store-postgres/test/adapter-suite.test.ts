import { createServer } from 'node:http'
import { requireFresh, sess } from '@sess/express'
import { type AdapterSubject, adapterCases, listen, register } from '@sess/testkit'
import express, { type RequestHandler } from 'express'
import { beforeAll, describe, it } from 'vitest'
import { migrate, postgresStore } from '../src/index.ts'
import { pool, postgres } from './open.ts'

const table = 'adapter_suite'

describe.skipIf(postgres.missing)('the adapter promises, on Express, on PostgreSQL [needs postgres]', () => {
  const client = pool()
  beforeAll(() => migrate(client, { table }))

  const subject: AdapterSubject = {
    store: () => postgresStore(client, { table }),
    late: 'saved',
    serve(sessions, handle, { trustProxy, path, second, guard }) {
      const app = express().set('env', 'test').set('trust proxy', trustProxy)
      const answer: RequestHandler = (req, res, next) => {
        const request = { method: req.method, url: req.originalUrl, raw: req }
        const respond = handle(req.session, request).then(({ status, headers, body }) => {
          for (const [name, value] of headers) res.append(name, value)
          if (body === null || typeof body === 'string') res.status(status).send(body)
          else body.pipe(res.status(status))
        })
        respond.catch(next)
      }
      app.use(`${path}/`, sess(sessions), ...(second === null ? [] : [sess(second, { property: 'second' })]))
      app.use(`${path}/`, ...(guard === null ? [] : [requireFresh(guard)]), answer)
      return listen(createServer(app))
    },
  }

  register(adapterCases, () => subject, { it: it.concurrent })
})
