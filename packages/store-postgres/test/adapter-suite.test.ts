import { adapterCases, register } from '@sess/testkit'
import { beforeAll, describe, it } from 'vitest'
import { subject } from '../../express/test/subject.ts'
import { migrate, postgresStore } from '../src/index.ts'
import { pool, postgres } from './open.ts'

const table = 'adapter_suite'

describe.skipIf(postgres.missing)('the adapter promises, on Express, on PostgreSQL [needs postgres]', () => {
  const client = pool()
  beforeAll(() => migrate(client, { table }))

  const onStore = { ...subject(), store: () => postgresStore(client, { table }) }

  register(adapterCases, () => onStore, { it: it.concurrent })
})
