import { type MysqlClient, query } from './query.ts'

/**
 * What `work` answers, done by one at a time under this name in all processes; undefined if others were at it for all of `waitS`
 * seconds. Locks belong to connections: of a pool it takes one, and any other client does one such work after the other.
 */
export async function alone<Result>(
  client: MysqlClient,
  name: string,
  waitS: number,
  work: (client: MysqlClient) => Promise<Result>,
): Promise<Result | undefined> {
  if (client.getConnection === undefined) return inTurn(client, () => locked(client, name, waitS, work))
  const connection = await client.getConnection()
  try {
    return await locked(connection, name, waitS, work)
  } finally {
    connection.release()
  }
}

async function locked<Result>(
  connection: MysqlClient,
  name: string,
  waitS: number,
  work: (client: MysqlClient) => Promise<Result>,
): Promise<Result | undefined> {
  // Whoever is gone without a word, or stands still, loses the connection after 5 s, and the lock with it.
  await query(connection, 'SET @sess_timeout = @@SESSION.wait_timeout, SESSION wait_timeout = 5', [])
  try {
    // Names have at most 64 characters.
    const [row] = await query<{ free: unknown }[]>(connection, 'SELECT GET_LOCK(MD5(?), ?) AS free', [name, waitS])
    return Number(row?.free) === 1 ? await work(connection) : undefined
  } finally {
    // Whoever has not got it does not release it by this.
    await query(connection, 'DO RELEASE_LOCK(MD5(?))', [name])
    await query(connection, 'SET SESSION wait_timeout = @sess_timeout', [])
  }
}

const turns = new WeakMap<MysqlClient, Promise<unknown>>()

/** One after the other: to the server, all that one connection asks for comes from the same owner of a lock. */
function inTurn<Result>(client: MysqlClient, work: () => Promise<Result>): Promise<Result> {
  const turn = (turns.get(client) ?? Promise.resolve()).then(work, work)
  turns.set(client, turn)
  return turn
}
