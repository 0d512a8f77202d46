import { createServer, type Server } from 'node:http'
import { pipeline } from 'node:stream'
import { sess } from '@sess/node'
import { answer, type Demo } from '../actions.ts'
import { readForm } from '../form.ts'

export function nodeServer(demo: Demo): Server {
  return createServer(
    sess(demo.sessions, async (req, res, session) => {
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
    }),
  )
}
