import { randomUUID } from 'node:crypto'
import { service } from '@sess/services'
import { type StoreSubject, storeKit } from '@sess/testkit'
import mysql from 'mysql2/promise'
import { afterAll } from 'vitest'
import { type MysqlStore, type MysqlStoreOptions, migrate, mysqlStore } from '../src/index.ts'

export const mariadb: { readonly missing: string; readonly url: string } = service('mariadb')

/** A pool that ends with the test file; each of its connections first runs `setup`. */
export function pool(options: mysql.PoolOptions = {}, setup?: string): mysql.Pool {
  const opened = mysql.createPool({ uri: mariadb.url || 'mysql://127.0.0.1:1', connectionLimit: 8, ...options })
  if (setup !== undefined) opened.pool.on('connection', (connection) => connection.query(setup))
  afterAll(() => opened.end())
  return opened
}

export interface Fresh extends StoreSubject<MysqlStore> {
  readonly table: string
}

/** A store on a new table, with the makers of records of the testkit. */
export async function fresh(client: mysql.Pool, options: MysqlStoreOptions = {}): Promise<Fresh> {
  const table = `t_${randomUUID()}`
  await migrate(client, { table, ...options })
  const store = mysqlStore(client, { table, ...options })
  return { table, ...(await storeKit(() => store)()) }
}
