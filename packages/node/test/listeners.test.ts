import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import { createSessions, memoryStore } from '@sess/core'
import { sess } from '@sess/node'
import { expect, test } from 'vitest'

const BLOCKED_MS = 1500

/** A client on a thread of its own, so that it reads answers while this thread is busy. */
const CLIENT = `
  const { parentPort } = require('node:worker_threads')
  parentPort.on('message', async (url) => {
    const from = performance.now()
    const { status } = await fetch(url, { method: 'POST' })
    parentPort.postMessage({ status, ms: performance.now() - from })
  })`

test('an answer does not wait for a listener that blocks the process', async () => {
  const sessions = createSessions({ store: memoryStore() })
  const server = createServer(
    sess(sessions, (req, res, session) => {
      if (req.url === '/sign-in') session.signIn('ada')
      res.end()
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = new Worker(CLIENT, { eval: true })
  const post = async (path: string): Promise<{ status: number; ms: number }> => {
    client.postMessage(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
    const [answer] = await once(client, 'message')
    return answer as { status: number; ms: number }
  }
  await post('/warm-up')
  let blocked = 0
  sessions.on('signed-in', () => {
    const from = performance.now()
    while (performance.now() - from < BLOCKED_MS);
    blocked += 1
  })
  const { status, ms } = await post('/sign-in')
  expect(status).toBe(200)
  expect(ms).toBeLessThan(BLOCKED_MS / 2)
  expect(blocked).toBe(1)
  await client.terminate()
  server.closeAllConnections()
  server.close()
})
