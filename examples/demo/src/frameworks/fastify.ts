import type { Server } from 'node:http'
import { sess } from '@sess/fastify'
import { fastify } from 'fastify'
import { answer, type Demo } from '../actions.ts'

export async function fastifyServer(demo: Demo): Promise<Server> {
  const app = fastify({ bodyLimit: 16 * 1024, trustProxy: demo.trustProxy })
  app.register(sess, { sessions: demo.sessions })
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  )

  app.all('*', async (request, reply) => {
    const { status, headers, body } = await answer(demo, {
      framework: 'Fastify',
      method: request.method,
      url: request.url,
      headers: request.headers,
      // The parser above leaves the form as text.
      form: new URLSearchParams(request.body as string | undefined),
      session: demo.sessions.of(request),
    })
    return reply.code(status).headers(headers).send(body)
  })

  await app.ready()
  return app.server
}
