import { readFile } from 'node:fs/promises'
import type mysql from 'mysql2/promise'
import { describe, expect, it, vi } from 'vitest'
import { type MysqlClient, migrate, mysqlStore } from '../src/index.ts'
import { fresh, mariadb, pool } from './open.ts'

const DAY = 86_400_000

describe.skipIf(mariadb.missing)('a write that waited for another one [needs mariadb]', () => {
  it('loses with the record that the other one wrote', async () => {
    const client = pool()
    const { store, table, record, next } = await fresh(client)
    const first = record()
    await store.create(first)
    const change = `UPDATE \`${table}\` SET revision = 'of the winner' WHERE id = ?`
    const answer = await behind(client, change, first.id, () => store.replace(next(first), first.revision))
    expect(answer).toEqual({ ok: false, current: { ...first, revision: 'of the winner' } })
  })

  it('finds nothing when the other one removed the record', async () => {
    const client = pool()
    const { store, table, record, next } = await fresh(client)
    const first = record()
    await store.create(first)
    const change = `DELETE FROM \`${table}\` WHERE id = ?`
    const answer = await behind(client, change, first.id, () => store.replace(next(first), first.revision))
    expect(answer).toEqual({ ok: false, current: null })
  })

  it('is made all the same after a lock wait timeout', async () => {
    const client = pool({}, 'SET SESSION innodb_lock_wait_timeout = 1')
    const { store, table, record } = await fresh(client)
    const first = record()
    await store.create(first)
    const holder = await client.getConnection()
    await holder.query('BEGIN')
    await holder.query(`SELECT id FROM \`${table}\` WHERE id = ? FOR UPDATE`, [first.id])
    const execute = vi.spyOn(client, 'execute')
    const touched = store.touch(first.id, first.lastSeenAt + 1, first.expiresAt)
    await vi.waitFor(() => expect(execute).toHaveBeenCalledTimes(2), { timeout: 5000 })
    await holder.query('ROLLBACK')
    holder.release()
    expect(await touched).toBe(true)
    expect((await store.get(first.id))?.lastSeenAt).toBe(first.lastSeenAt + 1)
  })
})

describe.skipIf(mariadb.missing)('statements [needs mariadb]', () => {
  it('reach a record by its key, and what to prune by its absolute deadline', async () => {
    const client = pool()
    const { store, table, record } = await fresh(client)
    const seed = record()
    await store.create(seed)
    await client.query(`INSERT INTO \`${table}\`
      (revision, state, subject, created_at, absolute_at, last_seen_at, expires_at, data, rest, id)
      SELECT revision, state, subject, created_at, absolute_at + n.seq, last_seen_at, expires_at, data, rest, MD5(n.seq)
      FROM \`${table}\`, seq_1_to_3000 AS n`)
    await client.query(`ANALYZE TABLE \`${table}\``)
    const plans: Plan[][] = []
    const explaining: MysqlClient = {
      execute: async ({ sql, values }) => {
        const [rows] = await client.execute<(mysql.RowDataPacket & Plan)[]>(`EXPLAIN ${sql}`, values)
        plans.push(rows)
        return [sql.startsWith('SELECT') ? [] : { affectedRows: 1 }]
      },
    }
    const explained = mysqlStore(explaining, { table })
    await explained.get(seed.id)
    await explained.touch(seed.id, 1, 1)
    await explained.replace(seed, seed.revision)
    await explained.prune(2 * DAY, 10)
    expect(plans.map((rows) => rows.map(({ type, key }) => [type, key]))).toEqual([
      [['const', 'id']],
      [['range', 'id']],
      [['range', 'id']],
      [
        ['ALL', null], // the derived table, of at most 10 rows
        ['eq_ref', 'PRIMARY'],
        ['range', 'absolute_at'],
      ],
    ])
  })

  it('of subjects can use the index', async () => {
    const client = pool()
    const { table } = await fresh(client)
    const [rows] = await client.query<mysql.RowDataPacket[]>(
      `EXPLAIN SELECT id FROM \`${table}\` WHERE subject = 'ada'`,
    )
    expect(rows[0]).toMatchObject({ key: 'subject' })
  })

  it('compare trailing spaces, accents and case', async () => {
    const { store, record } = await fresh(pool())
    const ids = ['id', 'id ', 'ID', 'íd', 'i\u0301d']
    for (const id of ids) expect(await store.create(record({ id, data: id }))).toBe(true)
    for (const id of ids) expect((await store.get(id))?.data).toBe(id)
    const { revision } = record()
    const padded = record({ revision: `${revision} ` })
    await store.create(padded)
    expect(await store.replace(record({ id: padded.id }), revision)).toEqual({ ok: false, current: padded })
  })
})

describe.skipIf(mariadb.missing)('prune [needs mariadb]', () => {
  it('removes what has expired, oldest first, and at most as many as asked for', async () => {
    const { store, record } = await fresh(pool(), { retainEndedMs: 0 })
    const now = 10 * DAY
    const old = [3, 1, 2, 4].map((day) => record({ absoluteAt: day * DAY, expiresAt: (day + 1) * DAY }))
    const kept = [
      record({ absoluteAt: 9 * DAY, expiresAt: now + 1 }),
      record({ absoluteAt: now + 1, expiresAt: 2 * DAY }),
    ]
    for (const each of [...old, ...kept]) await store.create(each)
    const left = async () => {
      const found = await Promise.all([...old, ...kept].map(({ id }) => store.get(id)))
      return found.map((each) => each !== null)
    }
    expect(await store.prune(now, 2)).toBe(2)
    expect(await left()).toEqual([true, false, false, true, true, true])
    expect(await store.prune(now, 100)).toBe(2)
    expect(await left()).toEqual([false, false, false, false, true, true])
    expect(await store.prune(now + 1, 100)).toBe(2)
  })

  it('leaves records alone for retainEnded after their absolute deadline', async () => {
    const { store, record } = await fresh(pool())
    await store.create(record({ absoluteAt: 5, expiresAt: 5 }))
    expect(await store.prune(DAY + 4, 1)).toBe(0)
    expect(await store.prune(DAY + 5, 1)).toBe(1)
  })

  it('passes over locked records instead of waiting for them', async () => {
    const client = pool()
    const { store, table, record } = await fresh(client)
    const records = [record({ absoluteAt: 1, expiresAt: 1 }), record({ absoluteAt: 2, expiresAt: 2 })]
    for (const each of records) await store.create(each)
    const holder = await client.getConnection()
    await holder.query('BEGIN')
    await holder.query(`SELECT id FROM \`${table}\` WHERE id = ? FOR UPDATE`, [records[0]?.id])
    expect(await store.prune(Date.now(), 1)).toBe(1)
    await holder.query('ROLLBACK')
    holder.release()
    expect(await store.get(records[0]?.id ?? '')).toEqual(records[0])
    expect(await store.get(records[1]?.id ?? '')).toBe(null)
  })

  it('lets several callers share the work', async () => {
    const { store, record } = await fresh(pool())
    const records = Array.from({ length: 120 }, () => record({ absoluteAt: 1, expiresAt: 1 }))
    await Promise.all(records.map((each) => store.create(each)))
    const counts: number[] = []
    const work = async () => {
      for (let count = 1; count > 0; counts.push(count)) count = await store.prune(Date.now(), 7)
    }
    await Promise.all([work(), work(), work()])
    expect(counts.reduce((sum, count) => sum + count)).toBe(120)
    expect(Math.max(...counts)).toBe(7)
  })
})

describe.skipIf(mariadb.missing)('the table [needs mariadb]', () => {
  it('may be created by many processes at once, and again later', async () => {
    const client = pool()
    const table = 'at_once'
    await Promise.all(Array.from({ length: 8 }, () => migrate(client, { table })))
    await migrate(client, { table })
    expect(await mysqlStore(client, { table }).get('nothing')).toBe(null)
  })

  it('is the one of schema.sql', async () => {
    const client = pool({ connectionLimit: 1, multipleStatements: true })
    const sql = await readFile(new URL('../schema.sql', import.meta.url), 'utf8')
    await client.query(`CREATE DATABASE by_file; USE by_file; ${sql}`)
    await client.query('CREATE DATABASE by_function')
    await migrate(client, { database: 'by_function' })
    const described = async (database: string) => {
      const [rows] = await client.query<mysql.RowDataPacket[]>(`SHOW CREATE TABLE ${database}.sess_sessions`)
      return rows[0]
    }
    expect(await described('by_file')).toEqual(await described('by_function'))
  })

  it.each(['Mixed Case', '`; DROP TABLE x; --', "it's", '"', 'a.b?:c', '%s\\', 'ä'.repeat(64)])(
    'may be called %s',
    async (table) => {
      const client = pool()
      await client.query("CREATE DATABASE IF NOT EXISTS `o'dd ``? database`")
      const { store, record, next } = await fresh(client, { table, database: "o'dd `? database" })
      const first = record()
      const second = next(first, { lastSeenAt: first.lastSeenAt + 1 })
      expect(await store.create(first)).toBe(true)
      expect(await store.replace(second, first.revision)).toEqual({ ok: true })
      expect(await store.touch(first.id, 0, 0)).toBe(true)
      expect(await store.get(first.id)).toEqual(second)
      expect(await store.prune(Date.now(), 5)).toBe(0)
    },
  )
})

interface Plan {
  readonly type: string
  readonly key: string | null
}

/** Makes `call` wait for a change of the record under `id` that is committed only then. */
async function behind<T>(client: mysql.Pool, change: string, id: string, call: () => Promise<T>): Promise<T> {
  const holder = await client.getConnection()
  await holder.query('BEGIN')
  await holder.query(change, [id])
  const waiting = call()
  const blocked = `SELECT 1 FROM information_schema.innodb_lock_waits AS w
    JOIN information_schema.innodb_trx AS t ON t.trx_id = w.blocking_trx_id WHERE t.trx_mysql_thread_id = ?`
  const wait = async () => expect((await client.query(blocked, [holder.threadId]))[0]).toHaveLength(1)
  // The tables of locks are a copy that is only renewed when nobody looked at it for 0.1 s.
  await vi.waitFor(wait, { timeout: 5000, interval: 150 })
  await holder.query('COMMIT')
  holder.release()
  return waiting
}
