import type { EventEmitter } from 'node:events'
import type { SessionStore } from '@sess/core'
import { type Kind, type Server, start } from '@sess/services/start'
import { migrate as migrateMysql, mysqlStore } from '@sess/store-mysql'
import { migrate as migratePostgres, postgresStore } from '@sess/store-postgres'
import { redisStore } from '@sess/store-redis'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { standalone } from './redis-clients.ts'

/** A server that can be frozen, and a store on it. */
export interface Hanging {
  readonly store: SessionStore
  freeze(): void
  thaw(): void
  /** Resolves when everything that was sent meanwhile is answered. */
  drained(): Promise<void>
  /** Listeners of the client, connections, and what waits in it. */
  resources(): Readonly<Record<string, number>>
  close(): Promise<void>
}

interface HangingServer {
  readonly name: string
  readonly kind: 'redis' | 'postgres' | 'mariadb'
  open(): Promise<Hanging>
}

/** Every client of every server, each with a server of its own. */
export const servers: readonly HangingServer[] = [
  { name: 'Redis, client redis', kind: 'redis', open: () => redis('redis') },
  { name: 'Redis, client ioredis', kind: 'redis', open: () => redis('ioredis') },
  { name: 'PostgreSQL', kind: 'postgres', open: postgres },
  { name: 'MariaDB', kind: 'mariadb', open: mariadb },
]

async function redis(name: keyof typeof standalone): Promise<Hanging> {
  const server = await start('redis')
  const { client, close } = await standalone[name](server.url)
  const store = redisStore(client)
  return {
    store,
    ...frozen(server, server.pids),
    // Commands are answered in the order they were sent.
    drained: async () => void (await store.get('nobody')),
    resources: () => ({ listeners: listeners(client) }),
    close: () => Promise.resolve(close()).then(() => server.stop()),
  }
}

async function postgres(): Promise<Hanging> {
  const server = await start('postgres')
  const pool = new pg.Pool({ connectionString: server.url, max: 4, idleTimeoutMillis: 0 })
  await migratePostgres(pool)
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid, pg_sleep(0.05)')),
  )
  const backends = answers.flatMap(({ rows }) => rows.map(({ pid }) => pid))
  return {
    store: postgresStore(pool),
    ...frozen(server, [...server.pids, ...backends]),
    drained: async () => {
      await pool.query('SELECT 1')
      while (pool.waitingCount > 0 || pool.idleCount < pool.totalCount) await pool.query('SELECT 1')
    },
    resources: () => ({ listeners: listeners(pool), connections: pool.totalCount, waiting: pool.waitingCount }),
    close: () => pool.end().then(() => server.stop()),
  }
}

async function mariadb(): Promise<Hanging> {
  const server = await start('mariadb')
  const pool = mysql.createPool({ uri: server.url, connectionLimit: 4 })
  await migrateMysql(pool)
  let connections = 0
  pool.on('connection', () => {
    connections += 1
  })
  return {
    store: mysqlStore(pool),
    ...frozen(server, server.pids),
    drained: async () => void (await Promise.all(Array.from({ length: 4 }, () => pool.query('DO SLEEP(0.05)')))),
    resources: () => ({ listeners: listeners(pool), connections }),
    close: () => pool.end().then(() => server.stop()),
  }
}

function frozen({ pids }: Server<Kind>, all: readonly number[]): Pick<Hanging, 'freeze' | 'thaw'> {
  const signal = (name: NodeJS.Signals) => {
    if (pids.length === 0) throw new Error('the server is gone')
    for (const pid of all) process.kill(pid, name)
  }
  return { freeze: () => signal('SIGSTOP'), thaw: () => signal('SIGCONT') }
}

function listeners(emitter: Pick<EventEmitter, 'eventNames' | 'listenerCount'>): number {
  return emitter.eventNames().reduce((sum, event) => sum + emitter.listenerCount(event), 0)
}
