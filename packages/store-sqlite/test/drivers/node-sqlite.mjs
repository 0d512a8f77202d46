import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import { conform } from './conform.ts'

conform(it, (file) => new DatabaseSync(file))
