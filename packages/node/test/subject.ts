import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { DefaultData } from '@sess/core'
import { verifyForm } from '@sess/core/http'
import { type AdapterSubject, listen } from '@sess/testkit'
import { type Handler, sess } from '../src/index.ts'

/** This adapter as the kit is told of it; tests of stores run on it too. */
export const subject: AdapterSubject = {
  late: 'saved',
  serve(sessions, handle, { trustProxy, second, guard, forms }) {
    const answer: Handler<DefaultData, IncomingMessage, ServerResponse> = async (req, res) => {
      if (guard !== null) sessions.of(req).requireFresh(guard)
      const { method = '', url = '' } = req
      if (forms) verifyForm(sessions.of(req), await formOf(req))
      const { status, headers, body } = await handle(sessions.of(req), { method, url, raw: req })
      res.writeHead(status, headers.flat())
      if (typeof body === 'string' || body === null) res.end(body ?? undefined)
      else body.pipe(res)
    }
    const inner = second === null ? answer : sess(second, answer, { trustProxy })
    return listen(createServer(sess(sessions, inner, { trustProxy })))
  },
}

/** The fields of a body, by the platform's own parsers; undefined for what cannot be parsed. */
async function formOf(req: IncomingMessage): Promise<unknown> {
  const type = req.headers['content-type'] ?? ''
  const chunks: Uint8Array[] = []
  for await (const chunk of req) chunks.push(chunk)
  const response = new Response(Buffer.concat(chunks), { headers: { 'content-type': type } })
  return (type.startsWith('application/json') ? response.json() : response.formData()).catch(() => undefined)
}
