import type { SessionRecord } from '@sess/core'
import { storeKit } from '@sess/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { migrate, type SqliteDatabase, type SqliteStore, type SqliteStoreOptions, sqliteStore } from '../src/index.ts'
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
      database.prepare(`EXPLAIN QUERY PLAN SELECT id FROM sess_sessions WHERE ${where}`).get()
    expect(plan(`subject = 'ada'`)).toMatchObject({ detail: expect.stringContaining('sess_sessions_subject') })
    expect(plan('absolute_at <= 1')).toMatchObject({ detail: expect.stringContaining('sess_sessions_absolute_at') })
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
    expect(prepare).toHaveBeenCalledTimes(6)
    const live = await created(store, record())
    await store.get(live.id)
    await store.touch(live.id, live.lastSeenAt, live.expiresAt)
    await store.replace(next(live), 'another')
    await store.prune(0, 1)
    expect(prepare).toHaveBeenCalledTimes(6)
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
    ]) {
      await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    }
    expect(await store.get(live.id)).toEqual(live)
  })

  it.each(['a\0b', 'a\uD800'])('refuses text that not every driver keeps: %j', async (text) => {
    const { store, record } = await ready()
    await expect(store.create(record({ data: text }))).rejects.toThrow(TypeError)
    await expect(store.create(record({ subject: text }))).rejects.toThrow(TypeError)
  })
})

async function ready(options: SqliteStoreOptions = {}) {
  const database = file.connect()
  migrate(database, options)
  const store = sqliteStore(database, options)
  const { record, next } = await storeKit(() => store)()
  return { database, store, record, next }
}

async function created(store: SqliteStore, record: SessionRecord): Promise<SessionRecord> {
  expect(await store.create(record)).toBe(true)
  return record
}

function present(store: SqliteStore, records: readonly SessionRecord[]): Promise<boolean[]> {
  return Promise.all(records.map(async ({ id }) => (await store.get(id)) !== null))
}
