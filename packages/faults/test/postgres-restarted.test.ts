import { createSessions } from '@sess/core'
import { service } from '@sess/services'
import { type Server, start } from '@sess/services/start'
import { migrate, postgresStore } from '@sess/store-postgres'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keys } from './keys.ts'
import { Traffic } from './traffic.ts'

const STORE_TIMEOUT = 500

describe.skipIf(service('postgres').missing)('PostgreSQL under load [needs postgres]', () => {
  let server: Server<'postgres'>
  beforeAll(async () => {
    server = await start('postgres')
  })
  afterAll(() => server?.stop())

  async function load() {
    const pool = new pg.Pool({ connectionString: server.url, max: 4 }).on('error', () => {})
    await migrate(pool)
    const traffic = new Traffic(createSessions({ store: postgresStore(pool), keys, storeTimeout: STORE_TIMEOUT }))
    const end = traffic.start(150)
    await traffic.everybodyServed()
    await traffic.everybodyServed()
    return { pool, traffic, end: () => end().then(() => traffic.audit()) }
  }

  function holds({ counts }: Traffic) {
    expect(counts).toMatchObject({ lost: 0, twice: 0, signedOut: 0, mixedUp: 0, untyped: 0 })
    expect(counts.errors.ERR_SESS_STORE_UNAVAILABLE).toBeGreaterThan(0)
    expect(counts.slowestLoadMs).toBeLessThan(STORE_TIMEOUT + counts.slackMs)
    expect(counts.slowestCommitMs).toBeLessThan(2 * STORE_TIMEOUT + counts.slackMs)
  }

  it.each([
    ['in order', 'SIGINT'],
    ['after a crash', 'SIGQUIT'],
  ] as const)(
    'restarted %s: only typed errors, nothing acknowledged is lost, nobody is signed out',
    async (how, signal) => {
      const { pool, traffic, end } = await load()
      await server.kill(0, signal)
      const { requests } = traffic.counts
      await expect.poll(() => traffic.counts.requests, { interval: 10, timeout: 20_000 }).toBeGreaterThan(requests + 30)
      server.revive()
      await traffic.everybodyServed()
      await end()
      traffic.counts.print(`PostgreSQL restarted ${how}`)
      await pool.end()
      holds(traffic)
    },
  )

  it('with every connection of the pool in use elsewhere: 503 in time, and all is well when they come back', async () => {
    const { pool, traffic, end } = await load()
    const hogs = await Promise.all(Array.from({ length: pool.options.max }, () => pool.connect()))
    const { errors } = traffic.counts
    await expect.poll(() => errors.ERR_SESS_STORE_UNAVAILABLE, { interval: 10, timeout: 20_000 }).toBeGreaterThan(30)
    for (const hog of hogs) hog.release()
    await traffic.everybodyServed()
    await end()
    await expect.poll(() => pool.waitingCount).toBe(0)
    traffic.counts.print(`connection pool exhausted, ${pool.totalCount} connections afterwards`)
    await pool.end()
    holds(traffic)
  })

  it('with every connection of the server in use elsewhere: 503, and all is well when they are free', async () => {
    const { pool, traffic, end } = await load()
    const admin = new pg.Client(server.url).on('error', () => {})
    await admin.connect()
    const hogs = await takeAll(server.url)
    // The application's connections are cut, and taken before it gets them back.
    while ((await cutOff(admin)) > 0) hogs.push(...(await takeAll(server.url)))
    const { errors } = traffic.counts
    await expect.poll(() => errors.ERR_SESS_STORE_UNAVAILABLE, { interval: 10, timeout: 20_000 }).toBeGreaterThan(30)
    await Promise.all([admin, ...hogs].map((client) => client.end()))
    await traffic.everybodyServed()
    await end()
    traffic.counts.print(`connections of the server exhausted by ${hogs.length} others`)
    await pool.end()
    holds(traffic)
  })
})

/** Ends the connections of the application; how many there were. */
async function cutOff(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'hog'`)
  return rows.length
}

/** Connects until the server has no connection left. */
async function takeAll(url: string): Promise<pg.Client[]> {
  const taken: pg.Client[] = []
  for (;;) {
    const client = new pg.Client({ connectionString: url, application_name: 'hog' })
    client.on('error', () => {})
    try {
      await client.connect()
    } catch {
      return taken
    }
    taken.push(client)
  }
}
