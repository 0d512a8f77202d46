import type { ReadOptions } from '@sess/core'

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
const ATTEMPTS = 8

/** The rows of one statement, which is its own transaction. Run again, at most seven times in 0.3 s, if another one undid it. */
export async function query<Row>(
  client: PostgresClient,
  statement: PostgresQuery,
  options?: ReadOptions,
): Promise<Row[]> {
  for (let attempt = 1; ; attempt += 1) {
    options?.signal?.throwIfAborted()
    try {
      // The caller names the type of the columns that its text selects.
      return (await client.query(statement)).rows as Row[]
    } catch (error) {
      if (attempt === ATTEMPTS || !TRANSIENT.has((error as { code?: string } | null)?.code ?? '')) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** attempt))
  }
}
