import { setTimeout as pause } from 'node:timers/promises'
import { service } from '@sess/services'
import { type Server, start } from '@sess/services/start'
import { storeKit } from '@sess/testkit'
import { Redis } from 'ioredis6'
import { createClient } from 'redis6'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisClient, redisStore } from '../src/index.ts'
import { cluster, type Open, standalone } from './clients.ts'

describe.skipIf(service('redis').missing)('endings on one server [needs redis]', () => {
  let server: Server<'redis'>
  beforeAll(async () => {
    server = await start('redis')
  })
  afterAll(() => server?.stop())

  it.each(Object.entries(standalone))('are told again after the connection broke, %s', (_, connect) =>
    tellsAgain(() => connect(server.url), [server.url]),
  )

  it('are told by stores that listen to none themselves, whatever keyPrefix ioredis puts before keys', async () => {
    const [writer, subscriber] = [
      new Redis(server.url, { keyPrefix: 'app:' }),
      new Redis(server.url, { keyPrefix: 'app:' }),
    ]
    const heard = listen(redisStore(new Redis(server.url, { lazyConnect: true }), { endings: { client: subscriber } }))
    const store = redisStore(writer)
    expect(store).not.toHaveProperty('onEnding')
    await hears(heard, writer)
    writer.disconnect()
    subscriber.disconnect()
  })

  it('are told once the subscriber is connected, when it was not at first', async () => {
    const writer = await createClient({ url: server.url }).connect()
    const late = createClient({ url: server.url }).on('error', () => {})
    const offline = new Redis(server.url, { enableOfflineQueue: false })
    const heard = [late, offline].map((client) => listen(redisStore(writer, { endings: { client } })))
    await pause(100)
    await late.connect()
    for (const each of heard) await hears(each, writer)
    expect(offline.listenerCount('message')).toBe(1)
    writer.destroy()
    late.destroy()
    offline.disconnect()
  })

  it('happen without being told where the user may not publish', async () => {
    const admin = await createClient({ url: server.url }).connect()
    await admin.sendCommand(['ACL', 'SETUSER', 'mute', 'on', 'nopass', '~*', '+@all', 'resetchannels'])
    const mute = await createClient({ url: server.url, username: 'mute', password: 'any' }).connect()
    const { store, record, next } = await storeKit(() => redisStore(mute))()
    const live = record()
    await store.create(live)
    const ended = next(live, { state: 'ended' })
    expect(await store.replace(ended, live.revision)).toEqual({ ok: true })
    expect(await store.get(live.id)).toEqual(ended)
    admin.destroy()
    mute.destroy()
  })
})

describe.skipIf(service('redis-cluster').missing)('endings on a Cluster [needs redis-cluster]', () => {
  let servers: Server<'redis-cluster'>
  beforeAll(async () => {
    servers = await start('redis-cluster')
  })
  afterAll(() => servers?.stop())

  it.each(Object.entries(cluster))('are told again after the connection broke, %s', (_, connect) =>
    tellsAgain(
      () => connect(servers.nodes),
      servers.nodes.map((node) => `redis://${node}`),
    ),
  )
})

describe('redisStore({ endings })', () => {
  it('refuses the client that everything else goes through', () => {
    const client = new Redis({ lazyConnect: true })
    expect(() => redisStore(client, { endings: { client } })).toThrow('`endings.client` must each be another client')
    const replicated = { client: new Redis({ lazyConnect: true }), replicas: 1 }
    expect(() => redisStore(client, { replicated, endings: replicated })).toThrow('must each be another client')
  })
})

async function tellsAgain(connect: () => Promise<Open>, urls: readonly string[]): Promise<void> {
  const [writer, subscriber] = await Promise.all([connect(), connect()])
  const heard = listen(redisStore(writer.client, { endings: subscriber }))
  await hears(heard, writer.client)
  // More than one, if the client is on the next server already.
  expect(await killSubscribers(urls)).toBeGreaterThan(0)
  heard.clear()
  await hears(heard, writer.client)
  await Promise.all([writer.close(), subscriber.close()])
}

function listen(store: { onEnding(listener: (handle: string) => void): unknown }): Set<string> {
  const heard = new Set<string>()
  store.onEnding((handle) => heard.add(handle))
  return heard
}

/** Ends sessions until one of them is heard of. */
async function hears(heard: ReadonlySet<string>, client: RedisClient): Promise<void> {
  const { store, record, next } = await storeKit(() => redisStore(client))()
  const known = new Set<string>()
  const ends = async () => {
    const live = record()
    await store.create(live)
    await store.replace(next(live, { state: 'ended' }), live.revision)
    known.add(live.id)
    return [...heard].some((handle) => known.has(handle))
  }
  await expect.poll(ends, { timeout: 10_000, interval: 50 }).toBe(true)
}

/** How many connections that subscribe it has broken. */
async function killSubscribers(urls: readonly string[]): Promise<number> {
  let killed = 0
  for (const url of urls) {
    const admin = await createClient({ url }).connect()
    killed += Number(await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']))
    admin.destroy()
  }
  return killed
}
