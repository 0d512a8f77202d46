import { startMariadb } from './mariadb.ts'
import { startNginx } from './nginx.ts'
import { startPostgres } from './postgres.ts'
import { startRedis, startRedisCluster, startRedisPair } from './redis.ts'
import type { Running } from './sandbox.ts'

interface Addresses {
  readonly redis: { readonly url: string }
  readonly 'redis-pair': { readonly url: string; readonly replica: string }
  readonly 'redis-cluster': { readonly nodes: readonly string[] }
  readonly postgres: { readonly url: string }
  readonly mariadb: { readonly url: string }
  readonly nginx: { readonly url: string }
}

/** What can be started. */
export type Kind = keyof Addresses

/** How to reach a server, and its processes (of a pair or cluster in the order of its nodes). */
export type Address<K extends Kind> = Addresses[K] & { readonly pids: readonly number[] }

const starters: { readonly [K in Kind]: () => Promise<Running<Addresses[K]>> } = {
  redis: startRedis,
  'redis-pair': startRedisPair,
  'redis-cluster': startRedisCluster,
  postgres: startPostgres,
  mariadb: startMariadb,
  nginx: startNginx,
}

/** A running server of one's own. */
export type Server<K extends Kind> = Address<K> & {
  readonly stop: () => Promise<void>
  /** Ends one of its processes (default the first) with a signal, `SIGKILL` by default; resolves when it is gone. */
  readonly kill: (index?: number, signal?: NodeJS.Signals) => Promise<void>
  /** Starts what was killed again, at the same address, with `more` arguments. Resolves before it answers. */
  readonly revive: (index?: number, more?: readonly string[]) => void
}

/**
 * Starts a server on a free loopback port in a temporary folder, installing it where that is possible. It ends with
 * `stop()`, and also when this process does, in whatever way.
 *
 * @throws MissingError when the server is not here and cannot be installed
 */
export async function start<K extends Kind>(kind: K): Promise<Server<K>> {
  const { sandbox, address } = await starters[kind]()
  const controls = {
    get pids() {
      return sandbox.pids
    },
    stop: () => sandbox.stop(),
    kill: (index = 0, signal: NodeJS.Signals = 'SIGKILL') => sandbox.kill(index, signal),
    revive: (index = 0, more: readonly string[] = []) => sandbox.revive(index, more),
  }
  return Object.assign(controls, address)
}

export { MissingError } from './programs.ts'
