import { pruneCases, register, scanCases, storeCases, storeKit, subjectIndexCases, twoHandleCases } from '@sess/testkit'
import mysql from 'mysql2/promise'
import { beforeAll, describe, it } from 'vitest'
import { migrate, mysqlStore } from '../src/index.ts'
import { mariadb, pool } from './open.ts'

const level = (name: string) => `SET SESSION TRANSACTION ISOLATION LEVEL ${name}`

describe.skipIf(mariadb.missing)('the store promises [needs mariadb]', () => {
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
  ])('on pools, %s', (name, options, setup) => {
    const table = `conformance ${name}`
    const [client, second] = [pool(options, setup), pool(options, setup)]
    beforeAll(() => migrate(client, { table }))
    const open = storeKit(
      () => mysqlStore(client, { table }),
      undefined,
      () => mysqlStore(second, { table }),
    )
    for (const cases of [storeCases, twoHandleCases]) register(cases, open, { it })
    register(pruneCases, open, { it })
    register(scanCases, open, { it })
    register(subjectIndexCases, open, { it })
  })

  describe('on single connections', () => {
    const table = 'conformance single'
    let connections: [mysql.Connection, mysql.Connection]
    beforeAll(async () => {
      connections = [await mysql.createConnection(mariadb.url), await mysql.createConnection(mariadb.url)]
      await migrate(connections[0], { table })
      return () => Promise.all(connections.map((connection) => connection.end()))
    })
    const open = storeKit(
      () => mysqlStore(connections[0], { table }),
      undefined,
      () => mysqlStore(connections[1], { table }),
    )
    for (const cases of [storeCases, twoHandleCases]) register(cases, open, { it })
    register(pruneCases, open, { it })
    register(subjectIndexCases, open, { it })
  })
})
