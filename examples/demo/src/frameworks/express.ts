import { createServer, type Server } from 'node:http'
import { pipeline } from 'node:stream'
import { SessError } from '@sess/core'
import { sess } from '@sess/express'
import express, { type ErrorRequestHandler } from 'express'
import { answer, type Demo } from '../actions.ts'
import { errorPage } from '../page.ts'

export function expressServer(demo: Demo): Server {
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', demo.trustProxy ? 1 : false)
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

  // What was refused before the demo was asked, like a form of another site.
  const onError: ErrorRequestHandler = (error, _req, res, next) => {
    if (!(error instanceof SessError) || !error.expose) return next(error)
    const { status, headers, body } = errorPage(error.status, error.message, error.code)
    res.status(status).set(headers).send(body)
  }
  app.use(onError)

  return createServer(app)
}
