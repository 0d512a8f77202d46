import { readFile } from 'node:fs/promises'
import type { Admission, SubjectEntry } from '@sess/core'
import type pg from 'pg'
import { describe, expect, it, vi } from 'vitest'
import { migrate, type PostgresClient, type PostgresStore, postgresStore } from '../src/index.ts'
import { fresh, pool, postgres } from './open.ts'

const DAY = 86_400_000

describe.skipIf(postgres.missing)('a write that waited for another one [needs postgres]', () => {
  it('loses with the record that the other one wrote', async () => {
    const client = pool()
    const { store, table, record, next } = await fresh(client)
    const first = record()
    const winner = next(first, { data: '"winner"' })
    await store.create(first)
    const answer = await behind(client, table, first.id, winner.revision, () =>
      store.replace(next(first), first.revision),
    )
    expect(answer).toEqual({ ok: false, current: { ...first, revision: winner.revision } })
  })

  it('finds nothing when the other one removed the record', async () => {
    const client = pool()
    const { store, table, record, next } = await fresh(client)
    const first = record()
    await store.create(first)
    const answer = await behind(client, table, first.id, null, () => store.replace(next(first), first.revision))
    expect(answer).toEqual({ ok: false, current: null })
  })

  it('needs one query for a conflict that was there before', async () => {
    const client = pool()
    const { store, record, next } = await fresh(client)
    const first = record()
    await store.create(first)
    const query = vi.spyOn(client, 'query')
    expect(await store.replace(next(first), 'another')).toEqual({ ok: false, current: first })
    expect(query).toHaveBeenCalledTimes(1)
  })
})

describe.skipIf(postgres.missing)('updates [needs postgres]', () => {
  it('are HOT: touches, and replaces too, leave the indexes alone', async () => {
    // A database of its own: a transaction left open anywhere in it would keep old row versions, and their room.
    await pool().query('CREATE DATABASE hot')
    const client = pool({ max: 1, connectionString: new URL('/hot', postgres.url).href })
    const { store, table, record, next } = await fresh(client)
    const records = Array.from({ length: 200 }, (_, index) => record({ data: 'x'.repeat(index * 4) }))
    for (const each of records) await store.create(each)
    for (let round = 1; round <= 5; round += 1) {
      for (const { id, lastSeenAt, expiresAt } of records) await store.touch(id, lastSeenAt + round, expiresAt + round)
    }
    const touched = await updates(client, table)
    for (const each of records) await store.replace(next(each), each.revision)
    const all = await updates(client, table)
    expect([touched.total, all.total]).toEqual([1000, 1200])
    expect(touched.hot / touched.total).toBeGreaterThan(0.95)
    expect(all.hot / all.total).toBeGreaterThan(0.95)
  })

  it('reach a record by its key', async () => {
    const client = pool({ max: 1 })
    const { store, table, record } = await fresh(client)
    await store.create(record())
    await client.query(`INSERT INTO "${table}"
      SELECT md5(n::text), revision, state, subject || n, created_at, absolute_at + n, last_seen_at, expires_at, data, rest
      FROM "${table}", generate_series(1, 5000) AS n`)
    await client.query(`ANALYZE "${table}"`)
    const plans: string[] = []
    const explaining: PostgresClient = {
      query: async ({ text, values }) => {
        const typed = values.map((value) => (typeof value === 'number' ? `${value}` : `'${value}'`))
        const filled = text.replace(/\$(\d+)/g, (_, number) => typed[number - 1] ?? '')
        const { rows } = await client.query(`EXPLAIN ${filled}`)
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
        return { rows: [] }
      },
    }
    const explained = postgresStore(explaining, { table })
    await explained.get('an id')
    await explained.touch('an id', 1, 1)
    await explained.replace(record(), 'a revision')
    await explained.prune(Date.now(), 10)
    for await (const _ of explained.listBySubject('ada', 0)) throw new Error('nothing is found')
    expect(plans).toHaveLength(5)
    expect(plans[4]).toContain(`${table}_subject_id`)
    for (const plan of plans) expect(plan).not.toContain('Seq Scan')
  })
})

describe.skipIf(postgres.missing)('prune [needs postgres]', () => {
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
    const holder = await client.connect()
    await holder.query('BEGIN')
    await holder.query(`SELECT FROM "${table}" WHERE id = $1 FOR UPDATE`, [records[0]?.id])
    expect(await store.prune(Date.now(), 1)).toBe(1)
    await holder.query('ROLLBACK')
    holder.release()
    expect(await store.get(records[0]?.id ?? '')).toEqual(records[0])
    expect(await store.get(records[1]?.id ?? '')).toBe(null)
  })

  it('is done by one caller at a time, of those that ask for it', async () => {
    const client = pool()
    const { store, table, record } = await fresh(client)
    for (let count = 0; count < 3; count += 1) await store.create(record({ absoluteAt: 1, expiresAt: 1 }))
    const other = await client.connect()
    await other.query('BEGIN')
    await other.query('SELECT pg_advisory_xact_lock(734003250, hashtext($1))', [`"${table}"`])
    expect(await store.prune(Date.now(), 1, { exclusive: true })).toBe(0)
    expect(await store.prune(Date.now(), 1)).toBe(1)
    expect(await (await fresh(client)).store.prune(Date.now(), 1, { exclusive: true })).toBe(0)
    await other.query('ROLLBACK')
    other.release()
    expect(await store.prune(Date.now(), 9, { exclusive: true })).toBe(2)
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

describe.skipIf(postgres.missing)('the sessions of a subject [needs postgres]', () => {
  it('are counted in one query, which leaves no transaction open', async () => {
    const client = pool({ max: 1 })
    const { store, record } = await fresh(client)
    const query = vi.spyOn(client, 'query')
    expect(await store.admit(asks('ada', record().id))).toEqual({ ok: true, evicted: [] })
    expect(query).toHaveBeenCalledTimes(1)
    const { rows } = await client.query('SELECT now() = statement_timestamp() AS fresh, txid_current_if_assigned()')
    expect(rows).toEqual([{ fresh: true, txid_current_if_assigned: null }])
  })

  it('are not counted on a connection that is inside a transaction, which goes on as it was', async () => {
    const client = pool({ max: 1 })
    const { store, record } = await fresh(client)
    await client.query('BEGIN')
    await expect(store.admit(asks('ada', record().id))).rejects.toMatchObject({ code: '2D000' })
    await client.query('ROLLBACK')
    expect(await list(store, 'ada')).toEqual([])
  })

  it('may have any number as their limit', async () => {
    const { store, record } = await fresh(pool())
    for (const limit of [1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      const asked = { ...asks(`up to ${limit}`, record().id), limit, victims: null }
      expect(await store.admit(asked)).toEqual({ ok: true, evicted: [] })
    }
  })

  it('that were announced and never created are pruned with the rest', async () => {
    const { store, record } = await fresh(pool(), { retainEndedMs: 0 })
    await store.admit({ ...asks('ada', record().id), deadline: DAY })
    expect(await store.prune(DAY - 1, 5)).toBe(0)
    expect(await store.prune(DAY, 5)).toBe(1)
  })
})

describe.skipIf(postgres.missing)('the table [needs postgres]', () => {
  it('may be created by many processes at once, and again later', async () => {
    const client = pool()
    const table = 'at_once'
    await Promise.all(Array.from({ length: 8 }, () => migrate(client, { table })))
    await migrate(client, { table })
    expect(await postgresStore(client, { table }).get('nothing')).toBe(null)
  })

  it('gets what one of an earlier version lacks, and keeps its sessions', async () => {
    const client = pool()
    const { store: model, table, record } = await fresh(client)
    const [old, other] = [record({ subject: 'ada' }), record({ subject: 'ada' })]
    await model.create(old)
    await client.query(`ALTER TABLE "${table}" DROP COLUMN evicted; DROP INDEX "${table}_subject_id";
      DROP PROCEDURE "${table}_admit"; CREATE INDEX "${table}_subject" ON "${table}" (subject) WHERE subject IS NOT NULL`)
    await Promise.all(Array.from({ length: 4 }, () => migrate(client, { table })))
    const store = postgresStore(client, { table })
    expect(await list(store, 'ada')).toEqual([{ id: old.id, record: old }])
    expect(await store.admit(asks('ada', other.id))).toEqual({ ok: true, evicted: [old.id] })
    const { rows } = await client.query('SELECT indexname FROM pg_indexes WHERE tablename = $1 ORDER BY 1', [table])
    const names = ['absolute_at', 'pkey', 'subject_id'].map((suffix) => ({ indexname: `${table}_${suffix}` }))
    expect(rows).toEqual(names)
  })

  it('is not locked against those who use it when it is migrated again', async () => {
    const client = pool()
    const { table } = await fresh(client)
    const reader = await client.connect()
    await reader.query('BEGIN')
    await reader.query(`SELECT FROM "${table}"`)
    await migrate(client, { table })
    await reader.query('ROLLBACK')
    reader.release()
  })

  it('is the one of schema.sql', async () => {
    const client = pool({ max: 1 })
    const sql = await readFile(new URL('../schema.sql', import.meta.url), 'utf8')
    await client.query(`CREATE SCHEMA by_file; SET search_path TO by_file; ${sql}; RESET search_path`)
    await client.query('CREATE SCHEMA by_function')
    await migrate(client, { schema: 'by_function' })
    const made = await described(client, 'by_function')
    expect(made.indexes).toHaveLength(3)
    expect(made.procedures).toHaveLength(1)
    expect(await described(client, 'by_file')).toEqual(made)
  })

  it.each(['Mixed Case', `"; DROP TABLE x; --`, "it's", '$$', 'a.b', '%s\\', 'ä'.repeat(25)])(
    'may be called %s',
    async (table) => {
      const client = pool()
      await client.query('CREATE SCHEMA IF NOT EXISTS "o\'dd ""schema"')
      const { store, record, next } = await fresh(client, { table, schema: `o'dd "schema` })
      const first = record()
      const second = next(first, { lastSeenAt: first.lastSeenAt + 1 })
      expect(await store.create(first)).toBe(true)
      expect(await store.replace(second, first.revision)).toEqual({ ok: true })
      expect(await store.touch(first.id, 0, 0)).toBe(true)
      expect(await store.get(first.id)).toEqual(second)
      expect(await store.prune(Date.now(), 5)).toBe(0)
      expect(await store.admit(asks(first.subject ?? '', 'new'))).toEqual({ ok: true, evicted: [first.id] })
      const { rows } = await client.query(
        'SELECT count(*)::int AS count FROM pg_indexes WHERE schemaname = $1 AND tablename = $2',
        [`o'dd "schema`, table],
      )
      expect(rows).toEqual([{ count: 3 }])
    },
  )
})

async function list(store: PostgresStore, subject: string): Promise<SubjectEntry[]> {
  const entries: SubjectEntry[] = []
  for await (const entry of store.listBySubject(subject, 0)) entries.push(entry)
  return entries
}

/** An admission with a limit of one. */
function asks(subject: string, id: string): Admission {
  const [at, deadline] = [Date.now(), Date.now() + DAY]
  return { subject, id, at, deadline, abandonedBefore: 0, limit: 1, uncounted: [], victims: [] }
}

async function behind<T>(client: pg.Pool, table: string, id: string, revision: string | null, call: () => Promise<T>) {
  const holder = await client.connect()
  await holder.query('BEGIN')
  if (revision === null) await holder.query(`DELETE FROM "${table}" WHERE id = $1`, [id])
  else await holder.query(`UPDATE "${table}" SET revision = $2 WHERE id = $1`, [id, revision])
  const { rows } = await holder.query('SELECT pg_backend_pid() AS pid')
  const waiting = call()
  const blocked = 'SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))'
  await vi.waitFor(async () => expect((await client.query(blocked, [rows[0].pid])).rowCount).toBe(1), { timeout: 5000 })
  await holder.query('COMMIT')
  holder.release()
  return waiting
}

async function updates(client: pg.Pool, table: string) {
  await client.query('SELECT pg_stat_force_next_flush()')
  const { rows } = await client.query(
    'SELECT n_tup_upd::int AS total, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = $1',
    [table],
  )
  return rows[0]
}

async function described(client: pg.Pool, schema: string) {
  const columns = await client.query(
    `SELECT column_name, data_type, collation_name, is_nullable FROM information_schema.columns
     WHERE table_schema = $1 AND table_name = 'sess_sessions' ORDER BY ordinal_position`,
    [schema],
  )
  const indexes = await client.query('SELECT indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY indexname', [
    schema,
  ])
  const options = await client.query(
    'SELECT reloptions FROM pg_class WHERE relkind = $2 AND relnamespace = $1::regnamespace',
    [schema, 'r'],
  )
  const procedures = await client.query('SELECT prosrc FROM pg_proc WHERE pronamespace = $1::regnamespace', [schema])
  return {
    columns: columns.rows,
    indexes: indexes.rows.map(({ indexdef }) => indexdef.replaceAll(schema, '')),
    options: options.rows,
    procedures: procedures.rows.map(({ prosrc }) => prosrc.replaceAll(`"${schema}".`, '')),
  }
}
