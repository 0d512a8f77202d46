import { pruneCases, register, scanCases, storeCases, storeKit, subjectIndexCases, twoHandleCases } from '@sess/testkit'
import { afterAll, describe, it } from 'vitest'
import { migrate, sqliteStore } from '../src/index.ts'
import { openFile } from './open.ts'

describe('the store promises, libsql', () => {
  const file = openFile()
  afterAll(() => file.remove())
  const [database, second] = [file.connect(), file.connect()]
  migrate(database)
  const open = storeKit(
    () => sqliteStore(database),
    undefined,
    () => sqliteStore(second),
  )
  for (const cases of [storeCases, twoHandleCases]) register(cases, open, { it })
  register(pruneCases, open, { it })
  register(scanCases, open, { it })
  register(subjectIndexCases, open, { it })
})
