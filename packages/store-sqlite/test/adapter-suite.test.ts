import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { DefaultData } from '@sess/core'
import { type Handler, sess } from '@sess/node'
import { type AdapterSubject, adapterCases, listen, register } from '@sess/testkit'
import { afterAll, describe, it, vi } from 'vitest'
import { migrate, sqliteStore } from '../src/index.ts'
import { openFile } from './open.ts'

describe('the adapter promises, on node:http, on libsql', () => {
  const file = openFile()
  afterAll(() => file.remove())
  const database = file.connect()
  migrate(database)

  const subject: AdapterSubject = {
    store: () => sqliteStore(database),
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
