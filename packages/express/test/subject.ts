import { createServer } from 'node:http'
import { type AdapterSubject, listen } from '@sess/testkit'
import express5, { type RequestHandler } from 'express'
import multer from 'multer'
import { csrf, requireFresh, sess } from '../src/index.ts'

/** This adapter on a version of Express as the kit is told of it; tests of stores run on it too. */
export const subject = (express: typeof express5 = express5): AdapterSubject => ({
  late: 'saved',
  serve(sessions, handle, { trustProxy, path, second, guard, forms }) {
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
    const parsers = [express.json(), express.urlencoded({ extended: false }), multer().none(), csrf(sessions)]
    const more = [...(second === null ? [] : [sess(second, { property: 'second' })]), ...(forms ? parsers : [])]
    app.use(`${path}/`, sess(sessions), ...more, ...(guard === null ? [] : [requireFresh(guard)]), answer)
    return listen(createServer(app))
  },
})
