import type { ReadOptions } from '@sess/core'

/** One statement with its parameters, to be prepared. */
export interface MysqlQuery {
  readonly sql: string
  readonly values: (string | number | Uint8Array | null)[]
  /** Rows are objects, whatever the pool is set to. */
  readonly rowsAsArray: false
}

/** What the store needs of a connection, in autocommit: a pool or connection of `mysql2/promise`, or anything that executes alike. */
export interface MysqlClient {
  execute(query: MysqlQuery): PromiseLike<readonly [result: unknown, ...rest: unknown[]]>
}

/**
 * The statement was undone because of another transaction: ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, and ER_CHECKREAD of
 * MariaDB's `innodb_snapshot_isolation`.
 */
const TRANSIENT = new Set([1205, 1213, 1020])
const ATTEMPTS = 8

/** The result of one statement, which is its own transaction. Run again, at most seven times in 0.3 s, if another one undid it. */
export async function query<Result>(
  client: MysqlClient,
  sql: string,
  values: MysqlQuery['values'],
  options?: ReadOptions,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    options?.signal?.throwIfAborted()
    try {
      const [result] = await client.execute({ sql, values, rowsAsArray: false })
      // The caller knows what its statement answers: rows of its columns, or a count.
      return result as Result
    } catch (error) {
      if (attempt === ATTEMPTS || !TRANSIENT.has(errno(error))) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** attempt))
  }
}

/** The number of a server error; 0 if it is something else. */
export function errno(error: unknown): number {
  return (error as { errno?: number } | null)?.errno ?? 0
}
