import { type Codec, ConfigError, type SessionsOptions, ValueError } from '@sess/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, it } from 'vitest'
import { cookieOf, type Data, failure, type Scenario, setUp, signedIn } from '../manager/scenario.ts'

/** A Standard Schema by hand: `check` returns the value or the issues. */
function schemaOf(check: (value: Data) => StandardSchemaV1.Result<Data>): StandardSchemaV1<unknown, Data> {
  return { '~standard': { version: 1, vendor: 'test', validate: (value) => check(value as Data) } }
}

const counter = schemaOf((value) => {
  if (value.count === undefined || typeof value.count === 'number') return { value: { count: 0, ...value } }
  return { issues: [{ message: 'expected a number', path: ['count'] }] }
})

/** Somebody signed in whose stored data is `data`. */
async function stored(
  data: object,
  options: Partial<SessionsOptions<Data>>,
  extra: Record<string, string> = {},
): Promise<Scenario> {
  const scenario = await signedIn(options)
  scenario.store.write(scenario.store.only.id, { data: JSON.stringify(data), extra })
  return scenario
}

describe('schema', () => {
  it('refuses data that does not fit, with the path, and saves nothing', async () => {
    const { browser, store } = await stored({ count: 1 }, { schema: counter })
    const session = await browser.open()
    session.data.count = 'many'
    const error = await failure(session.commit())
    expect(error).toBeInstanceOf(ValueError)
    expect(error).toMatchObject({ path: 'count', message: expect.stringContaining('expected a number') })
    expect(store.only.data).toBe('{"count":1}')
  })

  it('joins the segments of a path, objects and keys alike', async () => {
    const path = ['cart', { key: 'items' }, 3]
    const { browser } = setUp({ schema: schemaOf(() => ({ issues: [{ message: 'no', path }] })) })
    const session = await browser.open()
    session.data.cart = 1
    expect(await failure(session.commit())).toMatchObject({ path: 'cart.items.3' })
  })

  it('says something useful when the schema says nothing', async () => {
    const { browser } = setUp({ schema: schemaOf(() => ({ issues: [] })) })
    const session = await browser.open()
    session.data.cart = 1
    expect((await failure(session.commit())).message).toContain('does not fit the schema')
  })

  it('shapes what is read, without writing for that alone', async () => {
    const { browser, store } = await stored({ name: 'x' }, { schema: counter })
    const session = await browser.request((current) => {
      expect(current.data).toEqual({ name: 'x', count: 0 })
    })
    expect(store.drain()).toEqual(['get'])
    session.data.name = 'y'
    await session.commit()
    expect(JSON.parse(store.only.data)).toEqual({ count: 0, name: 'y' })
  })

  it('is not asked about no data', async () => {
    const never = schemaOf(() => {
      throw new Error('asked')
    })
    const { browser } = setUp({ schema: never })
    expect((await browser.open()).data).toEqual({})
  })

  it('is not asked where nothing was changed or read', async () => {
    const { browser } = await stored({ count: 'many' }, { schema: counter })
    await browser.request()
  })

  it('cannot be asynchronous', async () => {
    // A schema that breaks the promise of its type, as a JavaScript caller may have it.
    const slow = schemaOf((() => Promise.resolve({ value: {} })) as never)
    const { browser } = setUp({ schema: slow })
    const session = await browser.open()
    session.data.cart = 1
    expect(await failure(session.commit())).toBeInstanceOf(ConfigError)
  })
})

describe('stored data that does not fit', () => {
  it('throws where it is read, by default', async () => {
    const { browser, store } = await stored({ count: 'many' }, { schema: counter })
    const session = await browser.open()
    expect(() => session.data).toThrow(/session\.data\.count: the stored value does not fit the schema/)
    expect(() => session.update('count', () => 1)).toThrow(ValueError)
    expect(store.only.data).toBe('{"count":"many"}')
  })

  it('drop: is forgotten at the next commit, the session goes on', async () => {
    const { browser, store } = await stored({ count: 'many', name: 'x' }, { schema: counter, onInvalid: 'drop' })
    const session = await browser.request((current) => {
      expect(current.data).toEqual({})
      current.data.count = 3
    })
    expect(session.subject).toBe('ada')
    expect(JSON.parse(store.only.data)).toEqual({ count: 3 })
  })

  it('end: ends the session where it is read, and leaves the cookie alone', async () => {
    const { browser, store } = await stored({ count: 'many' }, { schema: counter, onInvalid: 'end' })
    const session = await browser.open()
    expect(session.subject).toBe('ada')
    expect(session.data).toEqual({})
    expect(session.subject).toBeNull()
    await session.commit()
    expect(store.only).toMatchObject({ state: 'ended', endedReason: 'invalid' })
    expect(cookieOf(session)).toBeNull()
    expect((await browser.open()).previous).toEqual({ reason: 'invalid' })
  })

  it('end: what is written next is a new visitor’s', async () => {
    const { browser, store } = await stored({ count: 'many' }, { schema: counter, onInvalid: 'end' })
    const before = store.only.id
    const session = await browser.request((current) => current.update('count', () => 1))
    expect(store.records.get(before)?.state).toBe('ended')
    expect(session.handle).not.toBe(before)
    expect((await browser.open()).data).toEqual({ count: 1 })
  })

  it('end: a sign-out that follows is a sign-out', async () => {
    const { browser, store } = await stored({ count: 'many' }, { schema: counter, onInvalid: 'end' })
    const session = await browser.request((current) => {
      expect(current.data).toEqual({})
      current.signOut()
    })
    expect(store.only.endedReason).toBe('signed-out')
    expect(cookieOf(session)).toBe('')
  })

  it('end: a sign-out before stays one', async () => {
    const { browser, store } = await stored({ count: 'many' }, { schema: counter, onInvalid: 'end' })
    await browser.request((current) => {
      current.signOut()
      expect(current.data).toEqual({})
    })
    expect(store.only.endedReason).toBe('signed-out')
  })
})

describe('version and migrate', () => {
  const migrate = (data: Data, from: number) => ({ ...data, name: `${data.name} since ${from}`, migrated: true })

  it('upgrades older data when it is read and keeps it with the version', async () => {
    const { browser, store } = await stored({ name: 'x' }, { version: 3, migrate }, { 'sess/data-version': '2' })
    await browser.request((session) => {
      expect(session.data).toEqual({ name: 'x since 2', migrated: true })
      session.data.more = 1
    })
    expect(JSON.parse(store.only.data)).toEqual({ name: 'x since 2', migrated: true, more: 1 })
    expect(store.only.extra['sess/data-version']).toBe('3')
    expect((await browser.open()).data.name).toBe('x since 2')
  })

  it('takes data without a version for version 0', async () => {
    const { browser } = await stored({ name: 'x' }, { version: 1, migrate })
    expect((await browser.open()).data.name).toBe('x since 0')
  })

  it('leaves data of this version, and no data, alone', async () => {
    const { browser, store } = await stored({ name: 'x' }, { version: 1, migrate }, { 'sess/data-version': '1' })
    expect((await browser.open()).data).toEqual({ name: 'x' })
    store.write(store.only.id, { data: '', extra: {} })
    expect((await browser.open()).data).toEqual({})
  })

  it('needs a version to migrate to', () => {
    expect(() => setUp({ migrate })).toThrow(/`migrate` needs a `version`/)
  })

  it('keeps what other packages left in extra', async () => {
    const { browser, store } = await stored({ name: 'x' }, { version: 1, migrate }, { other: 'text' })
    await browser.request((session) => {
      session.data.more = 1
    })
    expect(store.only.extra).toEqual({ other: 'text', 'sess/data-version': '1' })
  })

  it('comes before the schema', async () => {
    const schema = schemaOf((value) => (value.migrated === true ? { value } : { issues: [{ message: 'old' }] }))
    const { browser } = await stored({ name: 'x' }, { version: 1, migrate, schema })
    expect((await browser.open()).data).toMatchObject({ migrated: true })
  })

  it('lets update() begin a key that older data did not have', async () => {
    const { browser, store } = await stored({ name: 'x' }, { version: 1, migrate: (data) => ({ ...data, count: 1 }) })
    await browser.request((session) => {
      session.update('count', (count) => Number(count) + 1)
      session.update('fresh', (value) => value ?? 'begun')
    })
    expect(JSON.parse(store.only.data)).toEqual({ name: 'x', count: 2, fresh: 'begun' })
  })

  it('reaches what a sign-in carries; what does not fit is not carried, or keeps one from signing in', async () => {
    const schema = schemaOf(() => ({ issues: [{ message: 'no' }] }))
    const scenario = (onInvalid: 'end' | 'throw') =>
      stored({ name: 'x' }, { version: 1, migrate, schema, onInvalid, carry: ['name'] })
    const ending = await scenario('end')
    const session = await ending.browser.request((current) => current.signIn('ada'))
    expect(session).toMatchObject({ subject: 'ada', data: {} })
    const throwing = await (await scenario('throw')).browser.open()
    expect(() => throwing.signIn('ada')).toThrow(ValueError)
  })

  it('ends or drops what it cannot make fit', async () => {
    const schema = schemaOf(() => ({ issues: [{ message: 'no' }] }))
    const { browser } = await stored({ name: 'x' }, { version: 1, migrate, schema, onInvalid: 'drop' })
    expect((await browser.open()).data).toEqual({})
  })
})

describe('what merging makes', () => {
  const atMost3 = schemaOf((value) => {
    const { n = 0 } = value as { n?: number }
    return n > 3 ? { issues: [{ message: 'too much', path: ['n'] }] } : { value: value as Record<string, unknown> }
  })

  it('is refused if it does not fit the schema, though each part does', async () => {
    const { browser, store } = await stored({ n: 2 }, { schema: atMost3 })
    const [one, two] = [await browser.open(), await browser.open()]
    for (const session of [one, two]) session.update('n', (n) => Number(n) + 1)
    await one.commit()
    await expect(two.commit()).rejects.toMatchObject({ code: 'ERR_SESS_VALUE', path: 'n' })
    expect(JSON.parse(store.only.data)).toEqual({ n: 3 })
  })
})

describe('stored data that cannot be decoded', () => {
  const corrupt = async (onInvalid: 'throw' | 'drop' | 'end', data = '{"name":"x') => {
    const scenario = await stored({ name: 'x' }, { onInvalid })
    scenario.store.write(scenario.store.only.id, { data })
    return scenario
  }

  it.each(['{"name":"x', 'x', '{"a" 1}', '{"a', '[1]]', '\u0000', 'null'])(
    'throws a typed error where it is read: %j',
    async (data) => {
      const session = await (await corrupt('throw', data)).browser.open()
      expect(() => session.data).toThrow(ValueError)
    },
  )

  it('is forgotten under drop', async () => {
    const { browser, store } = await corrupt('drop')
    const session = await browser.request((current) => {
      current.data.name = 'new'
    })
    expect(session.data).toEqual({ name: 'new' })
    expect(JSON.parse(store.only.data)).toEqual({ name: 'new' })
  })

  it('ends the session under end', async () => {
    const { browser, store } = await corrupt('end')
    await browser.request((session) => expect(session.data).toEqual({}))
    expect(store.only.endedReason).toBe('invalid')
  })
})

describe('codec', () => {
  /** Writes dates as text with a mark, everything else as JSON. */
  const dates: Codec = {
    stringify: (value) => (value instanceof Date ? `date:${value.getTime()}` : JSON.stringify(value)),
    parse: (text) => (text.startsWith('date:') ? new Date(Number(text.slice(5))) : JSON.parse(text)),
  }

  it('brings back what JSON could not', async () => {
    const { browser } = await signedIn({ codec: dates })
    await browser.request((session) => {
      session.data.at = new Date(7)
      session.data.name = 'x'
    })
    const session = await browser.open()
    expect(session.data).toEqual({ at: new Date(7), name: 'x' })
  })

  it('merges by key like JSON, update functions included', async () => {
    const { browser } = await signedIn({ codec: dates })
    await browser.request((session) => {
      session.data.at = new Date(1)
    })
    const [one, two] = [await browser.open(), await browser.open()]
    const later = (value: unknown) => new Date((value as Date).getTime() + 1)
    one.update('at', later)
    two.update('at', later)
    two.data.name = 'x'
    await one.commit()
    await two.commit()
    expect(two.data.at).toEqual(new Date(3))
    expect((await browser.open()).data).toEqual({ at: new Date(3), name: 'x' })
  })

  it('is told apart when it cannot encode a value', async () => {
    const refusing: Codec = {
      stringify: () => {
        throw new TypeError('circular')
      },
      parse: () => null,
    }
    const { browser } = setUp({ codec: refusing })
    const session = await browser.open()
    session.data.cart = 1
    const error = await failure(session.commit())
    expect(error).toBeInstanceOf(ValueError)
    expect(error).toMatchObject({ path: 'cart', cause: expect.any(TypeError) })
  })
})
