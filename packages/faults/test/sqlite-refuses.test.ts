import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions } from '@sess/core'
import { migrate, sqliteStore } from '@sess/store-sqlite'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keys } from './keys.ts'
import { Traffic } from './traffic.ts'

let folder: string
let database: Database.Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-faults-'))
  database = new Database(join(folder, 'sessions.db'))
  migrate(database)
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('SQLite under load', () => {
  it('with the disk full: writes get their 503, reads go on, and all is well when there is room', async () => {
    const { traffic, end } = await load({ growing: true })
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
    database.exec(`PRAGMA max_page_count = ${pages}`)
    await refused(traffic)
    database.exec('PRAGMA max_page_count = 1000000')
    await traffic.everybodyServed()
    await end()
    traffic.counts.print('SQLite, disk full')
    holds(traffic)
  })

  it('read-only: writes get their 503, reads go on, and all is well when it may write again', async () => {
    const { traffic, end } = await load({})
    database.exec('PRAGMA query_only = ON')
    await refused(traffic)
    database.exec('PRAGMA query_only = OFF')
    await traffic.everybodyServed()
    await end()
    traffic.counts.print('SQLite, read-only')
    holds(traffic)
  })

  it('locked by another connection: writes get their 503, reads go on, and all is well afterwards', async () => {
    const { traffic, end } = await load({})
    const other = new Database(join(folder, 'sessions.db'))
    other.exec('BEGIN IMMEDIATE')
    await refused(traffic)
    other.exec('ROLLBACK')
    other.close()
    await traffic.everybodyServed()
    await end()
    traffic.counts.print('SQLite, locked')
    holds(traffic)
  })

  it('opened read-only: the session is there, and a write gets its 503', async () => {
    const cookie = await signedIn()
    const readonly = new Database(`file:${join(folder, 'sessions.db')}?mode=ro`)
    const sessions = createSessions<Record<string, unknown>>({ store: sqliteStore(readonly), keys })
    const session = await sessions.open({ cookie })
    expect(session.subject).toBe('ada')
    session.data.n = 1
    await expect(session.commit()).rejects.toMatchObject({ code: 'ERR_SESS_STORE_UNAVAILABLE', status: 503 })
    expect(session.toHeaders().filter(([name]) => name === 'Set-Cookie')).toEqual([])
    readonly.close()
  })
})

async function signedIn(): Promise<string> {
  const session = await createSessions({ store: sqliteStore(database), keys }).open({ cookie: '' })
  session.signIn('ada')
  await session.commit()
  return session.toHeaders()[0]?.[1].split(';')[0] ?? ''
}

async function load({ growing = false }) {
  const sessions = createSessions({ store: sqliteStore(database), keys })
  const traffic = new Traffic(sessions, { visitors: 20, ...(growing ? { growBy: 2000 } : {}) })
  const end = traffic.start(150)
  await traffic.everybodyServed()
  await traffic.everybodyServed()
  return { traffic, end: () => end().then(() => traffic.audit()) }
}

/** Waits until many requests have been refused. */
async function refused({ counts }: Traffic): Promise<void> {
  const refusals = () => counts.errors.ERR_SESS_STORE_UNAVAILABLE ?? 0
  await expect.poll(refusals, { interval: 10, timeout: 20_000 }).toBeGreaterThan(30)
}

function holds({ counts }: Traffic): void {
  expect(counts).toMatchObject({ lost: 0, twice: 0, signedOut: 0, mixedUp: 0, untyped: 0 })
  expect(Object.keys(counts.errors)).toEqual(['ERR_SESS_STORE_UNAVAILABLE'])
}
