import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { DefaultData } from '@sess/core'
import { type Handler, sess } from '@sess/node'
import { type AdapterSubject, adapterCases, listen, register } from '@sess/testkit'
import { beforeAll, describe, it, vi } from 'vitest'
import { migrate, mysqlStore } from '../src/index.ts'
import { mariadb, pool } from './open.ts'

const table = 'adapter_suite'

describe.skipIf(mariadb.missing)('the adapter promises, on node:http, on MariaDB [needs mariadb]', () => {
  const client = pool()
  beforeAll(() => migrate(client, { table }))

  const subject: AdapterSubject = {
    store: () => mysqlStore(client, { table }),
    late: 'saved',
    serve(sessions, handle, { trustProxy, second, guard }) {
      const answer: Handler<DefaultData, IncomingMessage, ServerResponse> = async (req, res) => {
        if (guard !== null) sessions.of(req).requireFresh(guard)
        const { method = '', url = '' } = req
        const { status, headers, body } = await handle(sessions.of(req), { method, url, raw: req })
        res.writeHead(status, headers.flat())
        if (typeof body === 'string' || body === null) res.end(body ?? undefined)
        else body.pipe(res)
      }
      const inner = second === null ? answer : sess(second, answer, { trustProxy })
      return listen(createServer(sess(sessions, inner, { trustProxy })))
    },
  }

  // The default error handler reports what it answers with 500 and above.
  vi.spyOn(console, 'error').mockReturnValue()
  register(adapterCases, () => subject, { it: it.concurrent })
})
