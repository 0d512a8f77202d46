import { randomBytes } from 'node:crypto'
import { type Admission, createSessions, type SessionRecord } from '@sess/core'
import { service } from '@sess/services'
import { type Server, start } from '@sess/services/start'
import { storeKit } from '@sess/testkit'
import { createClient } from 'redis6'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type IoredisClient, redisStore } from '../src/index.ts'
import { cluster, type Open, standalone } from './clients.ts'

const AMBIGUOUS = expect.objectContaining({ code: 'ERR_SESS_STORE_AMBIGUOUS', status: 503 })
const replicated = { durability: 'replicated' } as const

describe.skipIf(service('redis-pair').missing)('a primary and its replica [needs redis-pair]', () => {
  let pair: Server<'redis-pair'>
  beforeAll(async () => {
    pair = await start('redis-pair')
  })
  afterEach(() => thaw())
  afterAll(() => pair?.stop())
  // The second process is the replica.
  const freeze = () => process.kill(pair.pids[1] ?? 0, 'SIGSTOP')
  const thaw = () => process.kill(pair.pids[1] ?? 0, 'SIGCONT')

  describe.each(Object.entries(standalone))('%s', (_, connect) => {
    const opened: Open[] = []
    afterAll(() => Promise.all(opened.map((open) => open.close())))

    async function kit(timeoutMs?: number) {
      const [open, reserved] = await Promise.all([connect(pair.url), connect(pair.url)])
      opened.push(open, reserved)
      const replication = { client: reserved.client, replicas: 1, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
      return storeKit(() => redisStore(open.client, { replicated: replication }))()
    }

    it('has a replicated write on the replica when it is acknowledged', async () => {
      const { store, record, next } = await kit()
      const replica = await direct(pair.replica)
      const live = record()
      expect(await store.create(live, replicated)).toBe(true)
      expect(await replica.hGet(`sess:${live.id}`, 'revision')).toBe(live.revision)
      const ended = next(live, { state: 'ended' })
      expect(await store.replace(ended, live.revision, replicated)).toEqual({ ok: true })
      expect(await replica.hGet(`sess:${live.id}`, 'state')).toBe('ended')
      replica.destroy()
    })

    it('has announcements on the replica when they are acknowledged, made once or again', async () => {
      const { store, record } = await kit(50)
      const { store: elsewhere } = await kit(50)
      const replica = await direct(pair.replica)
      const handlesOnReplica = async () =>
        (await Promise.all((await replica.keys('*')).map((key) => fields(key)))).flat()
      const fields = async (key: string) => (key.startsWith('sess:subject:') ? replica.hKeys(key) : [])
      const live = record()
      expect(await store.admit(asks(live), replicated)).toEqual({ ok: true, evicted: [] })
      expect(await handlesOnReplica()).toContain(live.id)
      expect(await store.create(live, replicated)).toBe(true)
      const refused = asks({ ...record(), subject: live.subject }, null)
      expect(await store.admit(refused, replicated)).toEqual({ ok: false, evicted: [] })
      freeze()
      const coming = record()
      await expect(store.admit(asks(coming), replicated)).rejects.toEqual(AMBIGUOUS)
      await expect(elsewhere.admit(asks(coming), replicated)).rejects.toEqual(AMBIGUOUS)
      await expect(store.create(coming, replicated)).rejects.toEqual(AMBIGUOUS)
      expect(await store.get(coming.id)).toBeNull()
      thaw()
      await expect.poll(() => store.create(record(), replicated).catch(() => false)).toBe(true)
      expect(await store.create(coming, replicated)).toBe(true)
      expect(await handlesOnReplica()).toContain(coming.id)
      replica.destroy()
    })

    it('rejects as ambiguous while the replica does not answer, and answers again when it does', async () => {
      const { store, record, next } = await kit(50)
      const live = record({ subject: null })
      freeze()
      await expect(store.create(live, replicated)).rejects.toEqual(AMBIGUOUS)
      expect(await store.get(live.id)).toEqual(live)
      thaw()
      await expect.poll(() => store.create(record(), replicated).catch(() => false)).toBe(true)
      expect(await store.replace(next(live), 'another', replicated)).toEqual({ ok: false, current: live })
    })

    it('carries a session from sign-in to sign-out, from one process to another', async () => {
      const { store } = await kit()
      const keys = [randomBytes(32)]
      const [one, other] = [createSessions({ store, keys }), createSessions({ store: (await kit()).store, keys })]
      const session = await one.open(facts())
      session.signIn('ada')
      session.data.cart = ['book']
      await session.commit()
      const cookie =
        session
          .toHeaders()
          .find(([name]) => name.toLowerCase() === 'set-cookie')?.[1]
          .split(';')[0] ?? ''
      const elsewhere = await other.open(facts(cookie))
      expect([elsewhere.subject, elsewhere.data.cart]).toEqual(['ada', ['book']])
      elsewhere.signOut()
      await elsewhere.commit()
      expect((await one.open(facts(cookie))).subject).toBeNull()
    })

    it('lets other operations pass while a replicated one waits', async () => {
      const { store, record } = await kit(2000)
      freeze()
      const [waiting, other] = [record(), record()]
      let done = false
      const write = store.create(waiting, replicated).finally(() => {
        done = true
      })
      expect(await store.create(other)).toBe(true)
      expect(await store.get(other.id)).toEqual(other)
      expect(done).toBe(false)
      thaw()
      expect(await write).toBe(true)
    })

    it('does not send a write that nobody waits for any more when its turn comes', async () => {
      const { store, record } = await kit(200)
      freeze()
      const [first, second] = [record(), record()]
      const controller = new AbortController()
      const writes = [
        store.create(first, replicated),
        store.create(second, { ...replicated, signal: controller.signal }),
      ].map((write) => write.catch((error: Error) => error.name))
      controller.abort()
      expect(await Promise.all(writes)).toEqual(['StoreAmbiguousError', 'AbortError'])
      expect(await store.get(second.id)).toBeNull()
    })

    it('rejects as ambiguous when the connection breaks, and does not take the answer of the next one', async () => {
      const { store, record } = await kit(2000)
      const admin = await direct(pair.url)
      await store.create(record(), replicated)
      freeze()
      const live = record({ subject: null })
      const write = store.create(live, replicated)
      const outcome = expect(write).rejects.toEqual(AMBIGUOUS)
      await expect.poll(() => admin.exists(`sess:${live.id}`)).toBe(1)
      await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
      thaw()
      await outcome
      admin.destroy()
    })
  })
})

describe.skipIf(service('redis-cluster').missing)('a Cluster [needs redis-cluster]', () => {
  let servers: Server<'redis-cluster'>
  beforeAll(async () => {
    servers = await start('redis-cluster')
  })
  afterAll(() => servers?.stop())

  it.each(Object.entries(cluster))(
    'goes on with replicated writes after its masters have changed, %s',
    async (_, connect) => {
      const [open, reserved] = await Promise.all([connect(servers.nodes), connect(servers.nodes)])
      try {
        const options = { replicated: { client: reserved.client, replicas: 1 } }
        const { store, record, next } = await storeKit(() => redisStore(open.client, options))()
        const records = Array.from({ length: 12 }, () => record())
        for (const live of records) expect(await store.create(live, replicated)).toBe(true)
        await changeMasters(servers.nodes)
        for (const live of records) {
          expect(await store.replace(next(live), live.revision, replicated)).toEqual({ ok: true })
        }
      } finally {
        await Promise.all([open.close(), reserved.close()])
      }
    },
  )
})

describe('redisStore({ replicated })', () => {
  type Answers = [Error | null, unknown][]
  const answering = (exec: () => Promise<Answers>): IoredisClient & { pipeline(): { exec(): Promise<Answers> } } => ({
    evalsha: async () => null,
    eval: async () => null,
    pipeline: () => ({ exec }),
  })
  const client = answering(async () => [])

  it('rejects as ambiguous when the client has sent the write twice, and only the first one counted', async () => {
    const answers: Answers = [
      [null, null],
      [null, 1],
    ]
    const options = { replicated: { client: answering(async () => answers), replicas: 1 } }
    const { store, record, next } = await storeKit(() => redisStore(client, options))()
    const live = record()
    const written = next(live)
    answers[0] = [null, [live.revision, 'authenticated', '0', '0', '', '{}']]
    await expect(store.create(live, replicated)).rejects.toEqual(AMBIGUOUS)
    expect(await store.create(record(), replicated)).toBe(false)
    expect(await store.replace(written, live.revision, replicated)).toMatchObject({ ok: false })
    answers[0] = [null, [written.revision, 'authenticated', '0', '0', '', '{}']]
    await expect(store.replace(written, live.revision, replicated)).rejects.toEqual(AMBIGUOUS)
  })

  it('goes on after a write that the client never answers', async () => {
    const ok: Answers = [
      [null, 1],
      [null, 1],
    ]
    const exec = vi.fn(async () => ok).mockReturnValueOnce(new Promise(() => {}))
    const options = { replicated: { client: answering(exec), replicas: 1 } }
    const { store, record } = await storeKit(() => redisStore(client, options))()
    const controller = new AbortController()
    void store.create(record(), { ...replicated, signal: controller.signal })
    const second = store.create(record(), replicated)
    await Promise.resolve()
    expect(exec).toHaveBeenCalledTimes(1)
    controller.abort()
    expect(await second).toBe(true)
  })

  it('refuses the client that everything else goes through', () => {
    expect(() => redisStore(client, { replicated: { client, replicas: 1 } })).toThrow('must each be another client')
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %s replicas or milliseconds', (number) => {
    const other = { ...client }
    expect(() => redisStore(client, { replicated: { client: other, replicas: number } })).toThrow(
      '`replicated.replicas`',
    )
    const timeout = { client: other, replicas: 1, timeoutMs: number }
    expect(() => redisStore(client, { replicated: timeout })).toThrow('`replicated.timeoutMs`')
  })
})

function asks({ id, subject, createdAt: at, absoluteAt: deadline }: SessionRecord, victims: [] | null = []): Admission {
  return { id, subject: subject ?? '', at, deadline, abandonedBefore: 0, limit: 1, uncounted: [], victims }
}

const facts = (cookie?: string) => ({
  method: 'POST',
  headers: { 'sec-fetch-site': 'same-origin', ...(cookie !== undefined && { cookie }) },
  url: 'https://app.example/',
  secure: true,
})

/** Makes every replica a master, without an election, and waits until the old masters follow. */
async function changeMasters(nodes: readonly string[]): Promise<void> {
  const clients = await Promise.all(nodes.map((node) => direct(`redis://${node}`)))
  const replication = (index: number) => clients[index]!.info('replication')
  const roles = await Promise.all(clients.map((_, index) => replication(index)))
  const replicas = roles.flatMap((info, index) => (info.includes('role:slave') ? [index] : []))
  for (const index of replicas) {
    await clients[index]!.sendCommand(['CLUSTER', 'FAILOVER', 'TAKEOVER'])
    await expect.poll(() => replication(index), { timeout: 20_000 }).toMatch(/role:master.*state=online/s)
  }
  for (const each of clients) each.destroy()
}

function direct(url: string) {
  return createClient({ url })
    .on('error', () => {})
    .connect()
}
