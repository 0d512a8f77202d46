import { ConfigError, createSessions, FreshnessError, memoryStore } from '@sess/core'
import fastify, { type FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { requireFresh, sess } from '../src/index.ts'

const sessions = createSessions({ store: memoryStore() })
const detail = 'Nobody is signed in.'

async function mount(property: string | false = 'session'): Promise<FastifyInstance> {
  const app = fastify()
  await app.register(sess, { sessions, property })
  return app
}

test('is answered by Fastify with the challenge and a problem', async () => {
  const app = await mount()
  app.post('/guarded', { preHandler: requireFresh('5m') }, async () => 'changed')
  app.get('/inside', async ({ session }) => session.requireFresh('5m'))
  for (const request of [{ method: 'POST', url: '/guarded' } as const, { method: 'GET', url: '/inside' } as const]) {
    const response = await app.inject(request)
    expect(response.statusCode).toBe(401)
    expect(response.headers).toMatchObject({
      'www-authenticate': 'Session',
      'content-type': 'application/problem+json',
      'content-length': String(response.rawPayload.length),
    })
    expect(response.json()).toMatchObject({ status: 401, code: 'ERR_SESS_FRESHNESS', reason: 'signed-out', detail })
  }
})

test("leaves the answer to the application's error handler", async () => {
  const app = await mount()
  const seen: unknown[] = []
  app.setErrorHandler((error, _, reply) => {
    seen.push(error)
    return reply.code(403).send({ mine: true })
  })
  app.get('/', { preHandler: requireFresh('5m') }, async () => 'changed')
  const response = await app.inject('/')
  expect([response.statusCode, response.json()]).toEqual([403, { mine: true }])
  expect(response.headers['www-authenticate']).toBeUndefined()
  expect(seen).toEqual([expect.any(FreshnessError)])
})

test('leaves the answer to a response schema', async () => {
  const app = await mount()
  const schema = { response: { 401: { type: 'object', properties: { message: { type: 'string' } } } } }
  app.get('/', { preHandler: requireFresh('5m'), schema }, async () => 'changed')
  const response = await app.inject('/')
  expect([response.statusCode, response.json()]).toEqual([401, { message: detail }])
  expect(response.headers['www-authenticate']).toBe('Session')
})

test('looks where it is told to', async () => {
  const app = await mount('admin')
  app.get('/named', { preHandler: requireFresh('5m', sessions) }, async () => 'changed')
  app.get('/unnamed', { preHandler: requireFresh('5m') }, async () => 'changed')
  expect((await app.inject('/named')).json()).toMatchObject({ reason: 'signed-out' })
  expect((await app.inject('/unnamed')).json()).toMatchObject({ statusCode: 500, code: 'ERR_SESS_NOT_MOUNTED' })
})

test('refuses at once what cannot be met', () => {
  expect(() => requireFresh(0)).toThrow(ConfigError)
})
