import type { Admission, SessionRecord } from '@sess/core'
import { storeKit } from '@sess/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  migrate,
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteStore,
  type SqliteStoreOptions,
  sqliteStore,
} from '../src/index.ts'
import { openFile, type TestFile } from './open.ts'

const CONFIG = expect.objectContaining({ code: 'ERR_SESS_CONFIG' })
const HOUR = 3_600_000

let file: TestFile
beforeEach(() => {
  file = openFile()
})
afterEach(() => file.remove())

describe('migrate', () => {
  it('switches the file to WAL and may run again, on an open store too', async () => {
    const { store, record, database } = await ready()
    const live = await created(store, record())
    migrate(database)
    migrate(file.connect())
    expect(database.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' })
    expect(await store.get(live.id)).toEqual(live)
  })

  it.each(['my sessions', 'quoted " name', "'; DROP TABLE sess_sessions; --", 'SELECT'])(
    'makes a table of any name: %s',
    async (table) => {
      const { store, record, database } = await ready({ table })
      const live = await created(store, record())
      expect(await store.get(live.id)).toEqual(live)
      const names = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
      expect(names).toEqual([{ name: table }])
    },
  )

  it('finds a subject’s sessions and the old ones by an index', async () => {
    const { database } = await ready()
    const plan = (where: string) =>
      database.prepare(`EXPLAIN QUERY PLAN SELECT data FROM sess_sessions WHERE ${where}`).all()
    const details = (name: string) => [expect.objectContaining({ detail: expect.stringContaining(name) })]
    expect(plan(`subject = 'ada' AND rowid > 5 ORDER BY rowid`)).toEqual(details('sess_sessions_subject'))
    expect(plan('absolute_at <= 1 ORDER BY absolute_at')).toEqual(details('sess_sessions_absolute_at'))
  })
})

describe('a table of an earlier version', () => {
  it('gets what it lacks, and keeps its sessions', async () => {
    const { record, database } = await ready({ table: 'new' })
    const [old, other] = [record({ subject: 'ada' }), record({ subject: 'ada' })]
    database.exec(`CREATE TABLE sess_sessions (
      id TEXT PRIMARY KEY NOT NULL, revision TEXT NOT NULL, state TEXT NOT NULL, subject TEXT, created_at INTEGER NOT NULL,
      absolute_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, rest TEXT NOT NULL,
      data TEXT NOT NULL)`)
    migrate(database)
    migrate(file.connect())
    const store = sqliteStore(database)
    await created(store, old)
    expect(await store.admit(asks(other))).toEqual({ ok: true, evicted: [old.id] })
    const listed: string[] = []
    for await (const { id } of store.listBySubject('ada', 0)) listed.push(id)
    expect(listed).toEqual([old.id, other.id])
  })
})

describe('a list of sessions', () => {
  it('has each of them once, though VACUUM packs the file meanwhile', async () => {
    const { store, record, database } = await ready()
    const all = Array.from({ length: 250 }, () => record({ subject: 'ada' }))
    for (const each of all) await created(store, each)
    database.exec('DELETE FROM sess_sessions WHERE rowid <= 50')
    const listed: string[] = []
    for await (const { id } of store.listBySubject('ada', 0)) {
      if (listed.push(id) === 1) file.connect().exec('VACUUM')
    }
    expect(listed).toEqual(all.slice(50).map(({ id }) => id))
  })
})

describe('admit', () => {
  it('does all or nothing', async () => {
    const { record, database } = await ready()
    const flawed: SqliteDatabase = {
      exec: (sql) => database.exec(sql),
      prepare: (sql) => (sql.startsWith('INSERT') ? throwing(database.prepare(sql)) : database.prepare(sql)),
    }
    const [there, coming] = [record({ subject: 'ada' }), record({ subject: 'ada' })]
    const store = sqliteStore(database)
    await created(store, there)
    await expect(sqliteStore(flawed).admit(asks(coming))).rejects.toThrow('the disk is full')
    expect(database.inTransaction).toBe(false)
    expect(await store.admit({ ...asks(coming), victims: null })).toEqual({ ok: false, evicted: [] })
  })

  it('waits for another connection, and is given up with the error of the driver', async () => {
    const { store, record, database } = await ready()
    const other = file.connect()
    other.exec('BEGIN IMMEDIATE')
    const waiting = store.admit(asks(record()))
    await new Promise((resolve) => setTimeout(resolve, 1))
    other.exec('COMMIT')
    expect(await waiting).toEqual({ ok: true, evicted: [] })
    other.exec('BEGIN IMMEDIATE')
    const code = expect.stringContaining('SQLITE_BUSY')
    await expect(store.admit(asks(record()))).rejects.toMatchObject({ code })
    other.exec('COMMIT')
    expect(database.inTransaction).toBe(false)
  })

  it('says what failed where SQLite has rolled back by itself', async () => {
    const { record, database } = await ready()
    const flawed: SqliteDatabase = {
      exec: (sql) => {
        if (sql === 'ROLLBACK') database.exec(sql)
        return database.exec(sql)
      },
      prepare: (sql) => (sql.startsWith('INSERT') ? throwing(database.prepare(sql)) : database.prepare(sql)),
    }
    await expect(sqliteStore(flawed).admit(asks(record()))).rejects.toThrow('the disk is full')
  })

  it('keeps places that are pruned with the rest', async () => {
    const { store, record } = await ready({ retainEndedMs: 0 })
    await store.admit({ ...asks(record()), deadline: HOUR })
    expect(await store.prune(HOUR - 1, 5)).toBe(0)
    expect(await store.prune(HOUR, 5)).toBe(1)
  })
})

describe('prune', () => {
  it('removes at most as many as it may, the oldest first, and says how many', async () => {
    const { store, record } = await ready({ retainEndedMs: 0 })
    const expired = []
    for (let at = 1; at <= 5; at += 1) expired.push(await created(store, record({ absoluteAt: at, expiresAt: at })))
    expect(await store.prune(10, 2)).toBe(2)
    expect(await present(store, expired)).toEqual([false, false, true, true, true])
    expect(await store.prune(10, 10)).toBe(3)
    expect(await store.prune(10, 10)).toBe(0)
  })

  it('removes a record when its expiresAt has come, and not before', async () => {
    const { store, record } = await ready()
    const absoluteAt = 100 * HOUR
    const kept = await created(store, record({ absoluteAt, expiresAt: absoluteAt + 25 * HOUR }))
    expect(await store.prune(kept.expiresAt - 1, 10)).toBe(0)
    expect(await store.prune(kept.expiresAt, 10)).toBe(1)
  })

  it('leaves what may still be asked for, until retainEnded after the absolute deadline', async () => {
    const { store, record } = await ready({ retainEndedMs: HOUR })
    await created(store, record({ absoluteAt: 100 * HOUR, expiresAt: 5 * HOUR }))
    expect(await store.prune(101 * HOUR - 1, 10)).toBe(0)
    expect(await store.prune(101 * HOUR, 10)).toBe(1)
  })
})

describe('a file that another connection has locked', () => {
  it('is waited for, while the process goes on', async () => {
    const { store, record } = await ready()
    const other = file.connect()
    other.exec('BEGIN IMMEDIATE')
    const live = record()
    const created = store.create(live)
    await new Promise((resolve) => setTimeout(resolve, 1))
    other.exec('COMMIT')
    expect(await created).toBe(true)
  })

  it('is read all the same', async () => {
    const { store, record } = await ready()
    const live = await created(store, record())
    const other = file.connect()
    other.exec('BEGIN IMMEDIATE')
    expect(await store.get(live.id)).toEqual(live)
    other.exec('COMMIT')
  })

  it('is given up after a while, with the error of the driver', async () => {
    const { store, record } = await ready()
    const other = file.connect()
    other.exec('BEGIN IMMEDIATE')
    await expect(store.create(record())).rejects.toMatchObject({ code: expect.stringContaining('SQLITE_BUSY') })
    other.exec('COMMIT')
    expect(await store.create(record())).toBe(true)
  })

  it('is given up when the signal is aborted', async () => {
    const { store, record } = await ready()
    const other = file.connect()
    other.exec('BEGIN IMMEDIATE')
    const controller = new AbortController()
    const write = store.create(record(), { signal: controller.signal })
    controller.abort()
    await expect(write).rejects.toMatchObject({ name: 'AbortError' })
    other.exec('COMMIT')
  })
})

describe('sqliteStore', () => {
  it('prepares its statements once', async () => {
    const { database } = await ready()
    const prepare = vi.spyOn(database, 'prepare')
    const store = sqliteStore(database)
    const { record, next } = await storeKit(() => store)()
    expect(prepare).toHaveBeenCalledTimes(11)
    const live = await created(store, record())
    await store.get(live.id)
    await store.touch(live.id, live.lastSeenAt, live.expiresAt)
    await store.replace(next(live), 'another')
    await store.prune(0, 1)
    await store.admit(asks(record()))
    expect(prepare).toHaveBeenCalledTimes(11)
  })

  it('throws at construction where the table is missing, the connection closed, or a name or number unusable', async () => {
    const database = file.connect()
    expect(() => sqliteStore(database)).toThrow('migrate(database)')
    expect(() => sqliteStore(database)).toThrow(CONFIG)
    migrate(database)
    expect(() => sqliteStore(database, { table: '' })).toThrow(CONFIG)
    expect(() => migrate(database, { table: 'a\0b' })).toThrow(CONFIG)
    for (const retainEndedMs of [-1, Number.NaN]) expect(() => sqliteStore(database, { retainEndedMs })).toThrow(CONFIG)
    database.close()
    expect(() => sqliteStore(database)).toThrow(CONFIG)
    // From JavaScript: a file name.
    expect(() => sqliteStore('sessions.db' as unknown as SqliteDatabase)).toThrow(CONFIG)
  })

  it('is durable: a new connection finds what another wrote', async () => {
    const { store, record, next, database } = await ready()
    const live = await created(store, record())
    const changed = next(live, { data: '{"n":1}' })
    await store.replace(changed, live.revision)
    database.close()
    const again = sqliteStore(file.connect())
    expect(again.durable).toBe(true)
    expect(await again.get(live.id)).toEqual(changed)
  })

  it('rejects with the error of the driver: a file that may not be written', async () => {
    const { store, record, database } = await ready()
    database.exec('PRAGMA query_only = ON')
    await expect(store.create(record())).rejects.toMatchObject({ code: expect.stringContaining('SQLITE_READONLY') })
  })

  it('does nothing for a call whose signal is aborted before', async () => {
    const { store, record, next } = await ready()
    const live = await created(store, record())
    const options = { signal: AbortSignal.abort() }
    for (const call of [
      store.get(live.id, options),
      store.create(record(), options),
      store.replace(next(live), live.revision, options),
      store.touch(live.id, live.lastSeenAt + 1, live.expiresAt, options),
      store.admit(asks(record()), options),
    ]) {
      await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    }
    expect(await store.get(live.id)).toEqual(live)
  })

  it.each(['a\0b', 'a\uD800'])('refuses text that not every driver keeps: %j', async (text) => {
    const { store, record } = await ready()
    await expect(store.create(record({ data: text }))).rejects.toThrow(TypeError)
    await expect(store.create(record({ subject: text }))).rejects.toThrow(TypeError)
    await expect(store.admit(asks(record({ subject: text })))).rejects.toThrow(TypeError)
    await expect(store.listBySubject(text, 0)[Symbol.asyncIterator]().next()).rejects.toThrow(TypeError)
  })
})

async function ready(options: SqliteStoreOptions = {}) {
  const database = file.connect()
  migrate(database, options)
  const store = sqliteStore(database, options)
  const { record, next } = await storeKit(() => store)()
  return { database, store, record, next }
}

/** An admission of the record with a limit of one. */
function asks({ id, subject, createdAt: at, absoluteAt: deadline }: SessionRecord): Admission {
  return { id, subject: subject ?? '', at, deadline, abandonedBefore: 0, limit: 1, uncounted: [], victims: [] }
}

function throwing(statement: SqliteStatement): SqliteStatement {
  const run = () => {
    throw new Error('the disk is full')
  }
  return { all: (...values) => statement.all(...values), run }
}

async function created(store: SqliteStore, record: SessionRecord): Promise<SessionRecord> {
  expect(await store.create(record)).toBe(true)
  return record
}

function present(store: SqliteStore, records: readonly SessionRecord[]): Promise<boolean[]> {
  return Promise.all(records.map(async ({ id }) => (await store.get(id)) !== null))
}
