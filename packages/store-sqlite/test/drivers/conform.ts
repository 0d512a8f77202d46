import { ok } from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { register, storeCases, storeKit, type TestFunction } from '@sess/testkit'
import { migrate, type SqliteDatabase, sqliteStore } from '../../src/index.ts'

/** How many tests {@link conform} makes. */
export const TESTS: number = storeCases.length + 2

/** The promises on a file opened by a driver, under that runtime's own test runner. */
export function conform<Database extends SqliteDatabase & { close(): unknown }>(
  it: TestFunction,
  open: (file: string) => Database,
): void {
  // In the working folder, which drivers.test.ts removes.
  const file = join(mkdtempSync('database-'), 'sessions.db')
  const database = open(file)
  migrate(database)
  const openStore = async () => sqliteStore(database)
  register(storeCases, storeKit(openStore), { it })

  it('prunes what has expired', async () => {
    const store = await openStore()
    const { record } = await storeKit(() => store)()
    const past = record({ absoluteAt: 1000, expiresAt: 2000 })
    await store.create(past)
    ok((await store.prune(86_400_000 + 2000, 10)) === 1)
    ok((await store.get(past.id)) === null)
  })

  it('waits for another connection without holding up the process, and finds its records', async () => {
    const { store, record } = await storeKit(openStore)()
    const other = open(file)
    const [theirs, ours] = [record(), record()]
    await sqliteStore(other).create(theirs)
    other.exec('BEGIN IMMEDIATE')
    const created = store.create(ours)
    setTimeout(() => other.exec('COMMIT'), 5)
    ok(await created)
    ok((await store.get(theirs.id)) !== null)
    other.close()
  })
}
