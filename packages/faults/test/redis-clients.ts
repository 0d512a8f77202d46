import type { RedisClient } from '@sess/store-redis'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'

/** A connected client and the function that closes it. */
export interface Open<Client> {
  readonly client: Client
  close(): unknown
}

/** Both clients, connected to one server, with their own defaults. */
export const standalone = {
  redis: async (url: string) => {
    const client = await createClient({ url })
      .on('error', () => {})
      .connect()
    return { client, close: () => client.destroy() }
  },
  ioredis: async (url: string) => {
    const client = new Redis(url).on('error', () => {})
    return { client, close: () => client.disconnect() }
  },
} satisfies Record<string, (url: string) => Promise<Open<RedisClient>>>

/** Both clients, connected to a Cluster given as `host:port` of its nodes. */
export const cluster = {
  redis: async (nodes: readonly string[]) => {
    const client = await createCluster({ rootNodes: nodes.map((node) => ({ url: `redis://${node}` })) })
      .on('error', () => {})
      .connect()
    return { client, close: () => client.destroy() }
  },
  ioredis: async (nodes: readonly string[]) => {
    const client = new Cluster([...nodes]).on('error', () => {})
    return { client, close: () => client.disconnect() }
  },
} satisfies Record<string, (nodes: readonly string[]) => Promise<Open<RedisClient>>>

export type ClientName = keyof typeof standalone

export const clients: readonly ClientName[] = ['redis', 'ioredis']
