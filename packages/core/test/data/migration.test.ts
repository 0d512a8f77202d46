import { createSessions } from '@sess/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Browser, type Data, failure, setUp, signedIn } from '../manager/scenario.ts'

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index * 7)

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('migration', () => {
  const options = {
    version: 2,
    migrate: (data: Record<string, unknown>) => ({ ...data, count: Number(data.count) }),
  }

  it('reaches data that a sign-in carries without looking at it', async () => {
    const { browser, store } = setUp({ ...options, carry: ['count'] })
    await browser.request((session) => {
      session.data.count = 0
    })
    store.write(store.only.id, { data: '{"count":"5"}', extra: {} })
    await browser.request((session) => session.signIn('ada'))
    const next = await browser.open()
    expect(next.data).toEqual({ count: 5 })
  })

  it('is not taken for done where the data was not written', async () => {
    const { browser, store } = await signedIn(options)
    store.write(store.only.id, { data: '{"count":"5"}', extra: {} })
    await browser.request((session) => session.rotate({ hard: true }))
    expect([store.only.data, store.only.extra]).toEqual(['{"count":"5"}', {}])
    expect((await browser.open()).data).toEqual({ count: 5 })
  })

  it('that returns nothing is an error where the data is read, and loses none', async () => {
    const migrate = (() => {}) as unknown as (data: Record<string, unknown>) => Record<string, unknown>
    const { browser, store } = await signedIn({ version: 2, migrate })
    store.write(store.only.id, { data: '{"count":"5"}', extra: {} })
    const session = await browser.open()
    expect(() => session.data).toThrow(TypeError)
    expect(store.only.data).toBe('{"count":"5"}')
  })

  it('loses no update() of parallel requests', async () => {
    const { browser, store } = await signedIn(options)
    store.write(store.only.id, { data: '{"count":"5"}', extra: {} })
    const [one, two] = [await browser.open(), await browser.open()]
    for (const session of [one, two]) session.update('count', (count) => Number(count) + 1)
    await one.commit()
    await two.commit()
    expect(JSON.parse(store.only.data)).toEqual({ count: 7 })
  })
})

describe('data of a newer version, as a rolling deploy leaves it', () => {
  it('is not put through the older migration, nor stamped as older', async () => {
    const migrate = (data: Record<string, unknown>) => ({ ...data, old: true })
    const { browser, store } = await signedIn({ version: 1, migrate })
    store.write(store.only.id, { data: '{"a":1}', extra: { 'sess/data-version': '2' } })
    await browser.request((session) => {
      expect(session.data).toEqual({ a: 1 })
      session.data.b = 2
    })
    expect(store.only.extra['sess/data-version']).toBe('2')
  })
})

describe('sign-in over data that does not fit', () => {
  it('signs in a visitor whose old data does not fit, when nothing is carried', async () => {
    const schema: StandardSchemaV1<unknown, Data> = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
    }
    const { store } = setUp()
    const strict = createSessions<Data>({ store, schema, version: 2, keys: KEY })
    const loose = createSessions<Data>({ store, keys: KEY })
    const visitor = new Browser(loose)
    await visitor.request((session) => {
      session.data.cart = 1
    })
    const returning = new Browser(strict)
    returning.cookie = visitor.cookie
    const session = await returning.request((current) => current.signIn('ada'))
    expect(session.subject).toBe('ada')
  })
})

describe('a codec that gives no text', () => {
  it('is refused with the path, and leaves no unreadable data behind', async () => {
    const { browser } = await signedIn({ codec: JSON })
    const session = await browser.open()
    session.data.callback = () => {}
    const error = await failure(session.commit())
    expect(error.code).toBe('ERR_SESS_VALUE')
    const next = await browser.open()
    expect(next.data).toEqual({})
  })
})
