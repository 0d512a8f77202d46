import { PGlite } from '@electric-sql/pglite'
import { register, storeCases, storeKit } from '@sess/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { migrate, type PostgresClient, type PostgresStore, postgresStore } from '../src/index.ts'

describe('the store promises, on PGlite', () => {
  let store: PostgresStore
  beforeAll(async () => {
    const db = await PGlite.create()
    const client: PostgresClient = { query: ({ text, values }) => db.query(text, values) }
    await migrate(client)
    store = postgresStore(client)
    return () => db.close()
  })

  register(
    storeCases,
    storeKit(() => store),
    {
      it,
      exempt: { 'store/keeps-unicode': 'PGlite 0.5.14 drops a byte order mark at the start of any text it reads' },
    },
  )

  it('keeps every other code point', async () => {
    const { record } = await storeKit(() => store)()
    for (const text of ['Zoë', 'Zoe\u0308', '👩‍👩‍👧‍👦', 'עברית', '\uFFFD\uFFFF', 'inside\uFEFF', '𝄞']) {
      const kept = record({ subject: text, data: text, device: { name: `\uFEFF${text}` }, extra: { [text]: text } })
      await store.create(kept)
      expect(await store.get(kept.id)).toEqual(kept)
    }
  })

  it('prunes', async () => {
    const { record } = await storeKit(() => store)()
    await store.create(record({ absoluteAt: 1, expiresAt: 1 }))
    expect(await store.prune(Date.now(), 10)).toBe(1)
  })
})
