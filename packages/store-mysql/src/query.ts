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
  /** Of pools: a connection of its own for as long as it is needed. */
  getConnection?(): PromiseLike<MysqlClient & { release(): void }>
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

/**
 * What `work` answers, or undefined if another one is at it under this name. Locks belong to connections, so it takes a
 * pool; anything else is taken to be the only one.
 */
export async function alone<Result>(
  client: MysqlClient,
  name: string,
  work: (client: MysqlClient) => Promise<Result>,
): Promise<Result | undefined> {
  if (client.getConnection === undefined) return work(client)
  const connection = await client.getConnection()
  try {
    // Names have at most 64 characters.
    const [row] = await query<{ free: unknown }[]>(connection, 'SELECT GET_LOCK(MD5(?), 0) AS free', [name])
    if (Number(row?.free) !== 1) return undefined
    try {
      return await work(connection)
    } finally {
      await query(connection, 'DO RELEASE_LOCK(MD5(?))', [name])
    }
  } finally {
    connection.release()
  }
}
