import { createServer, type Server } from 'node:http'
import { pipeline } from 'node:stream'
import { sess } from '@sess/express'
import express from 'express'
import { answer, type Demo } from '../actions.ts'

export function expressServer(demo: Demo): Server {
  const app = express()
  app.disable('x-powered-by')
  app.use(sess(demo.sessions))
  app.use(express.urlencoded({ extended: false, limit: '16kb' }))

  app.use(async (req, res) => {
    const { status, headers, body } = await answer(demo, {
      framework: 'Express',
      method: req.method,
      url: req.originalUrl,
      headers: req.headers,
      form: new URLSearchParams(req.body),
      session: demo.sessions.of(req),
    })
    res.status(status).set(headers)
    if (typeof body === 'string') res.send(body)
    else pipeline(body, res, () => {})
  })

  return createServer(app)
}
