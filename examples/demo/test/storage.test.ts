import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Prunable, systemClock } from '@sess/core'
import { service } from '@sess/services'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { startDemo } from '../src/demo.ts'
import { Browser, checkDemo } from '../src/self-check.ts'
import { openStorage } from '../src/storage.ts'

const data = mkdtempSync(join(tmpdir(), 'sess-demo-test-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

const redis = service('redis')
const postgres = service('postgres')
const mariadb = service('mariadb')

it('passes its own check on SQLite', () => passes('sqlite'))
it.skipIf(redis.missing)('passes its own check on Redis [needs redis]', () => passes('redis', redis.url))
it.skipIf(postgres.missing)('passes its own check on PostgreSQL [needs postgres]', () =>
  passes('postgres', postgres.url),
)
it.skipIf(mariadb.missing)('passes its own check on MariaDB [needs mariadb]', () => passes('mysql', mariadb.url))

async function passes(name: 'sqlite' | 'redis' | 'postgres' | 'mysql', url?: string): Promise<void> {
  const demo = await startDemo(0, systemClock, await openStorage(name, { url, data }))
  try {
    expect((await checkDemo(demo)).table).toMatch(/All is well\.$/)
  } finally {
    await demo.close()
  }
}

it('says what is wrong with a server, without its address', async () => {
  const refused = openStorage('redis', { url: 'redis://:secret@127.0.0.1:1', data })
  await expect(refused).rejects.toThrow(/^--store redis: the server cannot be used: .*ECONNREFUSED/)
  await expect(refused).rejects.not.toThrow('secret')
})

it.skipIf(process.platform === 'win32')('keeps its key where only its owner can read it', async () => {
  await (await openStorage('sqlite', { data: join(data, 'new') })).close()
  expect(statSync(join(data, 'new')).mode & 0o777).toBe(0o700)
  expect(statSync(join(data, 'new', 'key')).mode & 0o777).toBe(0o600)
})

it('removes what has expired now and then, until it is closed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const { store, close } = await openStorage('sqlite', { data: join(data, 'pruned') })
    const prune = vi.spyOn(store as typeof store & Prunable, 'prune') // as SQLite has it
    await vi.advanceTimersByTimeAsync(600_000)
    const rounds = prune.mock.calls.length
    expect(rounds).toBeGreaterThan(0)
    await close()
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(prune).toHaveBeenCalledTimes(rounds)
  } finally {
    vi.useRealTimers()
  }
})

describe('as a process of its own', () => {
  const running: ChildProcess[] = []
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL')
  })

  it('is still signed in after a restart with --store sqlite', async () => {
    const folder = join(data, 'restart')
    const first = await run('--store', 'sqlite', '--data', folder)
    const browser = new Browser(first.server)
    await browser.post('/sign-in', { subject: 'Ada' })
    await browser.post('/note', { note: 'kept' })
    await first.stop()
    expect(readdirSync(folder)).toContain('sessions.db')
    const second = await run('--store', 'sqlite', '--data', folder)
    expect(await browser.session(second.server)).toMatchObject({ subject: 'Ada', data: { note: 'kept' } })
    await second.stop()
  })

  it('explains a store that does not exist', async () => {
    const child = start('--store', 'paper')
    const [line] = await once(createInterface(child.stderr!), 'line')
    expect(line).toBe('--store paper: one of memory, sqlite, redis, postgres, mysql is needed.')
  })

  function start(...args: string[]): ChildProcess {
    const script = fileURLToPath(new URL('../dist/server.js', import.meta.url))
    const child = spawn(process.execPath, [script, '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    running.push(child)
    return child
  }

  /** Starts the built demo; its first server, and the function that ends it as Ctrl-C does. */
  async function run(...args: string[]) {
    const child = start(...args)
    const errors: string[] = []
    child.stderr!.on('data', (text) => errors.push(String(text)))
    const ended = once(child, 'close')
    const origin = new Promise<string>((resolve) => {
      createInterface(child.stdout!).on('line', (line) => {
        const found = /^ +Express +(http:\S+)$/.exec(line)?.[1]
        if (found !== undefined) resolve(found)
      })
    })
    const failed = ended.then(() => Promise.reject(new Error(`the demo ended (is it built?): ${errors.join('')}`)))
    const server = { name: 'Express' as const, origin: await Promise.race([origin, failed]) }
    failed.catch(() => {})
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM')
      expect((await ended)[0]).toBe(0)
    }
    return { server, stop }
  }
})
