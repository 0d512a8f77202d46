import { register, storeCases, storeKit } from '@sess/testkit'
import { afterAll, describe, it } from 'vitest'
import { migrate, sqliteStore } from '../src/index.ts'
import { openFile } from './open.ts'

describe('the store promises, libsql', () => {
  const file = openFile()
  afterAll(() => file.remove())
  const database = file.connect()
  migrate(database)
  register(
    storeCases,
    storeKit(() => sqliteStore(database)),
    { it },
  )
})
