import { getEventListeners } from 'node:events'
import { createSessions, type SessionRecord, type SessionStore } from '@sess/core'
import { service } from '@sess/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Counts } from './counts.ts'
import { type Hanging, servers } from './hanging-servers.ts'
import { keys } from './keys.ts'
import { type Held, held } from './resources.ts'
import { facts, keepCookie } from './traffic.ts'

const STORE_TIMEOUT = 400
const REQUESTS = 10_000
const AT_A_TIME = 250

type Data = Record<string, unknown>

for (const { name, kind, open } of servers) {
  describe.skipIf(service(kind).missing)(`a server that hangs, ${name} [needs ${kind}]`, () => {
    let server: Hanging
    beforeAll(async () => {
      server = await open()
    })
    afterAll(async () => {
      server?.thaw()
      await server?.close()
    })

    it('holds no load longer than storeTimeout, and no commit longer than twice that', async () => {
      const sessions = createSessions<Data>({ store: server.store, keys, storeTimeout: STORE_TIMEOUT })
      const counts = new Counts()
      const cookies = await Promise.all(Array.from({ length: 40 }, () => signIn(sessions)))
      const opened = await Promise.all(cookies.map((cookie) => sessions.open(facts(cookie))))
      opened.forEach((session, index) => {
        if (index % 4 === 0) session.data.plain = index
        else if (index % 4 === 1) session.update('n', (n) => Number(n ?? 0) + 1)
        else if (index % 4 === 2) session.signOut()
        else session.signIn('bob')
      })
      server.freeze()
      const loads = cookies.map((cookie) => timed(counts, 'slowestLoadMs', () => sessions.open(facts(cookie))))
      const commits = opened.map((session) => timed(counts, 'slowestCommitMs', () => session.commit()))
      await Promise.all([...loads, ...commits])
      server.thaw()
      await server.drained()
      counts.print(`hanging, storeTimeout ${STORE_TIMEOUT} ms, ${name}`)
      expect(counts).toMatchObject({ acknowledged: 0, untyped: 0 })
      expect(counts.slowestLoadMs).toBeLessThan(STORE_TIMEOUT + counts.slackMs)
      expect(counts.slowestCommitMs).toBeLessThan(2 * STORE_TIMEOUT + counts.slackMs)
    })

    it(`leaves nothing behind of ${REQUESTS} requests: no connection, no listener, no timer, no memory`, async () => {
      const counts = new Counts()
      const watched = new WatchedStore(server.store)
      const sessions = createSessions<Data>({ store: watched, keys, storeTimeout: 20 })
      await watched.learn(await signIn(createSessions<Data>({ store: watched, keys })))
      const run = async (requests: number): Promise<Held> => {
        server.freeze()
        for (let sent = 0; sent < requests; sent += AT_A_TIME) {
          const some = Array.from({ length: AT_A_TIME }, (_, index) => hangs(sessions, watched, index, counts))
          await Promise.all(some)
        }
        server.thaw()
        await server.drained()
        return { ...(await held()), ...server.resources(), signals: watched.signals() }
      }
      const before = await run(1000)
      const after = await run(REQUESTS)
      counts.print(`${REQUESTS} hanging requests, ${name}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`)
      const { heapMB, ...rest } = after
      expect(counts).toMatchObject({ acknowledged: 0, untyped: 0 })
      expect(heapMB - before.heapMB).toBeLessThan(4)
      for (const [resource, count] of Object.entries(rest))
        expect(count, resource).toBeLessThanOrEqual(before[resource]! + 2)
    })
  })
}

/** Half of the requests hang as they load, half as they commit. */
async function hangs(sessions: Manager, watched: WatchedStore, index: number, counts: Counts): Promise<void> {
  counts.requests += 1
  watched.remembers = index % 2 === 1
  try {
    const session = await sessions.open(facts(watched.cookie))
    session.data[`key${index}`] = counts.requests
    await session.commit()
    counts.acknowledged += 1
  } catch (error) {
    counts.fail(error)
  }
}

type Manager = ReturnType<typeof createSessions<Data>>

async function signIn(sessions: Manager): Promise<string | undefined> {
  const session = await sessions.open(facts(undefined))
  session.signIn('ada')
  await session.commit()
  return keepCookie(session, undefined)
}

async function timed(counts: Counts, slowest: 'slowestLoadMs' | 'slowestCommitMs', work: () => Promise<unknown>) {
  const begun = performance.now()
  counts.requests += 1
  await work().then(
    () => {
      counts.acknowledged += 1
    },
    (error) => counts.fail(error),
  )
  counts[slowest] = Math.max(counts[slowest], performance.now() - begun)
}

/** Remembers the signals it was given, weakly, and can answer `get` from memory, so that requests hang at their commit. */
class WatchedStore implements SessionStore {
  readonly durable = true
  readonly get: SessionStore['get']
  readonly create: SessionStore['create']
  readonly replace: SessionStore['replace']
  readonly touch: SessionStore['touch']
  remembers = false
  cookie: string | undefined
  readonly #signals: WeakRef<AbortSignal>[] = []
  #record: SessionRecord | null = null

  constructor(store: SessionStore) {
    this.get = async (id, options) => {
      this.#watch(options?.signal)
      if (this.remembers && this.#record !== null) return this.#record
      this.#record = await store.get(id, options)
      return this.#record
    }
    this.create = (record, options) => store.create(record, options)
    this.touch = (id, seen, expires, options) => store.touch(id, seen, expires, options)
    this.replace = (record, expected, options) => {
      this.#watch(options?.signal)
      return store.replace(record, expected, options)
    }
  }

  async learn(cookie: string | undefined): Promise<void> {
    this.cookie = cookie
    await createSessions<Data>({ store: this, keys }).open(facts(cookie))
  }

  /** Listeners on signals that are still alive. */
  signals(): number {
    const alive = this.#signals.flatMap((signal) => signal.deref() ?? [])
    return alive.reduce((sum, signal) => sum + 1 + getEventListeners(signal, 'abort').length, 0)
  }

  #watch(signal: AbortSignal | undefined): void {
    if (signal !== undefined) this.#signals.push(new WeakRef(signal))
  }
}
