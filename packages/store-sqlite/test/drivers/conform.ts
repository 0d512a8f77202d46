import { ok } from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import {
  pruneCases,
  register,
  scanCases,
  storeCases,
  storeKit,
  subjectIndexCases,
  type TestFunction,
  twoHandleCases,
} from '@sess/testkit'
import { migrate, type SqliteDatabase, sqliteStore } from '../../src/index.ts'

/** How many tests {@link conform} makes. */
export const TESTS: number = [storeCases, twoHandleCases, pruneCases, scanCases, subjectIndexCases].flat().length + 1

/** The promises on a file opened by a driver, under that runtime's own test runner. */
export function conform<Database extends SqliteDatabase & { close(): unknown }>(
  it: TestFunction,
  open: (file: string) => Database,
): void {
  // In the working folder, which drivers.test.ts removes.
  const file = join(mkdtempSync('database-'), 'sessions.db')
  const [database, second] = [open(file), open(file)]
  migrate(database)
  // Nothing here is about power failures.
  for (const each of [database, second]) each.exec('PRAGMA synchronous = OFF')
  const openStore = () => sqliteStore(database)
  const kit = storeKit(openStore, undefined, () => sqliteStore(second))
  for (const cases of [storeCases, twoHandleCases]) register(cases, kit, { it })
  register(pruneCases, kit, { it })
  register(scanCases, kit, { it })
  register(subjectIndexCases, kit, { it })

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
