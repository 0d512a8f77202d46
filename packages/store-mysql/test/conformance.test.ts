import { register, storeCases, storeKit } from '@sess/testkit'
import mysql from 'mysql2/promise'
import { beforeAll, describe, it } from 'vitest'
import { migrate, mysqlStore } from '../src/index.ts'
import { mariadb, pool } from './open.ts'

const table = 'conformance'
const level = (name: string) => `SET SESSION TRANSACTION ISOLATION LEVEL ${name}`

describe.skipIf(mariadb.missing)('the store promises [needs mariadb]', () => {
  beforeAll(() => migrate(pool(), { table }))

  describe.each([
    ['REPEATABLE READ', {}, level('REPEATABLE READ')],
    ['READ COMMITTED', {}, level('READ COMMITTED')],
    ['SERIALIZABLE', {}, level('SERIALIZABLE')],
    ['snapshot isolation', {}, 'SET SESSION innodb_snapshot_isolation = ON'],
    ['no strict mode', {}, "SET SESSION sql_mode = ''"],
    ['counting changed rows only', { flags: ['-FOUND_ROWS'] }, 'DO 0'],
    [
      'big numbers as text, rows as arrays',
      { supportBigNumbers: true, bigNumberStrings: true, rowsAsArray: true },
      'DO 0',
    ],
    ['latin1', { charset: 'LATIN1_SWEDISH_CI' }, 'DO 0'],
  ])('on a pool, %s', (_, options, setup) => {
    const client = pool(options, setup)
    register(
      storeCases,
      storeKit(() => mysqlStore(client, { table })),
      { it },
    )
  })

  describe('on a single connection', () => {
    let client: mysql.Connection
    beforeAll(async () => {
      client = await mysql.createConnection(mariadb.url)
      return () => client.end()
    })
    register(
      storeCases,
      storeKit(() => mysqlStore(client, { table })),
      { it },
    )
  })
})
