import { runInNewContext } from 'node:vm'
import { createSessions } from '@sess/core'
import { finish } from '@sess/core/http'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Browser, type Data, failure, MINUTE, SECOND, setUp, signedIn } from './scenario.ts'
import { type Act, after, fails, gate } from './scripted-store.ts'

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index * 7)

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a second commit of the same request', () => {
  it('keeps what a concurrent request saved between its first commit and its second', async () => {
    const { store, browser } = await signedIn()
    await browser.request((session) => {
      session.data.mine = 1
    })
    const slow = await browser.open()
    slow.data.mine = 2
    await browser.request((session) => {
      session.data.theirs = 'acknowledged'
    })
    await slow.commit()
    slow.data.later = true
    await slow.commit()
    expect(JSON.parse(store.only.data)).toEqual({ mine: 2, theirs: 'acknowledged', later: true })
  })
})

describe('commits of one request at the same time', () => {
  it('issue one session', async () => {
    const { store, browser, drainEvents } = setUp()
    const session = await browser.open()
    session.signIn('ada')
    await Promise.all([session.commit(), session.commit()])
    expect(store.drain()).toEqual(['create'])
    expect(drainEvents()).toEqual(['signed-in'])
  })

  it('issue one session when the adapter finishes while the handler still commits', async () => {
    const { store, browser } = setUp()
    const session = await browser.open()
    session.signIn('ada')
    const committing = session.commit()
    await finish(session, 200)
    await committing
    expect(store.drain()).toEqual(['create'])
  })
})

describe('an intent that comes while a commit is under way', () => {
  it('is carried out by the next one: sign-out', async () => {
    const { store, browser } = await signedIn()
    const session = await browser.open()
    session.data.cart = [1]
    const { act, reached, open } = gate()
    store.next('replace', act)
    const committing = session.commit()
    await reached
    session.signOut()
    open()
    await committing
    await session.commit()
    expect(store.only.state).toBe('ended')
  })

  it('is carried out by the next one: lock', async () => {
    const { store, browser } = await signedIn()
    const session = await browser.open()
    session.data.cart = [1]
    const { act, reached, open } = gate()
    store.next('replace', act)
    const committing = session.commit()
    await reached
    session.lock()
    open()
    await committing
    await session.commit()
    expect(store.only.state).toBe('locked')
  })
})

describe('a commit that meets a soft rotation by another request', () => {
  it('sends no cookie and reports no rotation of its own', async () => {
    const { browser, clock, drainEvents } = await signedIn()
    clock.advance(14 * MINUTE)
    const slow = await browser.open()
    slow.data.cart = [1]
    clock.advance(2 * MINUTE)
    await browser.request()
    await browser.request()
    clock.advance(14 * MINUTE)
    drainEvents()
    await slow.commit()
    expect(drainEvents()).toEqual([])
    expect(slow.toHeaders().map(([name]) => name)).not.toContain('Set-Cookie')
  })

  it('does not give the client back a token that is about to be retired', async () => {
    const { browser, clock, store } = await signedIn()
    clock.advance(14 * MINUTE)
    const slow = await browser.open()
    slow.data.cart = [1]
    clock.advance(2 * MINUTE)
    await browser.request()
    await browser.request()
    clock.advance(15 * MINUTE - 1)
    await slow.commit()
    clock.advance(1)
    await browser.request()
    await browser.request()
    clock.advance(10 * SECOND)
    browser.receive(slow)
    clock.advance(2 * MINUTE)
    const later = await browser.request()
    expect(later.subject).toBe('ada')
    expect(store.only.endedReason).toBeNull()
  })
})

describe('fingerprint: lock', () => {
  it('opens for the new client once it has proved itself, and stays open', async () => {
    const firefox = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0' }
    const safari = {
      'user-agent':
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15',
    }
    const { browser } = setUp({ fingerprint: 'lock' })
    await browser.request((session) => session.signIn('ada'), { headers: firefox })
    const locked = await browser.request(() => {}, { headers: safari })
    expect(locked.state).toBe('locked')
    await browser.request((session) => session.reauthenticate({ method: 'password' }), { headers: safari })
    const open = await browser.request(() => {}, { headers: safari })
    expect(open.state).toBe('authenticated')
  })
})

describe('migration', () => {
  const options = {
    version: 2,
    migrate: (data: Record<string, unknown>) => ({ ...data, count: Number(data.count) }),
  }

  it('reaches data that a sign-in carries without looking at it', async () => {
    const { browser, store, sessions } = setUp({ ...options, carry: ['count'] })
    await browser.request((session) => {
      session.data.count = 0
    })
    store.write(store.only.id, { data: '{"count":"5"}', extra: {} })
    await browser.request((session) => session.signIn('ada'))
    const next = await browser.open()
    expect(sessions).toBeDefined()
    expect(next.data).toEqual({ count: 5 })
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

describe('session.flash', () => {
  it('refuses assignment in sloppy scripts, so that connect-flash cannot share one store between users', async () => {
    const { browser } = setUp()
    const session = await browser.open()
    const sloppy = 'var all = session.flash = session.flash || {}; (all.info = all.info || []).push("for ada only")'
    expect(() => runInNewContext(sloppy, { session })).toThrow(/session\.data/)
  })

  it('leaves nothing behind that another session could see', async () => {
    const { browser } = setUp()
    const one = await browser.open()
    const two = await browser.open()
    try {
      runInNewContext('var all = session.flash = session.flash || {}; all.info = "for ada only"', { session: one })
    } catch {}
    expect(runInNewContext('try { session.flash.info } catch {}', { session: two })).toBeUndefined()
  })
})

describe('contention until the budget ends', () => {
  it('says that nothing was saved, not that it is unknown', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 20 })
    const session = await browser.open()
    session.data.cart = [1]
    const { id } = store.only
    for (let count = 0; count < 1000; count += 1) {
      store.next('replace', (apply) => {
        store.write(id, { data: `{"n":${count}}` })
        return apply()
      })
    }
    const error = await failure(session.commit())
    expect(error.code).toBe('ERR_SESS_STORE_UNAVAILABLE')
  })
})

describe('a write whose answer never came', () => {
  it('is not called unsaved while it may still land', async () => {
    const { browser, store } = await signedIn({ storeTimeout: 20 })
    const session = await browser.open()
    session.data.cart = [1]
    const landing: (() => unknown)[] = []
    const silent: Act = (apply) => {
      landing.push(apply)
      return new Promise(() => {})
    }
    store.next('replace', silent, silent, silent)
    const error = await failure(session.commit())
    for (const land of landing) land()
    expect(JSON.parse(store.only.data)).toEqual({ cart: [1] })
    expect(error.code).toBe('ERR_SESS_STORE_AMBIGUOUS')
  })
})

describe('a write to the data of a locked session', () => {
  it('does not keep a sign-out from being carried out', async () => {
    const { browser, store } = await signedIn()
    await browser.request((session) => session.lock())
    const session = await browser.open()
    session.data.theme = 'dark'
    session.signOut()
    await session.commit()
    expect(store.only.endedReason).toBe('signed-out')
  })

  it('does not keep a sign-in from being carried out', async () => {
    const { browser } = await signedIn()
    await browser.request((session) => session.lock())
    const session = await browser.open()
    session.data.theme = 'dark'
    session.signIn('ada')
    await session.commit()
    expect(session.subject).toBe('ada')
  })

  it('does not keep a lock from being carried out', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.lock()
    session.data.theme = 'dark'
    const error = await failure(finish(session, 200) ?? Promise.resolve())
    expect(error).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason: 'locked' })
    expect(store.only.state).toBe('locked')
  })
})

describe('one update(), however many commits wait', () => {
  it('is saved once', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.count = 0
    const { act, reached, open } = gate()
    store.next('replace', act)
    const first = session.commit()
    await reached
    const others = [session.commit(), finish(session, 200)]
    session.update('count', (count) => Number(count) + 1)
    open()
    await Promise.all([first, ...others])
    await session.commit()
    expect(JSON.parse(store.only.data)).toEqual({ count: 1 })
    expect(store.drain()).toEqual(['get', 'replace', 'replace'])
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

describe('rotate() that is not due', () => {
  it('writes nothing on an anonymous session', async () => {
    const { browser, store } = setUp()
    await browser.request((session) => {
      session.data.cart = []
    })
    store.drain()
    await browser.request((session) => session.rotate())
    expect(store.drain()).toEqual(['get'])
  })

  it('writes nothing so soon after the last rotation', async () => {
    const { browser, store } = await signedIn()
    await browser.request((session) => session.rotate())
    expect(store.drain()).toEqual(['get'])
  })

  it('does not count as activity on a passive upgrade request', async () => {
    const { browser, store } = await signedIn({ touch: false })
    const session = await browser.open({ upgrade: true })
    session.rotate()
    await session.commit()
    expect(store.drain()).toEqual(['get'])
  })
})

describe('carry: none', () => {
  it('warns in development which keys a sign-in dropped', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { browser } = setUp()
    await browser.request((session) => {
      session.data.cart = [1]
    })
    await browser.request((session) => session.signIn('ada'))
    expect(warn.mock.calls.flat().join('\n')).toContain('cart')
  })
})

describe('lock() after signIn() in one request', () => {
  it('names the new subject as the one who may reopen it', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    session.signIn('grace')
    session.lock()
    expect(session.lockedSubject).toBe('grace')
  })
})

describe('lock()', () => {
  it('hides the data at once', async () => {
    const { browser } = await signedIn()
    await browser.request((session) => {
      session.data.secret = 42
    })
    const session = await browser.open()
    session.lock()
    expect(session.data).toEqual({})
  })

  it('makes later writes of the request throw and keeps earlier ones', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.before = 1
    session.lock()
    expect(() => session.update('after', () => 1)).toThrow(/locked/)
    await session.commit()
    expect(JSON.parse(store.only.data)).toEqual({ before: 1 })
  })

  it('does not swallow a hard rotation that follows it', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.lock()
    let refused = false
    try {
      session.rotate({ hard: true })
    } catch {
      refused = true
    }
    await session.commit()
    expect(refused || store.only.hardRotations === 1).toBe(true)
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

describe('reauthenticate() and data on a locked session', () => {
  it('reports no overwriting of keys that nobody else has changed', async () => {
    const { browser, drainEvents } = await signedIn()
    await browser.request((session) => {
      session.data.theme = 'dark'
    })
    await browser.request((session) => session.lock())
    drainEvents()
    await browser.request((session) => {
      session.reauthenticate({ method: 'password' })
      session.data.theme = 'light'
    })
    expect(drainEvents()).toEqual(['reauthenticated', 'rotated'])
  })
})

describe('carry on conflict', () => {
  it('fails the request when an update function throws, and does not call that a store failure', async () => {
    const { browser, store, drainEvents } = setUp({ carry: ['count'] })
    await browser.request((session) => {
      session.data.count = 1
    })
    const session = await browser.open()
    let runs = 0
    session.update('count', () => {
      runs += 1
      if (runs > 2) throw new Error('the updater failed')
      return 2
    })
    session.signIn('ada')
    const { id } = store.only
    store.next('replace', (apply) => {
      store.write(id, { data: '{"count":7}' })
      return apply()
    })
    drainEvents()
    const error = await failure(session.commit())
    expect(error.message).toBe('the updater failed')
    expect(drainEvents()).not.toContain('store-failed')
  })
})

describe('an update() made while a commit is under way', () => {
  const increment = (count: unknown) => Number(count ?? 0) + 1

  it('is not lost when that commit runs into a conflict', async () => {
    const { browser, store } = await signedIn()
    const { id } = store.only
    const session = await browser.open()
    session.update('count', increment)
    const { act, reached, open } = gate()
    store.next(
      'replace',
      after(() => store.write(id, { data: '{"count":10}' })),
      act,
    )
    const committing = session.commit()
    await reached
    session.update('count', increment)
    open()
    await committing
    await session.commit()
    expect(JSON.parse(store.only.data)).toEqual({ count: 12 })
  })

  it('is run again on what others stored before the next commit', async () => {
    const { browser, store } = await signedIn()
    const { id } = store.only
    const session = await browser.open()
    session.update('count', increment)
    const { act, reached, open } = gate()
    store.next('replace', act)
    const committing = session.commit()
    await reached
    session.update('count', increment)
    open()
    await committing
    store.write(id, { data: '{"count":100}' })
    await session.commit()
    expect(JSON.parse(store.only.data)).toEqual({ count: 101 })
  })

  it('nor is a plain change', async () => {
    const { browser, store } = await signedIn()
    const { id } = store.only
    const session = await browser.open()
    session.update('count', increment)
    const { act, reached, open } = gate()
    store.next(
      'replace',
      after(() => store.write(id, { data: '{"count":10}' })),
      act,
    )
    const committing = session.commit()
    await reached
    session.data.count = 1000
    open()
    await committing
    await session.commit()
    expect(JSON.parse(store.only.data)).toEqual({ count: 1000 })
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

describe('a write to a locked session’s data, then an answer of 500', () => {
  it('is dropped like any other', async () => {
    const { browser } = await signedIn()
    await browser.request((session) => session.lock())
    const session = await browser.open()
    session.data.theme = 'dark'
    expect(finish(session, 500)).toBeUndefined()
  })
})

describe('fingerprint: off', () => {
  it('keeps none on reauthenticate either, with device labels on', async () => {
    const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0' }
    const { browser, store } = setUp({ fingerprint: 'off', device: true })
    await browser.request((session) => session.signIn('ada'), { headers })
    await browser.request((session) => session.reauthenticate({ method: 'password' }), { headers })
    expect(store.only.fingerprint).toBeNull()
  })
})

describe('a commit that succeeds after one that failed', () => {
  it('leaves nothing for later commits to reject with', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.data.cart = 1
    store.next('replace', fails, fails)
    await failure(session.commit())
    session.signIn('ada')
    await session.commit()
    await expect(session.commit()).resolves.toBeUndefined()
  })
})
