import { start } from '@sess/services/start'
import { redisStore } from '@sess/store-redis'
import { createClient } from 'redis'
import { createAll, type Database, type Target } from './target.ts'

const connect = (url: string, database: number) =>
  createClient({ url, database })
    .on('error', () => {})
    .connect()

type Client = Awaited<ReturnType<typeof connect>>

/** Each target is a numbered database: those have tables of keys of their own. */
export async function redisDatabase(): Promise<Database> {
  const server = await start('redis')
  const clients: Client[] = []
  const admin = await connect(server.url, 0)
  const info = async (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(await admin.info())?.[1] ?? ''
  clients.push(admin)
  return {
    versions: `Redis ${await info('redis_version')} standalone, redis 6`,
    settings: 'in memory only (no RDB, no AOF)',
    filling: 'pipelines of 500 create()',
    async open() {
      const client = await connect(server.url, clients.length)
      clients.push(client)
      const before = Number(await info('used_memory'))
      return target(client, async () => Number(await info('used_memory')) - before)
    },
    async stop() {
      for (const client of clients) client.destroy()
      await server.stop()
    },
  }
}

function target(client: Client, used: () => Promise<number>): Target {
  const store = redisStore(client)
  return {
    store,
    fill: (records) => createAll(store, records),
    settle: async () => {},
    // The other keys are those of subjects.
    async count() {
      let found = 0
      const keys = { MATCH: `sess:${'?'.repeat(43)}`, COUNT: 10_000 }
      for await (const some of client.scanIterator(keys)) found += some.length
      return found
    },
    bytes: async () => ({ total: await used() }),
  }
}
