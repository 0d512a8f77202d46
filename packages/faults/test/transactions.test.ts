import { randomUUID } from 'node:crypto'
import { createSessions, type SessionStore } from '@sess/core'
import { service } from '@sess/services'
import { migrate as migrateMysql, mysqlStore } from '@sess/store-mysql'
import { migrate as migratePostgres, postgresStore } from '@sess/store-postgres'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { keys } from './keys.ts'
import { facts, keepCookie } from './traffic.ts'

const postgres = service('postgres')
const mariadb = service('mariadb')

describe.skipIf(postgres.missing)('a write that PostgreSQL undoes [needs postgres]', () => {
  it('because it cannot be serialised is made again, and counts once', async () => {
    const { pool, other, table, undone } = await postgresTable('-c default_transaction_isolation=serializable')
    const app = await open(postgresStore(pool, { table }))
    await other.query('BEGIN')
    await other.query(`UPDATE "${table}" SET last_seen_at = last_seen_at + 1 WHERE id = $1`, [app.handle])
    const write = app.increment()
    await expect.poll(() => waiting(other, table), { interval: 5, timeout: 20_000 }).toBe(1)
    await other.query('COMMIT')
    await write
    await report('PostgreSQL, 40001', undone, app)
    expect(undone).toEqual({ '40001': 1 })
    await Promise.all([other.end(), pool.end()])
  })

  it('to end a deadlock is made again, and counts once', async () => {
    // Whoever looks for a deadlock first is its victim.
    const { pool, other, table, undone } = await postgresTable('-c deadlock_timeout=2s')
    const app = await open(postgresStore(pool, { table }))
    await other.query('BEGIN')
    await other.query(`SET LOCAL deadlock_timeout = '5min'`)
    await other.query(`SELECT id FROM "${table}" WHERE id = $1 FOR UPDATE`, [app.handle])
    const write = app.increment()
    await expect.poll(() => waiting(other, table), { interval: 5, timeout: 20_000 }).toBe(1)
    await other.query(`LOCK TABLE "${table}" IN ACCESS EXCLUSIVE MODE`)
    await other.query('COMMIT')
    await write
    await report('PostgreSQL, deadlock', undone, app)
    expect(undone).toEqual({ '40P01': 1 })
    await Promise.all([other.end(), pool.end()])
  })
})

describe.skipIf(mariadb.missing)('a write that MariaDB undoes [needs mariadb]', () => {
  it('to end a deadlock is made again, and counts once', async () => {
    const pool = mysql.createPool({ uri: mariadb.url, connectionLimit: 4 })
    const table = `t_${randomUUID()}`
    await migrateMysql(pool, { table })
    const undone = counting(pool, 'execute')
    const store = mysqlStore(pool, { table })
    const app = await open(store)
    const others = await Promise.all(Array.from({ length: 20 }, () => open(store)))
    const other = await mysql.createConnection(mariadb.url)
    await other.beginTransaction()
    // The victim is who has written less.
    const handles = others.map(({ handle }) => handle)
    await other.query(`UPDATE \`${table}\` SET data = CONCAT(data, ' ') WHERE id IN (?)`, [handles])
    await other.query(`SELECT rest FROM \`${table}\` FORCE INDEX (PRIMARY) WHERE seq = 1 FOR UPDATE`)
    const write = app.increment()
    await expect.poll(() => mariadbWaiting(pool), { interval: 150, timeout: 20_000 }).toBeGreaterThan(0)
    await other.query(`SELECT data FROM \`${table}\` WHERE id = ? FOR UPDATE`, [app.handle])
    await other.commit()
    await write
    await report('MariaDB, deadlock', undone, app)
    expect(undone).toEqual({ '1213': 1 })
    await Promise.all([other.end(), pool.end()])
  })
})

/** An application on `store`, and somebody who is signed in there. */
async function open(store: SessionStore) {
  const sessions = createSessions<Record<string, unknown>>({ store, keys, storeTimeout: '20s' })
  const session = await sessions.open(facts(undefined))
  session.signIn('ada')
  session.data.n = 0
  await session.commit()
  const cookie = keepCookie(session, undefined)
  const increment = async () => {
    const current = await sessions.open(facts(cookie))
    current.update('n', (n) => Number(n) + 1)
    await current.commit()
  }
  const count = async () => (await sessions.open(facts(cookie))).data.n
  return { handle: session.handle ?? '', increment, count }
}

async function report(fault: string, undone: object, app: Awaited<ReturnType<typeof open>>): Promise<void> {
  const stored = Number(await app.count())
  const counts = `requests 1 · acknowledged 1 · lost ${Math.max(0, 1 - stored)} · twice ${Math.max(0, stored - 1)}`
  console.log(`${fault}: ${counts} · errors below the store: ${JSON.stringify(undone)}, above: none`)
  expect(stored).toBe(1)
}

async function postgresTable(options: string) {
  const pool = new pg.Pool({ connectionString: postgres.url, max: 4, options })
  const table = `t_${randomUUID()}`
  await migratePostgres(pool, { table })
  const other = new pg.Client(postgres.url)
  await other.connect()
  return { pool, other, table, undone: counting(pool, 'query') }
}

/** Counts by code what the server refuses, below the store. */
function counting(client: object, method: 'query' | 'execute'): Record<string, number> {
  const undone: Record<string, number> = {}
  // Both drivers answer a promise where the store calls them.
  const original = Reflect.get(client, method).bind(client) as (...args: unknown[]) => Promise<unknown>
  const counted = (...args: unknown[]) =>
    original(...args).catch((error: { code?: string; errno?: number }) => {
      const code = `${error.errno ?? error.code}`
      undone[code] = (undone[code] ?? 0) + 1
      throw error
    })
  Object.assign(client, { [method]: counted })
  return undone
}

async function waiting(client: pg.Client, table: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`,
    [`%${table}%`],
  )
  return rows[0]?.count ?? 0
}

async function mariadbWaiting(pool: mysql.Pool): Promise<number> {
  const [rows] = await pool.query<mysql.RowDataPacket[]>(
    "SELECT COUNT(*) AS count FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
  )
  return Number(rows[0]?.count)
}
