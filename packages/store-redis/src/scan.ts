import type { RedisClient } from './client.ts'

/** What finds the servers behind a client of a Cluster: `createCluster()` of `redis`, `new Cluster()` of ioredis. */
interface ClusterParts {
  readonly masters?: readonly object[]
  nodeClient?(master: object): RedisClient | Promise<RedisClient>
  nodes?(role: 'master'): RedisClient[]
  readonly options?: { readonly keyPrefix?: string }
}

const SCAN = `local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 500) return {found[1], found[2]}`

/** Every session's handle, by SCAN on every master; some may come twice. */
export async function* handles(client: RedisClient, prefix: string): AsyncGenerator<string[]> {
  const { options }: ClusterParts = client as ClusterParts // Parts that not every client has.
  const before = `${options?.keyPrefix ?? ''}${prefix}`
  const pattern = before.replaceAll(/[*?[\]\\]/g, '\\$&') + '?'.repeat(43)
  for (const master of await mastersOf(client)) {
    let cursor = '0'
    do {
      // A script that names no key runs on the very server that it is sent to.
      const args = [cursor, pattern]
      const answer =
        'evalSha' in master ? master.eval(SCAN, { keys: [], arguments: args }) : master.eval(SCAN, 0, ...args)
      const [next, keys] = (await answer) as [string, string[]] // What SCAN answers.
      yield keys.map((key) => key.slice(before.length))
      cursor = next
    } while (cursor !== '0')
  }
}

async function mastersOf(client: RedisClient): Promise<RedisClient[]> {
  const cluster: ClusterParts = client as ClusterParts // Parts that not every client has.
  if (cluster.nodes !== undefined) return cluster.nodes('master')
  const { masters } = cluster
  if (masters === undefined) return [client]
  return Promise.all(masters.map((master) => cluster.nodeClient?.(master) ?? client))
}
