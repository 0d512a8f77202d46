import type { ReadOptions } from '@sess/core'
import { retry } from '@sess/core/store'

/** What the store binds. */
export type Bound = string | number | Uint8Array | null

/** One statement with its parameters, to be prepared. */
export interface MysqlQuery {
  readonly sql: string
  readonly values: Bound[]
  /** Rows are objects, whatever the pool is set to. */
  readonly rowsAsArray: false
}

/** What the store needs of a connection, in autocommit: a pool or connection of `mysql2/promise`, or anything that executes alike. */
export interface MysqlClient {
  execute(query: MysqlQuery): PromiseLike<readonly [result: unknown, ...rest: unknown[]]>
  /** Of pools: a connection of its own for as long as it is needed. */
  getConnection?(): PromiseLike<MysqlClient & { release(): void }>
}

/**
 * The statement was undone because of another transaction: ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, and ER_CHECKREAD of
 * MariaDB's `innodb_snapshot_isolation`.
 */
const TRANSIENT = new Set([1205, 1213, 1020])

/** The result of one statement, which is its own transaction. Run again, at most seven times in 0.3 s, if another one undid it. */
export async function query<Result>(
  client: MysqlClient,
  sql: string,
  values: Bound[],
  options?: ReadOptions,
): Promise<Result> {
  const run = () => client.execute({ sql, values, rowsAsArray: false })
  const [result] = await retry(run, (error) => TRANSIENT.has(errno(error)), options)
  // The caller knows what its statement answers: rows of its columns, or a count.
  return result as Result
}

/** The number of a server error; 0 if it is something else. */
export function errno(error: unknown): number {
  return (error as { errno?: number } | null)?.errno ?? 0
}
