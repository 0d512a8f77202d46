import type { Admission } from '@sess/core'
import { storeKit } from '@sess/testkit'
import { describe, expect, it } from 'vitest'
import { type MysqlQuery, migrate, mysqlStore } from '../src/index.ts'

describe('a statement that was undone because of another one', () => {
  it.each([1205, 1213, 1020])('is run again (%s)', async (errno) => {
    const { store, queries } = scripted([failure(errno), failure(errno), { affectedRows: 1 }])
    expect(await store.touch('x', 1, 1)).toBe(true)
    expect(queries).toHaveLength(3)
  })

  it('is run eight times at most', async () => {
    const { store, queries } = scripted(Array.from({ length: 9 }, () => failure(1213)))
    await expect(store.get('x')).rejects.toMatchObject({ errno: 1213 })
    expect(queries).toHaveLength(8)
  })

  it('is not run again when nobody waits any more', async () => {
    const controller = new AbortController()
    const { store, queries } = scripted([failure(1213), []], () => controller.abort())
    await expect(store.get('x', { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(queries).toHaveLength(1)
  })
})

describe('other failures', () => {
  it.each([failure(1040), failure(1062), new Error('Connection lost'), null])('are passed on (%s)', async (error) => {
    const { store, queries } = scripted([error])
    await expect(store.get('x')).rejects.toBe(error)
    expect(queries).toHaveLength(1)
  })

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

  it.each(['lone \uD800', '\uDC00\uD800'])('text that has no UTF-8 is refused before it is sent (%j)', async (text) => {
    const { store, queries } = scripted([])
    const { record } = await storeKit(() => store)()
    await expect(store.create(record({ subject: text }))).rejects.toThrow(TypeError)
    await expect(store.replace(record({ data: text }), 'r')).rejects.toThrow(TypeError)
    await expect(store.admit({ ...admission, subject: text })).rejects.toThrow(TypeError)
    await expect(first(store.listBySubject(text, 0))).rejects.toThrow(TypeError)
    expect(queries).toEqual([])
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('a limit of %s is refused', async (limit) => {
    const { store, queries } = scripted([])
    await expect(store.prune(1, limit)).rejects.toThrow(RangeError)
    expect(queries).toEqual([])
  })
})

describe('mysqlStore', () => {
  it.each([{}, null, 'mysql://127.0.0.1/app'])('refuses %j as a client', (client) => {
    // @ts-expect-error what a caller without types may pass
    expect(() => mysqlStore(client)).toThrow(expect.objectContaining({ code: 'ERR_SESS_CONFIG' }))
  })

  it.each([
    { table: '' },
    { table: 'x'.repeat(65) },
    { table: 'emoji 👩' },
    { table: 'space at the end ' },
    { table: 'a\0b' },
    { database: '' },
    { retainEndedMs: -1 },
    { retainEndedMs: Number.NaN },
  ])('refuses %j', async (options) => {
    const client = { execute: async () => [[]] as const }
    expect(() => mysqlStore(client, options)).toThrow(expect.objectContaining({ code: 'ERR_SESS_CONFIG' }))
  })

  it('and migrate refuse the same names', async () => {
    const client = { execute: async () => [[]] as const }
    await expect(migrate(client, { table: '' })).rejects.toMatchObject({ code: 'ERR_SESS_CONFIG' })
  })
})

describe('admissions on a single connection', () => {
  it('come one after the other, the next one too when one fails', async () => {
    const { store, queries } = scripted([
      { affectedRows: 0 },
      failure(2013),
      { affectedRows: 0 },
      { affectedRows: 0 },
      ...answers,
    ])
    const both = [store.admit(admission), store.admit({ ...admission, id: 'y' })]
    await expect(both[0]).rejects.toMatchObject({ errno: 2013 })
    expect(await both[1]).toEqual({ ok: true, evicted: [] })
    const verbs = queries.map(({ sql }) => sql.split(' ', 2).join(' '))
    const released = ['DO RELEASE_LOCK(MD5(?))', 'SET SESSION']
    const [taken, work] = [
      ['SET @sess_timeout', 'SELECT GET_LOCK(MD5(?),'],
      ['SELECT id,', 'INSERT INTO'],
    ]
    expect(verbs).toEqual([...taken, ...released, ...taken, ...work, ...released])
  })

  it('are run again where another transaction undid a part of them', async () => {
    const [set, free, rows, ...rest] = answers
    const { store, queries } = scripted([set, free, rows, failure(1213), ...rest])
    expect(await store.admit(admission)).toEqual({ ok: true, evicted: [] })
    expect(queries.filter(({ sql }) => sql.startsWith('INSERT'))).toHaveLength(2)
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

/** What an admission is answered: the time-out, the lock, no rows, one row inserted, the lock and the time-out again. */
const answers = [{ affectedRows: 0 }, [{ free: 1 }], [], { affectedRows: 1 }, { affectedRows: 0 }, { affectedRows: 0 }]

function first(all: AsyncIterable<unknown>): Promise<unknown> {
  return all[Symbol.asyncIterator]().next()
}

function failure(errno: number): Error {
  return Object.assign(new Error(`server error ${errno}`), { errno })
}

/** A store whose client gives these answers, one per query: rows or a count; all else is thrown. */
function scripted(answers: unknown[], onQuery?: () => void) {
  const queries: MysqlQuery[] = []
  const execute = async (query: MysqlQuery) => {
    queries.push(query)
    onQuery?.()
    const answer = answers.shift()
    if (Array.isArray(answer) || (answer instanceof Object && 'affectedRows' in answer)) return [answer] as const
    throw answer
  }
  return { store: mysqlStore({ execute }), queries }
}
