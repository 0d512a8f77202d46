import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { service } from '@sess/services'
import { afterAll } from 'vitest'

/** A durable store to try: which, at what address, and why it cannot be had. */
export interface Target {
  readonly name: string
  /** With `[needs …]`, for titles. */
  readonly title: string
  readonly missing: string
  readonly address: string
}

/** All durable stores of the run; SQLite in a file that goes away with the test file. */
export function targets(): readonly Target[] {
  const folder = mkdtempSync(join(tmpdir(), 'sess-faults-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const server = (name: string, kind: 'redis' | 'postgres' | 'mariadb'): Target => {
    const { missing, url } = service(kind)
    return { name, title: `${name} [needs ${kind}]`, missing, address: url }
  }
  return [
    server('Redis', 'redis'),
    server('PostgreSQL', 'postgres'),
    server('MariaDB', 'mariadb'),
    { name: 'SQLite', title: 'SQLite', missing: '', address: join(folder, 'sessions.db') },
  ]
}
