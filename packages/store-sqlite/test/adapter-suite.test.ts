import { adapterCases, register } from '@sess/testkit'
import { afterAll, describe, it, vi } from 'vitest'
import { subject } from '../../node/test/subject.ts'
import { migrate, sqliteStore } from '../src/index.ts'
import { openFile } from './open.ts'

describe('the adapter promises, on node:http, on libsql', () => {
  const file = openFile()
  afterAll(() => file.remove())
  const database = file.connect()
  migrate(database)

  const onStore = { ...subject, store: () => sqliteStore(database) }

  // The default error handler reports what it answers with 500 and above.
  vi.spyOn(console, 'error').mockReturnValue()
  register(adapterCases, () => onStore, { it: it.concurrent })
})
