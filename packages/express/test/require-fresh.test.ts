import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { ConfigError, createSessions, FreshnessError, memoryStore } from '@sess/core'
import express5, { type ErrorRequestHandler } from 'express'
import express4 from 'express4'
import { afterEach, describe, expect, test } from 'vitest'
import { requireFresh, sess } from '../src/index.ts'

const sessions = createSessions({ store: memoryStore() })
const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

// The types of Express 4 and 5 differ where these tests do not look.
const express = { 4: express4 as unknown as typeof express5, 5: express5 }

describe.each([4, 5] as const)('requireFresh on Express %i', (version) => {
  type App = ReturnType<typeof express5>

  function mount(property: string | false = 'session'): App {
    const app = express[version]()
    app.set('env', 'test') // logs no errors
    return app.use(sess(sessions, { property }))
  }

  async function get(app: App, path: string): Promise<Response> {
    const server = app.listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
  }

  test('has Express answer with status and challenge', async () => {
    const app = mount()
    app.get('/', requireFresh('5m'), (_, res) => void res.send('changed'))
    const response = await get(app, '/')
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Session'])
    expect(await response.text()).not.toContain('changed')
  })

  test("leaves the answer to the application's error handler, with a problem at hand", async () => {
    const app = mount()
    app.get('/', requireFresh('5m'), (_, res) => void res.send('changed'))
    const onError: ErrorRequestHandler = (error, _req, res, next) => {
      if (!(error instanceof FreshnessError)) return next(error)
      res
        .status(error.status)
        .set(error.headers)
        .type('application/problem+json')
        .send(JSON.stringify(error.toProblem()))
    }
    app.use(onError)
    const response = await get(app, '/')
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Session'])
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await response.json()).toMatchObject({ code: 'ERR_SESS_FRESHNESS', reason: 'signed-out' })
  })

  test('looks where it is told to', async () => {
    const app = mount('admin')
    app.get('/named', requireFresh('5m', sessions), (_, res) => void res.send('changed'))
    app.get('/unnamed', requireFresh('5m'), (_, res) => void res.send('changed'))
    expect((await get(app, '/named')).status).toBe(401)
    expect((await get(app, '/unnamed')).status).toBe(500)
  })
})

test('refuses at once what cannot be met', () => {
  expect(() => requireFresh(0)).toThrow(ConfigError)
})
