import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import { RedisStore } from 'connect-redis'

/** @type {import('../../src/speed/subject.ts').Library} */
export const library = {
  name: '@fastify/session',
  framework: 'fastify',
  stores: ['memory', 'redis'],
  async mount(app, { redis, secret }) {
    const store = redis === null ? {} : { store: new RedisStore({ client: redis }) }
    await app.register(fastifyCookie)
    await app.register(fastifySession, { ...store, secret })
  },
  read: (request) => request.session,
  write: (request, count) => {
    request.session.count = count
  },
  async signIn(request, data) {
    await request.session.regenerate()
    Object.assign(request.session, data)
  },
}
