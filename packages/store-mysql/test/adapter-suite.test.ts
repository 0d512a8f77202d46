import { adapterCases, register } from '@sess/testkit'
import { beforeAll, describe, it, vi } from 'vitest'
import { subject } from '../../node/test/subject.ts'
import { migrate, mysqlStore } from '../src/index.ts'
import { mariadb, pool } from './open.ts'

const table = 'adapter_suite'

describe.skipIf(mariadb.missing)('the adapter promises, on node:http, on MariaDB [needs mariadb]', () => {
  const client = pool()
  beforeAll(() => migrate(client, { table }))

  const onStore = { ...subject, store: () => mysqlStore(client, { table }) }

  // The default error handler reports what it answers with 500 and above.
  vi.spyOn(console, 'error').mockReturnValue()
  register(adapterCases, () => onStore, { it: it.concurrent })
})
