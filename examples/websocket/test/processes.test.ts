import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { service } from '@sess/services'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

/** Inside the package, so that imports resolve. */
const folder = fileURLToPath(new URL('../node_modules/.worker/', import.meta.url))
const files = mkdtempSync(join(tmpdir(), 'sess-sockets-'))

beforeAll(async () => {
  await build({
    entry: [fileURLToPath(new URL('worker.ts', import.meta.url))],
    outDir: folder,
    config: false,
    format: 'esm',
    target: 'node20',
    silent: true,
    external: ['pg', 'redis', 'libsql', 'ws'],
    noExternal: [/^@sess\//],
    esbuildOptions: (options) => {
      options.conditions = ['@sess/source']
    },
  })
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  rmSync(files, { recursive: true, force: true })
})

/** How soon everything has to be closed. */
const SOON_MS = 1000
const KEY = randomBytes(32).toString('base64url')

describe.each([
  ['SQLite, which is read now and then', '', join(files, 'sessions.db')],
  ['Redis, which tells [needs redis]', service('redis').missing, service('redis').url],
  ['PostgreSQL, which tells [needs postgres]', service('postgres').missing, service('postgres').url],
])('two processes on %s', (title, missing, address) => {
  describe.skipIf(missing)('live endings', () => {
    const [kind = ''] = title.split(',')
    const processes: ChildProcess[] = []
    let hosts: readonly string[] = []

    beforeAll(async () => {
      hosts = await Promise.all([start(), start()])
    })
    afterAll(async () => {
      const running = processes.filter(({ connected }) => connected)
      const gone = running.map((process) => once(process, 'exit'))
      for (const process of running) process.disconnect()
      await Promise.all(gone)
    })

    async function start(): Promise<string> {
      const process = fork(join(folder, 'worker.js'), [kind, address, KEY])
      processes.push(process)
      const ended = once(process, 'exit').then(([code]) => Promise.reject(new Error(`the process ended: ${code}`)))
      const [port] = await Promise.race([once(process, 'message'), ended])
      ended.catch(() => {})
      return `127.0.0.1:${port}`
    }

    test('signing out everywhere in one closes the sockets and streams of the other within a second', async () => {
      const [here, there] = hosts as [string, string]
      const cookies = [await post(here, '/sign-in'), await post(here, '/sign-in')]
      const open = await Promise.all(
        cookies.flatMap((cookie) => [openSocket(there, cookie), openStream(there, cookie)]),
      )
      await post(here, '/sign-out-everywhere', cookies[0])
      const acknowledged = performance.now()
      const closings = await Promise.all(open)
      expect(await Promise.all(closings.map(({ closed }) => closed))).toEqual([
        'socket 4401 revoked',
        'stream revoked',
        'socket 4401 revoked',
        'stream revoked',
      ])
      expect(performance.now() - acknowledged).toBeLessThan(SOON_MS)
    })

    test('the sockets and streams of others stay open', async () => {
      const [here, there] = hosts as [string, string]
      const [leaving, staying] = [await post(here, '/sign-in'), await post(here, '/sign-in')]
      const [closing, other] = [await openSocket(there, leaving), await openSocket(there, staying)]
      let closed = false
      void other.closed.then(() => {
        closed = true
      })
      await post(here, '/sign-out', leaving)
      expect(await closing.closed).toBe('socket 4401 signed-out')
      expect(closed).toBe(false)
      await post(there, '/sign-out', staying)
      expect(await other.closed).toBe('socket 4401 signed-out')
    })
  })
})

async function post(host: string, path: string, cookie = ''): Promise<string> {
  const headers = { cookie, origin: `http://${host}` }
  const response = await fetch(`http://${host}${path}`, { method: 'POST', headers, redirect: 'manual' })
  expect(response.status).toBe(303)
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

/** Open when it resolves; how it was closed. In an object, or waiting for the one would be waiting for the other. */
interface Opened {
  readonly closed: Promise<string>
}

async function openSocket(host: string, cookie: string): Promise<Opened> {
  const socket = new WebSocket(`ws://${host}`, { headers: { cookie, origin: `http://${host}` } })
  const closed = once(socket, 'close').then(([code, reason]) => `socket ${code} ${reason}`)
  await once(socket, 'message')
  return { closed }
}

async function openStream(host: string, cookie: string): Promise<Opened> {
  const { body } = await fetch(`http://${host}/stream`, { headers: { cookie } })
  const chunks = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
  expect((await chunks.read()).value).toBe('data: Hello alice\n\n')
  const rest = async (): Promise<string> => {
    let text = ''
    for (let next = await chunks.read(); !next.done; next = await chunks.read()) text += next.value
    return text.replace(/^event: over\ndata: (.*)\n\n$/, 'stream $1')
  }
  return { closed: rest() }
}
