import type { AddressInfo } from 'node:net'
import type { SessionStore } from '@sess/core'
import * as postgresStore from '@sess/store-postgres'
import { redisStore } from '@sess/store-redis'
import * as sqliteStore from '@sess/store-sqlite'
import Database from 'libsql'
import pg from 'pg'
import { createClient } from 'redis'
import { createSocketServer } from '../src/server.ts'

/** How a process reaches each kind of store; `address` is a url, or the path of a file. */
const connect: Readonly<Record<string, (address: string) => SessionStore | Promise<SessionStore>>> = {
  // Tells nothing, so it is read now and then.
  SQLite: (path) => {
    const database = new Database(path, { timeout: 1000 })
    sqliteStore.migrate(database)
    return sqliteStore.sqliteStore(database)
  },
  Redis: async (url) => {
    const client = await createClient({ url }).connect()
    return redisStore(client, { endings: { client: await client.duplicate().connect() } })
  },
  PostgreSQL: async (url) => {
    const pool = new pg.Pool({ connectionString: url, max: 4 })
    await postgresStore.migrate(pool, { table: 'sockets' })
    const client = new pg.Client(url)
    await client.connect()
    return postgresStore.postgresStore(pool, { table: 'sockets', endings: { client } })
  },
}

const [kind = '', address = '', key = ''] = process.argv.slice(2)
const store = (await connect[kind]?.(address)) as SessionStore // the test knows the kinds
const server = createSocketServer({ store, keys: [key] })
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit())
