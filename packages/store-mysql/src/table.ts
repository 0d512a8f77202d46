import { ConfigError } from '@sess/core'
import { errno, type MysqlClient, query } from './query.ts'

/** Where the sessions are kept. */
export interface MysqlTable {
  /** Name of the table, 1 to 64 characters, taken literally. Default `sess_sessions`. */
  readonly table?: string
  /** Database of the table, which must exist. Default: the one of the connection. */
  readonly database?: string
}

/** The quoted name of the table, with its database if one was given. */
export function quoted({ table = 'sess_sessions', database }: MysqlTable): string {
  const parts = database === undefined ? [table] : [database, table]
  // What MySQL allows in a quoted identifier: the Basic Multilingual Plane, no NUL, no space at the end.
  if (!parts.every((part) => /^[^\0\uD800-\uDFFF]{1,64}$/.test(part) && !part.endsWith(' '))) {
    throw new ConfigError('mysqlStore: `table` and `database` must be identifiers of 1 to 64 characters.')
  }
  return parts.map((part) => `\`${part.replaceAll('`', '``')}\``).join('.')
}

const ER_DUP_FIELDNAME = 1060

/**
 * Creates the table if it is not there yet, like `schema.sql` of this package, and adds what one of an earlier version lacks.
 * Safe to call at every start, from many processes at once; needs the right to create and alter tables.
 *
 * @throws ConfigError for an unusable name, and what the client throws
 */
export async function migrate(client: MysqlClient, options: MysqlTable = {}): Promise<void> {
  const name = quoted(options)
  // Bytes everywhere: they are compared exactly, case, accents and trailing spaces included, whatever the collation.
  // Rows lie in the order of their creation, so that live ones are together and `prune` removes neighbours.
  const table = `CREATE TABLE IF NOT EXISTS ${name} (
  seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id VARBINARY(255) NOT NULL,
  revision VARBINARY(255) NOT NULL,
  state VARBINARY(16) NOT NULL,
  subject LONGBLOB,
  created_at BIGINT NOT NULL,
  absolute_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  data LONGBLOB NOT NULL,
  rest LONGBLOB NOT NULL,
  evicted BOOLEAN NOT NULL DEFAULT FALSE,
  UNIQUE KEY id (id),
  KEY subject (subject(191), seq),
  KEY absolute_at (absolute_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`
  await query(client, table, [])
  const [column] = await query<unknown[]>(client, `SHOW COLUMNS FROM ${name} LIKE 'evicted'`, [])
  if (column !== undefined) return
  const added = `ADD COLUMN evicted BOOLEAN NOT NULL DEFAULT FALSE, DROP KEY subject, ADD KEY subject (subject(191), seq)`
  await query(client, `ALTER TABLE ${name} ${added}`, []).catch((error: unknown) => {
    // Another process was faster.
    if (errno(error) !== ER_DUP_FIELDNAME) throw error
  })
}
