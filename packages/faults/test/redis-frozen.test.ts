import { setTimeout as pause } from 'node:timers/promises'
import { createSessions } from '@sess/core'
import { service } from '@sess/services'
import { type Server, start } from '@sess/services/start'
import { redisStore } from '@sess/store-redis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keys } from './keys.ts'
import { clients, standalone } from './redis-clients.ts'
import { Traffic } from './traffic.ts'

const STORE_TIMEOUT = 300

describe.skipIf(service('redis').missing).each(clients)('Redis, client %s [needs redis]', (name) => {
  let server: Server<'redis'>
  beforeAll(async () => {
    server = await start('redis')
  })
  afterAll(() => server?.stop())

  async function load() {
    const { client, close } = await standalone[name](server.url)
    const traffic = new Traffic(createSessions({ store: redisStore(client), keys, storeTimeout: STORE_TIMEOUT }))
    const end = traffic.start(150)
    await traffic.everybodyServed()
    await traffic.everybodyServed()
    return { traffic, end: () => end().then(() => traffic.audit()), close }
  }

  function holds({ counts }: Traffic) {
    expect(counts).toMatchObject({ lost: 0, twice: 0, signedOut: 0, mixedUp: 0, untyped: 0 })
    expect(counts.errors.ERR_SESS_STORE_UNAVAILABLE).toBeGreaterThan(0)
    expect(counts.slowestLoadMs).toBeLessThan(STORE_TIMEOUT + counts.slackMs)
    expect(counts.slowestCommitMs).toBeLessThan(2 * STORE_TIMEOUT + counts.slackMs)
  }

  it('frozen under load: every request gets its 503 in time, and nobody is signed out when it goes on', async () => {
    const { traffic, end, close } = await load()
    const [pid = 0] = server.pids
    process.kill(pid, 'SIGSTOP')
    await pause(1500)
    process.kill(pid, 'SIGCONT')
    await traffic.everybodyServed()
    await end()
    traffic.counts.print(`Redis frozen for 1.5 s, ${name}`)
    close()
    holds(traffic)
  })

  it('killed under load: every request gets its 503 in time, and nobody is signed out when it is back', async () => {
    const admin = await createClient({ url: server.url }).connect()
    await admin.configSet({ appendonly: 'yes', appendfsync: 'always' })
    await expect.poll(() => admin.info('persistence')).toMatch(/aof_rewrite_in_progress:0/)
    admin.destroy()
    const { traffic, end, close } = await load()
    await server.kill()
    await pause(1000)
    server.revive(0, ['--appendonly', 'yes', '--appendfsync', 'always'])
    await traffic.everybodyServed()
    await end()
    traffic.counts.print(`Redis killed for 1 s, ${name}`)
    close()
    holds(traffic)
  })
})
