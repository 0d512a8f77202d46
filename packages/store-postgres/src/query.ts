import type { ReadOptions } from '@sess/core'
import { retry } from '@sess/core/store'

/** One statement with its parameters. Under the same `name` (at most 63 bytes) the text is always the same: it may be prepared. */
export interface PostgresQuery {
  readonly name?: string
  readonly text: string
  readonly values: unknown[]
}

/** What the store needs of a connection, in autocommit: a `Pool`, `Client` or `PoolClient` of pg, or anything that queries alike. */
export interface PostgresClient {
  query(query: PostgresQuery): PromiseLike<{ readonly rows: readonly unknown[] }>
}

/** The transaction was undone because of another one: serialization_failure and deadlock_detected. */
const TRANSIENT = new Set(['40001', '40P01'])

/** The rows of one statement, which is its own transaction. Run again, at most seven times in 0.3 s, if another one undid it. */
export async function query<Row>(
  client: PostgresClient,
  statement: PostgresQuery,
  options?: ReadOptions,
): Promise<Row[]> {
  const { rows } = await retry(() => client.query(statement), isTransient, options)
  // The caller names the type of the columns that its text selects.
  return rows as Row[]
}

function isTransient(error: unknown): boolean {
  return TRANSIENT.has((error as { code?: string } | null)?.code ?? '')
}
