import { ConfigError, createSessions, FreshnessError, memoryStore } from '@sess/core'
import { Hono } from 'hono'
import { expect, test, vi } from 'vitest'
import { requireFresh, sess } from '../src/index.ts'

const sessions = createSessions({ store: memoryStore() })
const origin = 'https://shop.example'

test('is answered by Hono with the challenge and a problem', async () => {
  const app = new Hono()
    .use(sess(sessions, { origin }))
    .post('/guarded', requireFresh('5m'), (c) => c.text('changed'))
    .get('/inside', (c) => {
      c.var.session.requireFresh('5m')
      return c.text('changed')
    })
  for (const response of [await app.request('/guarded', { method: 'POST' }), await app.request('/inside')]) {
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Session')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('vary')).toBe('Cookie')
    expect(await response.json()).toMatchObject({ status: 401, code: 'ERR_SESS_FRESHNESS', reason: 'signed-out' })
  }
})

test('leaves the answer to app.onError', async () => {
  const onError = vi.fn((_: Error) => new Response('mine', { status: 403 }))
  const app = new Hono().use(sess(sessions, { origin })).get('/', requireFresh('5m'), (c) => c.text('changed'))
  app.onError(onError)
  const response = await app.request('/')
  expect([response.status, await response.text()]).toEqual([403, 'mine'])
  expect(response.headers.get('www-authenticate')).toBeNull()
  expect(onError.mock.calls[0]?.[0]).toBeInstanceOf(FreshnessError)
})

test('looks where it is told to', async () => {
  const app = new Hono().use(sess(sessions, { origin, property: 'admin' }))
  app.get('/named', requireFresh('5m', sessions), (c) => c.text('changed'))
  app.get('/unnamed', requireFresh('5m'), (c) => c.text('changed'))
  expect((await app.request('/named')).status).toBe(401)
  expect((await app.request('/unnamed')).status).toBe(500)
})

test('refuses at once what cannot be met', () => {
  expect(() => requireFresh(0)).toThrow(ConfigError)
})
