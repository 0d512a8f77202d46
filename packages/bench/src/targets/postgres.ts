import { start } from '@sess/services/start'
import { migrate, type PostgresClient, postgresStore } from '@sess/store-postgres'
import pg from 'pg'
import { createAll, type Database, gather, type Target } from './target.ts'

/** Each target is a table. */
export async function postgresDatabase(): Promise<Database> {
  const server = await start('postgres')
  const pool = new pg.Pool({ connectionString: server.url, max: 4 })
  pool.on('error', () => {})
  const show = async (name: string) => (await pool.query(`SELECT current_setting($1) AS value`, [name])).rows[0].value
  return {
    versions: `PostgreSQL ${String(await show('server_version')).split(' ')[0]}, pg 8`,
    settings: `fsync ${await show('fsync')}, shared_buffers ${await show('shared_buffers')}`,
    filling: 'the rows of 500 create() as one INSERT, then VACUUM (ANALYZE)',
    async open(table) {
      await migrate(pool, { table })
      return target(pool, table)
    },
    async stop() {
      await pool.end()
      await server.stop()
    },
  }
}

function target(pool: pg.Pool, table: string): Target {
  const one = async (sql: string) => (await pool.query(sql)).rows[0]
  return {
    store: postgresStore(pool, { table }),
    fill: (records) => createAll(postgresStore(bulk(pool, table), { table }), records),
    settle: async () => void (await pool.query(`VACUUM (ANALYZE) "${table}"`)),
    count: async () => Number((await one(`SELECT count(*) FROM "${table}"`)).count),
    async bytes() {
      const sizes = await one(
        `SELECT pg_total_relation_size('"${table}"') AS total, pg_indexes_size('"${table}"') AS indexes`,
      )
      return { total: Number(sizes.total), indexes: Number(sizes.indexes) }
    },
  }
}

function bulk(pool: pg.Pool, table: string): PostgresClient {
  const insert = gather<unknown>((text, rows) => {
    const places = rows.map((row, at) => `(${row.map((_, column) => `$${at * row.length + column + 1}`)})`)
    // A name, so that it is prepared once per number of rows.
    const many = text.replace(/VALUES \([^)]*\)/, `VALUES ${places}`).replace('RETURNING id', '')
    return pool.query({ name: `fill ${rows.length} ${table}`, text: many, values: rows.flat() })
  })
  return {
    async query({ text, values }) {
      await insert(text, values)
      return { rows: [{}] }
    },
  }
}
