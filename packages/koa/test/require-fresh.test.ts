import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { ConfigError, createSessions, FreshnessError, memoryStore } from '@sess/core'
import Koa3 from 'koa'
import Koa2 from 'koa2'
import { afterEach, describe, expect, test } from 'vitest'
import { requireFresh, sess } from '../src/index.ts'

const sessions = createSessions({ store: memoryStore() })
const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

// Their types differ where these tests do not look.
const Koas = { 2: Koa2 as unknown as typeof Koa3, 3: Koa3 }

describe.each([2, 3] as const)('requireFresh on Koa %i', (version) => {
  async function get(...middleware: Koa3.Middleware[]): Promise<Response> {
    const app = new Koas[version]()
    app.silent = true
    for (const each of middleware) app.use(each)
    app.use((ctx) => {
      ctx.body = 'changed'
    })
    const server = app.listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }

  test('has Koa answer with status, challenge and message', async () => {
    const response = await get(sess(sessions), requireFresh('5m'))
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Session'])
    expect(await response.text()).toBe('Nobody is signed in.')
  })

  test("leaves the answer to the application's error handling, with a problem at hand", async () => {
    const onError: Koa3.Middleware = async (ctx, next) => {
      try {
        await next()
      } catch (error) {
        if (!(error instanceof FreshnessError)) throw error
        ctx.status = error.status
        ctx.set(error.headers)
        ctx.body = error.toProblem()
        ctx.type = 'application/problem+json'
      }
    }
    const response = await get(onError, sess(sessions), requireFresh('5m'))
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Session'])
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await response.json()).toMatchObject({ code: 'ERR_SESS_FRESHNESS', reason: 'signed-out' })
  })

  test('looks where it is told to', async () => {
    const named = sess(sessions, { property: 'admin' })
    expect((await get(named, requireFresh('5m', sessions))).status).toBe(401)
    expect((await get(named, requireFresh('5m'))).status).toBe(500)
  })
})

test('refuses at once what cannot be met', () => {
  expect(() => requireFresh(0)).toThrow(ConfigError)
})
