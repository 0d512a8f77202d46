import * as ioredis5 from 'ioredis5'
import * as ioredis6 from 'ioredis6'
import * as redis5 from 'redis5'
import * as redis6 from 'redis6'
import type { RedisClient, ReservableClient, SubscribingClient } from '../src/index.ts'

/** A connected client and the function that closes it. */
export interface Open<Client = RedisClient & ReservableClient & SubscribingClient> {
  readonly client: Client
  close(): unknown
}

/** Every client that the store knows, connected to one server. */
export const standalone: Record<string, (url: string) => Promise<Open>> = {
  'redis 5': async (url) => nodeRedis(await redis5.createClient({ url }).connect()),
  'redis 6': async (url) => nodeRedis(await redis6.createClient({ url }).connect()),
  'ioredis 5': async (url) => ioredis(new ioredis5.Redis(url)),
  'ioredis 6': async (url) => ioredis(new ioredis6.Redis(url)),
}

/** Every client that the store knows, connected to a Cluster given as `host:port` of its nodes. */
export const cluster: Record<string, (nodes: readonly string[]) => Promise<Open>> = {
  'redis 5': async (nodes) => nodeRedis(await redis5.createCluster({ rootNodes: rootNodes(nodes) }).connect()),
  'redis 6': async (nodes) => nodeRedis(await redis6.createCluster({ rootNodes: rootNodes(nodes) }).connect()),
  'ioredis 5': async (nodes) => ioredis(new ioredis5.Cluster([...nodes])),
  'ioredis 6': async (nodes) => ioredis(new ioredis6.Cluster([...nodes])),
}

const rootNodes = (nodes: readonly string[]) => nodes.map((node) => ({ url: `redis://${node}` }))

function nodeRedis<Client extends { destroy(): unknown; on(event: 'error', listener: () => void): unknown }>(
  client: Client,
) {
  client.on('error', () => {})
  return { client, close: () => client.destroy() }
}

function ioredis<Client extends { disconnect(): unknown; on(event: 'error', listener: () => void): unknown }>(
  client: Client,
) {
  client.on('error', () => {})
  return { client, close: () => client.disconnect() }
}
