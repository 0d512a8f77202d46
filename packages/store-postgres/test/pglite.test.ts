import { PGlite } from '@electric-sql/pglite'
import type { EndingsFeed } from '@sess/core'
import { endingsCases, pruneCases, register, scanCases, storeCases, storeKit, subjectIndexCases } from '@sess/testkit'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { migrate, type PostgresClient, type PostgresListener, type PostgresStore, postgresStore } from '../src/index.ts'

// One statement after the other, in WebAssembly: ten thousand of them take a while on a busy machine.
vi.setConfig({ testTimeout: 300_000 })

describe('the store promises, on PGlite', () => {
  let store: PostgresStore
  let telling: PostgresStore & EndingsFeed
  beforeAll(async () => {
    const db = await PGlite.create()
    const client: PostgresClient = { query: ({ text, values }) => db.query(text, values) }
    await migrate(client)
    store = postgresStore(client)
    const listener: PostgresListener = {
      ...client,
      on: (_, listener) => db.onNotification((channel, payload) => listener({ channel, payload })),
    }
    telling = postgresStore(client, { endings: { client: listener } })
    return () => db.close()
  })

  const open = storeKit(() => store)
  const bom = 'PGlite 0.5.14 drops a byte order mark at the start of any text it reads'
  register(storeCases, open, { it, exempt: { 'store/keeps-unicode': bom } })
  register(subjectIndexCases, open, { it, exempt: { 'store/index-keeps-subjects-apart': bom } })
  register(
    endingsCases,
    storeKit(() => telling),
    { it },
  )
  register(scanCases, open, { it })
  register(pruneCases, open, { it })

  it('keeps every other code point', async () => {
    const { record } = await storeKit(() => store)()
    for (const text of ['Zoë', 'Zoe\u0308', '👩‍👩‍👧‍👦', 'עברית', '\uFFFD\uFFFF', 'inside\uFEFF', '𝄞']) {
      const kept = record({ subject: text, data: text, device: { name: `\uFEFF${text}` }, extra: { [text]: text } })
      await store.create(kept)
      expect(await store.get(kept.id)).toEqual(kept)
    }
  })
})
