import { randomUUID } from 'node:crypto'
import { service } from '@sess/services'
import { type StoreSubject, storeKit } from '@sess/testkit'
import pg from 'pg'
import { afterAll } from 'vitest'
import { migrate, type PostgresStore, type PostgresStoreOptions, postgresStore } from '../src/index.ts'

export const postgres: { readonly missing: string; readonly url: string } = service('postgres')

/** A pool that ends with the test file. */
export function pool(config: pg.PoolConfig = {}): pg.Pool {
  const opened = new pg.Pool({ connectionString: postgres.url, max: 8, ...config })
  afterAll(() => opened.end())
  return opened
}

/** A connection that ends with the test file. */
export async function connect(): Promise<pg.Client> {
  const client = new pg.Client(postgres.url)
  await client.connect()
  afterAll(() => client.end())
  return client
}

export interface Fresh extends StoreSubject<PostgresStore> {
  readonly table: string
}

/** A store on a new table, with the makers of records of the testkit. */
export async function fresh(client: pg.Pool, options: PostgresStoreOptions = {}): Promise<Fresh> {
  const table = `t_${randomUUID()}`
  await migrate(client, { table, ...options })
  const store = postgresStore(client, { table, ...options })
  return { table, ...(await storeKit(() => store)()) }
}
