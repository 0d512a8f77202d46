import { Database } from 'bun:sqlite'
import { it } from 'bun:test'
import { conform } from './conform.ts'

conform(it, (file) => new Database(file))
