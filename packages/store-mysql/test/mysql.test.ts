import { readFile } from 'node:fs/promises'
import type { Admission } from '@sess/core'
import mysql from 'mysql2/promise'
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
    for await (const _ of explained.listBySubject('ada', 0)) throw new Error('nothing is found')
    expect(plans.map((rows) => rows.map(({ type, key }) => [type, key]))).toEqual([
      [['const', 'id']],
      [['range', 'id']],
      [['range', 'id']],
      [
        ['ALL', null], // the derived table, of at most 10 rows
        ['eq_ref', 'PRIMARY'],
        ['range', 'absolute_at'],
      ],
      [['range', 'subject']],
    ])
    expect(plans[4]?.[0]?.Extra).not.toContain('filesort')
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

  it('is done by one caller at a time, of those that ask for it', async () => {
    const client = pool()
    const { store, table, record } = await fresh(client)
    for (let count = 0; count < 4; count += 1) await store.create(record({ absoluteAt: 1, expiresAt: 1 }))
    const other = await client.getConnection()
    await other.query('DO GET_LOCK(MD5(?), 0)', [`sess prune \`${table}\``])
    expect(await store.prune(Date.now(), 1, { exclusive: true })).toBe(0)
    const single = await mysql.createConnection(mariadb.url)
    expect(await mysqlStore(single, { table }).prune(Date.now(), 1, { exclusive: true })).toBe(0)
    expect(await store.prune(Date.now(), 1)).toBe(1)
    await other.query('DO RELEASE_ALL_LOCKS()')
    other.release()
    expect(await store.prune(Date.now(), 1, { exclusive: true })).toBe(1)
    expect(await store.prune(Date.now(), 1, { exclusive: true })).toBe(1)
    expect(await mysqlStore(single, { table }).prune(Date.now(), 9, { exclusive: true })).toBe(1)
    await single.end()
  })

  it('leaves no lock behind, and the pool whole, when it fails', async () => {
    const client = pool({ connectionLimit: 2 })
    const { store, table } = await fresh(client)
    await client.query(`DROP TABLE \`${table}\``)
    for (let count = 0; count < 5; count += 1) {
      await expect(store.prune(Date.now(), 1, { exclusive: true })).rejects.toMatchObject({ code: 'ER_NO_SUCH_TABLE' })
    }
    const [rows] = await client.query('SELECT IS_FREE_LOCK(MD5(?)) AS free', [`sess prune \`${table}\``])
    expect(rows).toEqual([{ free: 1 }])
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

describe.skipIf(mariadb.missing)('the sessions of a subject [needs mariadb]', () => {
  it('are found and counted whatever the length of the subject', async () => {
    const { store, record } = await fresh(pool())
    const long = 'ä'.repeat(50_000)
    const [first, second] = [record({ subject: `${long}a` }), record({ subject: `${long}b` })]
    for (const each of [first, second]) expect(await store.create(each)).toBe(true)
    for (const { id, subject } of [first, second]) {
      expect(await store.admit(asks(subject ?? '', record().id))).toEqual({ ok: true, evicted: [id] })
    }
  })

  it('are marked by thousands', async () => {
    const client = pool()
    const { store, table, record } = await fresh(client)
    const seed = record({ subject: 'ada' })
    await store.create(seed)
    const columns = 'revision, state, subject, created_at, absolute_at, last_seen_at, expires_at, data, rest'
    await client.query(`INSERT INTO \`${table}\` (${columns}, id)
      SELECT ${columns}, MD5(n.seq) FROM \`${table}\`, seq_1_to_2500 AS n`)
    const { ok, evicted } = await store.admit(asks('ada', record().id))
    expect([ok, new Set(evicted).size]).toEqual([true, 2501])
    const [rows] = await client.query(`SELECT evicted, count(*) AS count FROM \`${table}\` GROUP BY 1 ORDER BY 1`)
    expect(rows).toEqual([
      { evicted: 0, count: 1 },
      { evicted: 1, count: 2501 },
    ])
  })

  it('are counted while others have their rows locked, or the answer is an error: no mark without a place', async () => {
    const client = pool({}, 'SET SESSION innodb_lock_wait_timeout = 1')
    const { store, table, record } = await fresh(client)
    const [there, coming] = [record({ subject: 'ada' }), record({ subject: 'ada' })]
    await store.create(there)
    const holder = await client.getConnection()
    await holder.query('BEGIN')
    await holder.query(`SELECT id FROM \`${table}\` WHERE id = ? FOR UPDATE`, [there.id])
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 500)
    const options = { signal: controller.signal }
    await expect(store.admit(asks('ada', coming.id), options)).rejects.toMatchObject({ name: 'AbortError' })
    await holder.query('ROLLBACK')
    holder.release()
    expect(await store.admit({ ...asks('ada', record().id), victims: null })).toEqual({ ok: false, evicted: [] })
  })

  it('are waited for, but not for ever, when somebody else is counting them', async () => {
    const client = pool()
    const { store, table, record } = await fresh(client)
    const name = `sess admit \`${table}\` ada`
    const other = await client.getConnection()
    await other.query('DO GET_LOCK(MD5(?), 0)', [name])
    await expect(store.admit(asks('ada', record().id))).rejects.toThrow('mysqlStore: others')
    const waiting = store.admit(asks('ada', record().id))
    await other.query('DO RELEASE_LOCK(MD5(?))', [name])
    other.release()
    expect(await waiting).toEqual({ ok: true, evicted: [] })
  })

  it('are not locked by who stands still: the server takes the lock away with the connection', async () => {
    const client = pool({ connectionLimit: 1 })
    const { table, record } = await fresh(client)
    const idle: unknown[] = []
    const watching: MysqlClient = {
      getConnection: async () => {
        const connection = await client.getConnection()
        return {
          release: () => connection.release(),
          execute: async (query) => {
            if (query.sql.startsWith('INSERT'))
              idle.push((await connection.query('SELECT @@SESSION.wait_timeout AS s'))[0])
            return connection.execute(query.sql, query.values)
          },
        }
      },
      execute: (query) => client.execute(query.sql, query.values),
    }
    const before = (await client.query('SELECT @@SESSION.wait_timeout AS s'))[0]
    expect(await mysqlStore(watching, { table }).admit(asks('ada', record().id))).toMatchObject({ ok: true })
    expect(idle).toEqual([[{ s: 5 }]])
    expect((await client.query('SELECT @@SESSION.wait_timeout AS s'))[0]).toEqual(before)
  })

  it('that were announced and never created are pruned with the rest', async () => {
    const { store, record } = await fresh(pool(), { retainEndedMs: 0 })
    await store.admit({ ...asks('ada', record().id), deadline: DAY })
    expect(await store.prune(DAY - 1, 5)).toBe(0)
    expect(await store.prune(DAY, 5)).toBe(1)
  })
})

describe.skipIf(mariadb.missing)('the table [needs mariadb]', () => {
  it('gets what one of an earlier version lacks, and keeps its sessions', async () => {
    const client = pool({ multipleStatements: true })
    const { table, record, store: model } = await fresh(client)
    const [old, other] = [record({ subject: 'ada' }), record({ subject: 'ada' })]
    await model.create(old)
    const [[made]] = await client.query<mysql.RowDataPacket[]>(`SHOW CREATE TABLE \`${table}\``)
    await client.query(`ALTER TABLE \`${table}\` DROP COLUMN evicted, DROP KEY subject, ADD KEY subject (subject(191))`)
    await Promise.all(Array.from({ length: 4 }, () => migrate(client, { table })))
    const store = mysqlStore(client, { table })
    expect(await store.admit(asks('ada', other.id))).toEqual({ ok: true, evicted: [old.id] })
    const [[now]] = await client.query<mysql.RowDataPacket[]>(`SHOW CREATE TABLE \`${table}\``)
    const lines = (row: mysql.RowDataPacket | undefined) => {
      const text: string = row?.['Create Table']
      return text
        .replace(/ AUTO_INCREMENT=\d+/, '')
        .replaceAll(',\n', '\n')
        .split('\n')
        .sort()
    }
    expect(lines(now)).toEqual(lines(made))
  })

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
      expect(await store.admit(asks(first.subject ?? '', 'new'))).toEqual({ ok: true, evicted: [first.id] })
    },
  )
})

interface Plan {
  readonly type: string
  readonly key: string | null
  readonly Extra: string
}

/** An admission with a limit of one. */
function asks(subject: string, id: string): Admission {
  const [at, deadline] = [Date.now(), Date.now() + DAY]
  return { subject, id, at, deadline, abandonedBefore: 0, limit: 1, uncounted: [], victims: [] }
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
