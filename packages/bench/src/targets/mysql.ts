import { start } from '@sess/services/start'
import { type MysqlClient, type MysqlQuery, migrate, mysqlStore } from '@sess/store-mysql'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import { createAll, type Database, gather, type Target } from './target.ts'

type Value = MysqlQuery['values'][number]

/** Each target is a table. */
export async function mysqlDatabase(): Promise<Database> {
  const server = await start('mariadb')
  const pool = mysql.createPool({ uri: server.url, connectionLimit: 4 })
  // The default of 128 MiB would measure the disk.
  await pool.query('SET GLOBAL innodb_buffer_pool_size = 2 * 1024 * 1024 * 1024')
  const [[row]] = await pool.query<RowDataPacket[]>('SELECT VERSION() AS version')
  return {
    versions: `MariaDB ${String(row?.version).split('-')[0]}, mysql2 3`,
    settings: 'innodb_flush_log_at_trx_commit 0, innodb_buffer_pool_size 2 GiB',
    filling: 'the rows of 500 create() as one INSERT, then ANALYZE TABLE',
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

function target(pool: mysql.Pool, table: string): Target {
  const one = async (sql: string) => (await pool.query<RowDataPacket[]>(sql))[0][0]
  return {
    store: mysqlStore(pool, { table }),
    fill: (records) => createAll(mysqlStore(bulk(pool), { table }), records),
    settle: async () => void (await pool.query(`ANALYZE TABLE \`${table}\``)),
    count: async () => Number((await one(`SELECT count(*) AS count FROM \`${table}\``))?.count),
    async bytes() {
      const sizes = await one(
        `SELECT data_length AS data, index_length AS indexes FROM information_schema.tables
          WHERE table_schema = DATABASE() AND table_name = '${table}'`,
      )
      return { total: Number(sizes?.data) + Number(sizes?.indexes), indexes: Number(sizes?.indexes) }
    },
  }
}

function bulk(pool: mysql.Pool): MysqlClient {
  const insert = gather<Value>((sql, rows) => {
    const places = rows.map((row) => `(${row.map(() => '?')})`)
    return pool.execute(sql.replace(/VALUES \([^)]*\)/, `VALUES ${places}`), rows.flat())
  })
  return {
    async execute({ sql, values }) {
      await insert(sql, values)
      return [{ affectedRows: 1 }]
    },
  }
}
