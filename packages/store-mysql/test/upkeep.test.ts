import { autoPrune, copySessions, memoryStore, type SessionRecord } from '@sess/core'
import mysql from 'mysql2/promise'
import { describe, expect, it, vi } from 'vitest'
import { mysqlStore } from '../src/index.ts'
import { fresh, mariadb, pool } from './open.ts'

describe.skipIf(mariadb.missing)('a table [needs mariadb]', () => {
  it('gives up every record to a copy, and takes every one', async () => {
    const { store, record, next } = await fresh(pool())
    const origin = memoryStore()
    const records = Array.from({ length: 1100 }, () => record({ data: '{"name":"Žofie"}' }))
    for (const each of records) await origin.create(each)
    expect(await copySessions(origin, store)).toEqual({ created: 1100, updated: 0, kept: 0 })
    const [written, ended] = records as [SessionRecord, SessionRecord]
    await store.replace(next(written, { data: '{}' }), written.revision)
    await origin.replace(next(ended, { state: 'ended', endedReason: 'signed-out' }), ended.revision)
    expect(await copySessions(origin, store)).toEqual({ created: 0, updated: 1, kept: 1099 })
    const back = memoryStore()
    expect(await copySessions(store, back)).toMatchObject({ created: 1100, updated: 0 })
    expect((await back.get(written.id))?.data).toBe('{}')
    expect((await back.get(ended.id))?.state).toBe('ended')
    for (const { id } of records.slice(2)) expect(await back.get(id)).toEqual(await origin.get(id))
  })

  it('is pruned by itself', async () => {
    const { store, record } = await fresh(pool())
    const [live, ...old] = [record(), ...Array.from({ length: 30 }, () => record({ absoluteAt: 1, expiresAt: 1 }))]
    for (const each of [live, ...old]) await store.create(each)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const stop = autoPrune(store, { every: '1m', batch: 7 })
    vi.advanceTimersByTime(60_000)
    vi.useRealTimers()
    await vi.waitFor(async () => {
      for (const { id } of old) expect(await store.get(id)).toBe(null)
    })
    await stop()
    expect(await store.get(live.id)).toEqual(live)
  })

  it('is pruned by one caller at a time, of those that ask for it', async () => {
    const client = pool()
    const { store, table, record } = await fresh(client)
    for (let count = 0; count < 4; count += 1) await store.create(record({ absoluteAt: 1, expiresAt: 1 }))
    const other = await client.getConnection()
    await other.query('DO GET_LOCK(MD5(?), 0)', [`sess prune \`${table}\``])
    expect(await store.prune(Date.now(), 1, { exclusive: true })).toBe(0)
    expect(await store.prune(Date.now(), 1)).toBe(1)
    await other.query('DO RELEASE_ALL_LOCKS()')
    other.release()
    expect(await store.prune(Date.now(), 1, { exclusive: true })).toBe(1)
    expect(await store.prune(Date.now(), 1, { exclusive: true })).toBe(1)
    const single = await mysql.createConnection(mariadb.url)
    expect(await mysqlStore(single, { table }).prune(Date.now(), 9, { exclusive: true })).toBe(1)
    await single.end()
  })

  it('is left unlocked, and the pool whole, when pruning fails', async () => {
    const client = pool({ connectionLimit: 2 })
    const { store, table } = await fresh(client)
    await client.query(`DROP TABLE \`${table}\``)
    for (let count = 0; count < 5; count += 1) {
      await expect(store.prune(Date.now(), 1, { exclusive: true })).rejects.toMatchObject({ code: 'ER_NO_SUCH_TABLE' })
    }
    const [rows] = await client.query('SELECT IS_FREE_LOCK(MD5(?)) AS free', [`sess prune \`${table}\``])
    expect(rows).toEqual([{ free: 1 }])
  })
})
