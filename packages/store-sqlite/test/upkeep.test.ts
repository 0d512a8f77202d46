import { autoPrune, copySessions, memoryStore, type SessionRecord } from '@sess/core'
import { storeKit } from '@sess/testkit'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { migrate, sqliteStore } from '../src/index.ts'
import { openFile } from './open.ts'

describe('a table', () => {
  const file = openFile()
  afterAll(() => file.remove())

  async function fresh(table: string) {
    const database = file.connect()
    migrate(database, { table })
    const store = sqliteStore(database, { table })
    return { ...(await storeKit(() => store)()), store }
  }

  it('gives up every record to a copy, and takes every one', async () => {
    const { store, record, next } = await fresh('copied')
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
    const { store, record } = await fresh('pruned')
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
})
