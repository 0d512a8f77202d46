import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { sess } from '@sess/node'
import { answer, type Demo, type DemoRequest } from '../actions.ts'
import { readForm } from '../form.ts'

export function nodeServer(demo: Demo): Server {
  const serve = async (req: IncomingMessage, res: ServerResponse, session: DemoRequest['session']) => {
    const { status, headers, body } = await answer(demo, {
      framework: 'node:http',
      method: req.method ?? 'GET',
      url: req.url ?? '/',
      headers: req.headers,
      form: await readForm(req),
      session,
    })
    res.writeHead(status, headers)
    if (typeof body === 'string') res.end(body)
    else pipeline(body, res, () => {})
  }
  return createServer(sess(demo.sessions, serve, { trustProxy: demo.trustProxy }))
}
