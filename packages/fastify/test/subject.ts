import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import type { AdapterSubject } from '@sess/testkit'
import fastify, { type FastifyInstance } from 'fastify'
import { csrf, requireFresh, sess } from '../src/index.ts'

/** This adapter as the kit is told of it; tests of stores run on it too. */
export const subject: AdapterSubject = {
  late: 'saved',
  async serve(sessions, handle, { trustProxy, path, second, guard, forms }) {
    const app = fastify({ trustProxy, forceCloseConnections: true })
    const mount = async (scope: FastifyInstance): Promise<void> => {
      await scope.register(sess, { sessions })
      if (second !== null) await scope.register(sess, { sessions: second, property: 'second' })
      if (forms) await scope.register(formbody)
      if (forms) await scope.register(multipart, { attachFieldsToBody: true })
      if (forms) scope.addHook('preValidation', csrf(sessions))
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
