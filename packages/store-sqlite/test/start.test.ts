import { expect, test } from 'vitest'
import { migrate, type SqliteDatabase } from '../src/index.ts'
import { openFile } from './open.ts'

test('migrate() tries again when another process switches to WAL at the same time', () => {
  const file = openFile()
  const real: SqliteDatabase = file.connect()
  let switches = 0
  const busy: SqliteDatabase = {
    prepare: (sql) => real.prepare(sql),
    exec: (sql) => {
      if (sql.startsWith('PRAGMA journal_mode')) switches += 1
      if (switches === 1) throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' })
      return real.exec(sql)
    },
  }
  migrate(busy)
  expect(switches).toBe(2)
  file.remove()
})
