import { pages, type RedisClient } from './client.ts'
import { script } from './scripts.ts'

/** What not every client has: what finds the servers of a Cluster (one way in `redis`, one in ioredis), and ioredis' prefix. */
interface Parts {
  readonly masters?: readonly object[]
  nodeClient?(master: object): RedisClient | Promise<RedisClient>
  nodes?(role: 'master'): RedisClient[]
  readonly options?: { readonly keyPrefix?: string }
}

/** It names no key, so it runs on the very server that it is sent to. */
const scan = script(`return redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 500)`)

/** Every session's handle, by SCAN on every master; some may come twice. */
export async function* handles(client: RedisClient, prefix: string): AsyncGenerator<string[]> {
  const { options }: Parts = client as Parts // Parts that not every client has.
  const before = `${options?.keyPrefix ?? ''}${prefix}`
  const pattern = before.replaceAll(/[*?[\]\\]/g, '\\$&') + '?'.repeat(43)
  for (const master of await mastersOf(client)) {
    for await (const keys of pages<string>(master, scan, [], [pattern])) {
      yield keys.map((key) => key.slice(before.length))
    }
  }
}

async function mastersOf(client: RedisClient): Promise<RedisClient[]> {
  const cluster: Parts = client as Parts // Parts that not every client has.
  if (cluster.nodes !== undefined) return cluster.nodes('master')
  const { masters = [client] } = cluster
  return Promise.all(masters.map((master) => cluster.nodeClient?.(master) ?? client))
}
