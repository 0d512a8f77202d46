import { type Session, StoreUnavailableError } from '@sess/core'
import { finish } from '@sess/core/http'
import { describe, expect, it } from 'vitest'
import { type Data, failure, setUp, signedIn } from './scenario.ts'
import { type Act, after, fails, gate } from './scripted-store.ts'

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

describe('while a commit is under way', () => {
  async function underWay(intend: (session: Session<Data>) => void) {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    intend(session)
    const { act, reached, open } = gate()
    store.next('replace', act)
    const committing = session.commit()
    await reached
    const finishes = async () => {
      open()
      await committing
      await session.commit()
    }
    return { session, finishes }
  }

  it('its intents are seen, and those that came since', async () => {
    const { session, finishes } = await underWay((current) => current.lock())
    expect(session.state).toBe('locked')
    session.reauthenticate({ method: 'password' })
    expect(session.state).toBe('authenticated')
    await finishes()
    expect(session.state).toBe('authenticated')
  })

  it('a sign-out or a sign-in since is seen instead', async () => {
    const one = await underWay((session) => session.lock())
    one.session.signOut()
    expect(one.session.state).toBe('anonymous')
    await one.finishes()
    const two = await underWay((session) => session.lock())
    two.session.signIn('grace')
    expect(two.session.subject).toBe('grace')
    await two.finishes()
  })
})

describe('a change made while a commit is under way', () => {
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

  it('is not lost either if it is a plain change', async () => {
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
    expect(error.message).toContain('(replace)')
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
    expect(error.cause).toBeInstanceOf(StoreUnavailableError)
  })
})
