import type { Admission } from '@sess/core'
import { storeKit } from '@sess/testkit'
import { describe, expect, it } from 'vitest'
import { migrate, type PostgresQuery, postgresStore } from '../src/index.ts'

describe('a transaction that was undone because of another one', () => {
  it.each(['40001', '40P01'])('is run again (%s)', async (code) => {
    const { store, queries } = scripted([failure(code), failure(code), { rows: [{ id: 'x' }] }])
    expect(await store.touch('x', 1, 1)).toBe(true)
    expect(queries).toHaveLength(3)
  })

  it('is run again for admissions too', async () => {
    const { store, queries } = scripted([failure('40P01'), { rows: [{ answer: '{"ok":true,"evicted":["a"]}' }] }])
    expect(await store.admit(admission)).toEqual({ ok: true, evicted: ['a'] })
    expect(queries).toHaveLength(2)
  })

  it('is run eight times at most', async () => {
    const { store, queries } = scripted(Array.from({ length: 9 }, () => failure('40001')))
    await expect(store.get('x')).rejects.toMatchObject({ code: '40001' })
    expect(queries).toHaveLength(8)
  })

  it('is not run again when nobody waits any more', async () => {
    const controller = new AbortController()
    const { store, queries } = scripted([failure('40001'), { rows: [] }], () => controller.abort())
    await expect(store.get('x', { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(queries).toHaveLength(1)
  })
})

describe('other failures', () => {
  it.each([failure('57P01'), failure('23505'), new Error('Connection terminated'), null])(
    'are passed on (%s)',
    async (error) => {
      const { store, queries } = scripted([error])
      await expect(store.get('x')).rejects.toBe(error)
      expect(queries).toHaveLength(1)
    },
  )

  it('reach no server when the call was aborted before', async () => {
    const { store, queries } = scripted([])
    const { record } = await storeKit(() => store)()
    const options = { signal: AbortSignal.abort() }
    const calls = [
      store.get('x', options),
      store.create(record(), options),
      store.replace(record(), 'r', options),
      store.touch('x', 1, 1, options),
      store.admit(admission, options),
      first(store.scan(options)),
      first(store.listBySubject('ada', 0, options)),
    ]
    for (const call of calls) await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    expect(queries).toEqual([])
  })

  it.each(['nul \0', 'lone \uD800', '\uDC00\uD800'])(
    'text that PostgreSQL cannot keep is refused before it is sent (%j)',
    async (text) => {
      const { store, queries } = scripted([])
      const { record } = await storeKit(() => store)()
      await expect(store.create(record({ subject: text }))).rejects.toThrow(TypeError)
      await expect(store.replace(record({ data: text }), 'r')).rejects.toThrow(TypeError)
      await expect(store.admit({ ...admission, subject: text })).rejects.toThrow(TypeError)
      await expect(first(store.listBySubject(text, 0))).rejects.toThrow(TypeError)
      expect(queries).toEqual([])
    },
  )
})

describe('statements', () => {
  it('have a name of at most 63 bytes for each operation and table, or none', async () => {
    const names = async (options: { table?: string; schema?: string; prepare?: boolean }) => {
      const { store, queries } = scripted(
        Array.from({ length: 8 }, () => ({ rows: [{ answer: '{}', state: 'reserved' }] })),
        undefined,
        options,
      )
      const { record } = await storeKit(() => store)()
      await Promise.all([
        store.get('x'),
        store.create(record()),
        store.replace(record(), 'r'),
        store.touch('x', 1, 1),
        store.prune(1, 1),
        store.admit(admission),
        first(store.scan()),
        first(store.listBySubject('ada', 0)),
      ])
      return queries.map(({ name }) => name)
    }
    const unnamed = Array.from({ length: 8 }, () => undefined)
    expect(
      new Set([...(await names({})), ...(await names({ table: 'b' })), ...(await names({ schema: 'b' }))]).size,
    ).toBe(24)
    expect(await names({ prepare: false })).toEqual(unnamed)
    expect(await names({ table: 'x'.repeat(50), schema: 'y'.repeat(20) })).toEqual(unnamed)
    expect(await names({ table: 'ä'.repeat(25), schema: 'y' })).not.toContain(expect.stringMatching(/.{50,}/))
  })
})

describe('postgresStore', () => {
  it.each([{}, null, 'postgres://127.0.0.1/app'])('refuses %j as a client', (client) => {
    // @ts-expect-error what a caller without types may pass
    expect(() => postgresStore(client)).toThrow(expect.objectContaining({ code: 'ERR_SESS_CONFIG' }))
  })

  it.each([
    { table: '' },
    { table: 'x'.repeat(51) },
    { table: 'ä'.repeat(26) },
    { table: 'a\0b' },
    { schema: '' },
    { retainEndedMs: -1 },
    { retainEndedMs: Number.NaN },
  ])('refuses %j', async (options) => {
    const client = { query: async () => ({ rows: [] }) }
    expect(() => postgresStore(client, options)).toThrow(expect.objectContaining({ code: 'ERR_SESS_CONFIG' }))
  })

  it('and migrate refuse the same names', async () => {
    const client = { query: async () => ({ rows: [] }) }
    await expect(migrate(client, { table: '' })).rejects.toMatchObject({ code: 'ERR_SESS_CONFIG' })
  })
})

const admission: Admission = {
  subject: 'ada',
  id: 'x',
  at: 1,
  deadline: 2,
  abandonedBefore: 0,
  limit: 1,
  uncounted: [],
  victims: [],
}

function first(all: AsyncIterable<unknown>): Promise<unknown> {
  return all[Symbol.asyncIterator]().next()
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** A store whose client gives these answers, one per query, and throws those that have no rows. */
function scripted(answers: unknown[], onQuery?: () => void, options = {}) {
  const queries: PostgresQuery[] = []
  const query = async (query: PostgresQuery) => {
    queries.push(query)
    onQuery?.()
    const answer = answers.shift()
    if (typeof answer === 'object' && answer !== null && 'rows' in answer) return { rows: answer.rows as unknown[] }
    throw answer
  }
  return { store: postgresStore({ query }, options), queries }
}
