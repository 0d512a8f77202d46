export { redisStore } from './redis-store.ts'
export type { RedisStore, RedisStoreOptions } from './redis-store.ts'
export type { ReplicationOptions } from './replication.ts'
export type { IoredisClient, NodeRedisClient, RedisClient, ReservableClient } from './client.ts'
