import type { Scannable, SessionStore } from '@sess/core'
import { migrate as migrateMysql, mysqlStore } from '@sess/store-mysql'
import { migrate as migratePostgres, postgresStore } from '@sess/store-postgres'
import { redisStore } from '@sess/store-redis'
import { migrate as migrateSqlite, sqliteStore } from '@sess/store-sqlite'
import Database from 'libsql'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { createClient } from 'redis'

/** A store on a connection of its own, and the function that closes that. */
export interface Connected {
  readonly store: SessionStore & Scannable
  close(): unknown
}

/** How each kind of store is reached; `address` is a url, or the path of a file. Creates what is not there. */
export const connect: Readonly<Record<string, (address: string) => Promise<Connected>>> = {
  Redis: async (url) => {
    const client = await createClient({ url })
      .on('error', () => {})
      .connect()
    return { store: redisStore(client), close: () => client.destroy() }
  },
  PostgreSQL: async (url) => {
    const pool = new pg.Pool({ connectionString: url, max: 4 }).on('error', () => {})
    await migratePostgres(pool, { table: 'faults' })
    return { store: postgresStore(pool, { table: 'faults' }), close: () => pool.end() }
  },
  MariaDB: async (url) => {
    const pool = mysql.createPool({ uri: url, connectionLimit: 4 })
    await migrateMysql(pool, { table: 'faults' })
    return { store: mysqlStore(pool, { table: 'faults' }), close: () => pool.end() }
  },
  SQLite: async (path) => {
    const database = new Database(path, { timeout: 1000 })
    migrateSqlite(database)
    return { store: sqliteStore(database), close: () => database.close() }
  },
}
