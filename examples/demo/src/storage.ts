import path from 'node:path'
import { autoPrune, memoryStore, type Prunable, type SessionStore } from '@sess/core'
import { start } from '@sess/services/start'
import * as mysqlStore from '@sess/store-mysql'
import * as postgresStore from '@sess/store-postgres'
import { redisStore } from '@sess/store-redis'
import * as sqliteStore from '@sess/store-sqlite'
import { ownFolder, ownKey } from './own-folder.ts'

/** Where the demo keeps its sessions. */
export interface Storage {
  readonly store: SessionStore
  /** What tokens are signed with; none: a key that dies with the process. */
  readonly keys: readonly string[]
  /** For the page: what it is, and what a restart does. */
  readonly summary: string
  close(): Promise<void>
}

export const STORES = ['memory', 'sqlite', 'redis', 'postgres', 'mysql'] as const
export type StoreName = (typeof STORES)[number]

export interface StorageOptions {
  /** Address of a running server; default: the environment's, or one started for the demo. */
  readonly url?: string | undefined
  /** Folder for keys and the SQLite file; default: one of this user below the system's temporary folder. */
  readonly data?: string | undefined
}

/** What a store needs besides its records: how to end the connection. */
interface Connected {
  readonly store: SessionStore & Partial<Prunable>
  close(): unknown
}

interface ServerKind {
  readonly service: 'redis' | 'postgres' | 'mariadb'
  readonly variable: string
  readonly example: string
  connect(url: string): Promise<Connected>
}

const TABLE = { table: 'sess_demo' }

const SERVERS: Readonly<Record<'redis' | 'postgres' | 'mysql', ServerKind>> = {
  redis: { service: 'redis', variable: 'REDIS_URL', example: 'redis://127.0.0.1:6379', connect: connectRedis },
  postgres: {
    service: 'postgres',
    variable: 'POSTGRES_URL',
    example: 'postgres://user@127.0.0.1/database',
    connect: connectPostgres,
  },
  mysql: {
    service: 'mariadb',
    variable: 'MYSQL_URL',
    example: 'mysql://user@127.0.0.1/database',
    connect: connectMysql,
  },
}

/** Sessions of this process, which a restart ends. */
export function memoryStorage(): Storage {
  const store = memoryStore({ max: 10_000 })
  return { store, keys: [], summary: 'Memory store: a restart signs everybody out.', close: async () => {} }
}

/** Opens what `--store` names, and what it needs. Rejects with a message for the one who typed it. */
export async function openStorage(name: StoreName, options: StorageOptions = {}): Promise<Storage> {
  if (name === 'memory') return memoryStorage()
  const folder = ownFolder(options.data)
  const keys = [ownKey(path.join(folder, 'key'))]
  if (name === 'sqlite') {
    const file = path.join(folder, 'sessions.db')
    return { ...pruned(await connectSqlite(file)), keys, summary: `SQLite in ${file}: a restart signs nobody out.` }
  }
  const { variable, connect } = SERVERS[name]
  const url = options.url ?? process.env[variable]
  const server = url === undefined ? await startServer(name) : null
  try {
    const { store, close } = pruned(await connect(url ?? server?.url ?? ''))
    const fate = server === null ? 'signs nobody out' : 'ends that server and its sessions'
    const summary = `${name}, ${server === null ? 'on your server' : 'on a server of its own'}: a restart ${fate}.`
    const closeAll = async (): Promise<void> => {
      await close()
      await server?.stop()
    }
    return { store, keys, summary, close: closeAll }
  } catch (error) {
    await server?.stop()
    // Not the address: it may hold a password.
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(`--store ${name}: the server cannot be used: ${message || code}`, { cause: error })
  }
}

/** Removes what has expired now and then, where the store does not do so by itself. */
function pruned({ store, close }: Connected) {
  const { prune } = store
  if (prune === undefined) return { store, close: async () => void (await close()) }
  const stop = autoPrune(store as SessionStore & Prunable, { every: '10m', batch: 100 }) // it has prune()
  const stopAndClose = async (): Promise<void> => {
    await stop()
    await close()
  }
  return { store, close: stopAndClose }
}

async function startServer(name: 'redis' | 'postgres' | 'mysql') {
  const { service, variable, example } = SERVERS[name]
  try {
    return await start(service)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(
      `--store ${name} needs a server, and none could be started: ${why}\n` +
        `With one that runs: npm run demo -- --store ${name} --url ${example} (or set ${variable})`,
      { cause: error },
    )
  }
}

async function connectRedis(url: string): Promise<Connected> {
  const { createClient } = await import('redis')
  let connected = false
  const socket = { connectTimeout: 3000, reconnectStrategy: () => (connected ? 500 : false) } as const
  const client = createClient({ url, socket }).on('error', (error) => connected && console.error(String(error)))
  await client.connect()
  connected = true
  return { store: redisStore(client, { prefix: 'sess-demo:' }), close: () => client.destroy() }
}

async function connectPostgres(url: string): Promise<Connected> {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 3000 })
  pool.on('error', (error) => console.error(String(error)))
  await postgresStore.migrate(pool, TABLE)
  return { store: postgresStore.postgresStore(pool, TABLE), close: () => pool.end() }
}

async function connectMysql(url: string): Promise<Connected> {
  const { createPool } = await import('mysql2/promise')
  const pool = createPool({ uri: url, connectTimeout: 3000 })
  await mysqlStore.migrate(pool, TABLE)
  return { store: mysqlStore.mysqlStore(pool, TABLE), close: () => pool.end() }
}

async function connectSqlite(file: string) {
  const database = await openDatabase(file)
  sqliteStore.migrate(database)
  return { store: sqliteStore.sqliteStore(database), close: async () => void database.close() }
}

type Database = sqliteStore.SqliteDatabase & { close(): unknown }

/** The driver that Node brings, from 22.13 on; before that libsql. */
async function openDatabase(file: string): Promise<Database> {
  // The types are those of Node 20, which has no node:sqlite.
  const builtin = process.getBuiltinModule?.('node:sqlite') as
    | { DatabaseSync: new (file: string) => Database }
    | undefined
  if (builtin !== undefined) return new builtin.DatabaseSync(file)
  const driver = await import('libsql').catch((cause: unknown) => {
    const needed = 'Node 22.13 or later, which has node:sqlite, or the package libsql'
    throw new Error(`--store sqlite needs ${needed}; this is Node ${process.versions.node} and libsql does not load.`, {
      cause,
    })
  })
  return new driver.default(file)
}
