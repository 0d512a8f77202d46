import { it } from 'node:test'
import Database from 'better-sqlite3'
import { conform } from './conform.ts'

conform(it, (file) => new Database(file, { timeout: 0 }))
