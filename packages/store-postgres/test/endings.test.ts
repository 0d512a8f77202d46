import { storeKit } from '@sess/testkit'
import type pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { migrate, type PostgresListener, type PostgresQuery, postgresStore } from '../src/index.ts'
import { connect, fresh, pool, postgres } from './open.ts'

afterEach(() => vi.restoreAllMocks())

describe('a store that tells of endings', () => {
  it('listens from the first listener to the last, one statement after the other', async () => {
    const { client, texts } = scripted()
    const { onEnding } = postgresStore(client, { endings: { client } })
    expect(texts).toEqual([])
    const first = onEnding(() => {})
    const second = onEnding(() => {})
    first()
    first()
    second()
    onEnding(() => {})
    await vi.waitFor(() => expect(texts).toHaveLength(3))
    const channel = '"sess_sessions_ended"'
    expect(texts).toEqual([`LISTEN ${channel}`, `UNLISTEN ${channel}`, `LISTEN ${channel}`])
  })

  it('tells of what comes over its channel, and of nothing else', () => {
    const { client, notify } = scripted()
    const heard: string[] = []
    const store = postgresStore(client, { table: 'it"s', endings: { client } })
    store.onEnding((handle) => heard.push(handle))
    notify({ channel: 'sess_sessions_ended', payload: 'a' })
    notify({ channel: 'it"s_ended', payload: 'b' })
    notify({ channel: 'it"s_ended', payload: 'c' })
    expect(heard).toEqual(['b', 'c'])
  })

  it('goes on without those who listened when their connection is lost', async () => {
    const { client, texts } = scripted(new Error('Connection terminated'))
    const { onEnding } = postgresStore(client, { endings: { client } })
    onEnding(() => {})()
    await vi.waitFor(() => expect(texts).toHaveLength(2))
  })

  it('has statements of its own names: their text is another one', async () => {
    const { client, names } = scripted()
    await postgresStore(client).get('x')
    await postgresStore(client, { endings: { client } }).get('x')
    expect(names[0]).not.toBe(names[1])
  })
})

describe('a store without `endings`', () => {
  it('has no onEnding, and notifies nobody', async () => {
    const { client, texts } = scripted()
    const store = postgresStore(client)
    expect('onEnding' in store).toBe(false)
    const { record } = await storeKit(() => store)()
    await store.create(record({ state: 'ended' }))
    await store.replace(record({ state: 'ended' }), 'r')
    expect(texts.join()).not.toContain('notify')
  })
})

describe.skipIf(postgres.missing)('the write that ends a session [needs postgres]', () => {
  it.each(['plain', 'it\'s "quoted"', '%s\\'])(
    'notifies in the same query, on a channel of the table %s',
    async (table) => {
      const [client, listener] = [pool(), await connect()]
      await migrate(client, { table })
      const store = postgresStore(client, { table, endings: { client: listener } })
      const { record, next } = await storeKit(() => store)()
      const heard: string[] = []
      store.onEnding((handle) => heard.push(handle))
      const [live, never] = [record(), record({ state: 'ended' })]
      await store.create(live)
      await listening(listener)
      const query = vi.spyOn(client, 'query')
      await store.replace(next(live, { state: 'ended' }), live.revision)
      await store.create(never)
      expect(query).toHaveBeenCalledTimes(2)
      await vi.waitFor(() => expect(heard).toEqual([live.id, never.id]))
    },
  )

  it('is heard under another schema of the same table name too', async () => {
    const [client, listener] = [pool(), await connect()]
    await client.query('CREATE SCHEMA IF NOT EXISTS elsewhere')
    const endings = { client: listener }
    const { store, record } = await fresh(client, { table: 'shared', schema: 'elsewhere', endings })
    const heard: string[] = []
    postgresStore(client, { table: 'shared', endings }).onEnding((handle) => heard.push(handle))
    await listening(listener)
    const ended = record({ state: 'ended' })
    await store.create(ended)
    await vi.waitFor(() => expect(heard).toEqual([ended.id]))
  })
})

async function listening(client: pg.Client): Promise<void> {
  await vi.waitFor(async () => expect((await client.query('SELECT pg_listening_channels()')).rowCount).toBe(1))
}

type Notification = Parameters<Parameters<PostgresListener['on']>[1]>[0]

/** A client that answers no rows, or fails; and the other end of its notifications. */
function scripted(failure?: Error) {
  const [texts, names]: [string[], (string | undefined)[]] = [[], []]
  const listeners: ((message: Notification) => void)[] = []
  const client: PostgresListener = {
    on: (_, listener) => listeners.push(listener),
    async query({ text, name }: PostgresQuery) {
      texts.push(text)
      names.push(name)
      if (failure !== undefined) throw failure
      return { rows: [] }
    },
  }
  const notify = (message: Notification) => {
    for (const listener of listeners) listener(message)
  }
  return { client, texts, names, notify }
}
