import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createSocketServer } from '../src/server.ts'

const server = createSocketServer()
let host = ''
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

async function post(path: string, cookie = ''): Promise<string> {
  const headers = { cookie, origin: `http://${host}` }
  const response = await fetch(`http://${host}${path}`, { method: 'POST', headers, redirect: 'manual' })
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

function connect(cookie: string, origin = `http://${host}`): WebSocket {
  return new WebSocket(`ws://${host}`, { headers: { cookie, origin } })
}

async function refusal(socket: WebSocket): Promise<string> {
  const [error] = (await once(socket, 'error')) as [Error]
  return error.message
}

test('opens the socket with the session of the upgrade request and closes it at sign-out', async () => {
  const cookie = await post('/sign-in')
  const socket = connect(cookie)
  const [message] = await once(socket, 'message')
  expect(String(message)).toBe('Hello alice')
  const closed = once(socket, 'close')
  await post('/sign-out', cookie)
  expect((await closed)[0]).toBe(4401)
})

test('leaves the sockets of other sessions open', async () => {
  const [leaving, staying] = [await post('/sign-in'), await post('/sign-in')]
  const sockets = [connect(leaving), connect(staying)] as const
  await Promise.all(sockets.map((socket) => once(socket, 'message')))
  const closed = once(sockets[0], 'close')
  await post('/sign-out', leaving)
  await closed
  expect(sockets[1].readyState).toBe(WebSocket.OPEN)
  sockets[1].close()
  await once(sockets[1], 'close')
})

test('refuses visitors and the pages of other sites', async () => {
  expect(await refusal(connect(''))).toContain('401')
  expect(await refusal(connect(await post('/sign-in'), 'https://evil.example'))).toContain('403')
})
