import { requireFresh, sess } from '@sess/fastify'
import { service } from '@sess/services'
import { type AdapterSubject, adapterCases, register } from '@sess/testkit'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { redisStore } from '../src/index.ts'
import { type Open, standalone } from './clients.ts'

const redis = service('redis')

describe.skipIf(redis.missing)('the adapter promises, on Fastify, on Redis [needs redis]', () => {
  let open: Open
  beforeAll(async () => {
    open = await standalone['redis 6']!(redis.url)
  })
  afterAll(() => open.close())

  const subject: AdapterSubject = {
    store: () => redisStore(open.client),
    late: 'saved',
    async serve(sessions, handle, { trustProxy, path, second, guard }) {
      const app = fastify({ trustProxy, forceCloseConnections: true })
      const mount = async (scope: FastifyInstance): Promise<void> => {
        await scope.register(sess, { sessions })
        if (second !== null) await scope.register(sess, { sessions: second, property: 'second' })
        scope.addContentTypeParser('*', async () => undefined)
        const preHandler = guard === null ? [] : [requireFresh(guard)]
        scope.all('/*', { preHandler }, async (request, reply) => {
          const { method, url } = request
          const { status, headers, body } = await handle(request.session, { method, url, raw: request })
          reply.code(status)
          for (const [name, value] of headers) reply.header(name, value)
          return reply.send(body)
        })
      }
      await app.register(mount, { prefix: path })
      return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
    },
  }

  register(adapterCases, () => subject, { it: it.concurrent })
})
