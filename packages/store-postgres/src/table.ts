import { ConfigError } from '@sess/core'
import { admission } from './admission.ts'
import { type PostgresClient, query } from './query.ts'

/** Where the sessions are kept. */
export interface PostgresTable {
  /** Name of the table, 1 to 50 bytes, taken literally. Default `sess_sessions`. */
  readonly table?: string
  /** Schema of the table, which must exist. Default: the first one of the connection's `search_path`. */
  readonly schema?: string
}

/** An identifier is cut off after 63 bytes, and the longest suffix of an index takes 13. */
const MAX_BYTES = 50

/** The quoted name of the table, or of what belongs to it, with the schema if one was given. */
export function quoted({ table = 'sess_sessions', schema }: PostgresTable, suffix = ''): string {
  const parts = schema === undefined ? [table] : [schema, table]
  for (const part of parts) {
    const bytes = new TextEncoder().encode(part).length
    if (bytes === 0 || bytes > MAX_BYTES || part.includes('\0')) {
      throw new ConfigError(`postgresStore: \`table\` and \`schema\` must have 1 to ${MAX_BYTES} bytes, and no NUL.`)
    }
  }
  return [...parts.slice(0, -1), `${table}${suffix}`].map(quote).join('.')
}

/**
 * Creates the table, its indexes and the procedure of its admissions, like `schema.sql` of this package, and adds what a table
 * of an earlier version lacks. Safe to call at every start, from many processes at once; needs the right to create tables.
 *
 * @throws ConfigError for an unusable name, and what the client throws
 */
export async function migrate(client: PostgresClient, options: PostgresTable = {}): Promise<void> {
  // One statement is one transaction, so the lock (an arbitrary number) is held until the table is there for all.
  const lock = 'PERFORM pg_advisory_xact_lock(7340032501)'
  const body = `BEGIN ${[lock, ...statements(options)].join('; ')}; END`
  await query(client, { text: `DO ${literal(body)}`, values: [] })
}

function statements(options: PostgresTable): string[] {
  const name = quoted(options)
  const index = (suffix: string) => quote(`${options.table ?? 'sess_sessions'}_${suffix}`)
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (
  id text COLLATE "C" PRIMARY KEY,
  revision text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  subject text COLLATE "C",
  created_at bigint NOT NULL,
  absolute_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  data text NOT NULL,
  rest text NOT NULL,
  evicted boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80)`,
    // Asked first: ALTER TABLE would wait for everybody who uses the table, and keep out those who come after.
    `IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(${literal(name)}) AND attname = 'evicted') THEN
  ALTER TABLE ${name} ADD COLUMN evicted boolean NOT NULL DEFAULT false;
  DROP INDEX IF EXISTS ${quoted(options, '_subject')};
END IF`,
    `CREATE INDEX IF NOT EXISTS ${index('subject_id')} ON ${name} (subject, id) WHERE subject IS NOT NULL`,
    `CREATE INDEX IF NOT EXISTS ${index('absolute_at')} ON ${name} (absolute_at)`,
    `CREATE OR REPLACE PROCEDURE ${quoted(options, '_admit')}(asked jsonb, INOUT answer text) LANGUAGE plpgsql AS ${literal(admission(name))}`,
  ]
}

/** A name as it stands in a statement. */
export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

/** A text as it stands in a statement. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
