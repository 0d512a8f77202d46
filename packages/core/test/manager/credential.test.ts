import { HeadersSentError, StoreUnavailableError } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { Browser, cookieOf, failure, HOUR, MINUTE, type Scenario, setUp, signedIn } from './scenario.ts'
import { after, fails, losesAnswer } from './scripted-store.ts'

const OLD = '$2b$10$old'
const NEW = '$argon2id$new'

/** Somebody signed in with a stamp. */
async function stamped(credential = OLD, options: Parameters<typeof setUp>[0] = {}): Promise<Scenario> {
  const scenario = setUp(options)
  await scenario.browser.request((session) => session.signIn('ada', { credential }))
  scenario.store.drain()
  scenario.drainEvents()
  return scenario
}

describe('a credential stamp', () => {
  it('is kept as a digest, of which no two are alike', async () => {
    const { sessions, store, browser } = await stamped()
    await new Browser(sessions).request((session) => session.signIn('ada', { credential: OLD }))
    const digests = [...store.records.values()].map(({ credential }) => credential)
    expect(new Set(digests).size).toBe(2)
    for (const digest of digests) expect(digest).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(JSON.stringify([...store.records.values()])).not.toContain(OLD)
    expect(await (await browser.open()).verifyCredential(OLD)).toBe(true)
  })

  it('does not depend on the key, so that keys can be changed', async () => {
    const keys = ['p7Qx2mW9aZ4tR8vB1nC6yK3dF5gH0jL_sE-uIoTqXwM', 'x7Qx2mW9aZ4tR8vB1nC6yK3dF5gH0jL_sE-uIoTqXwM']
    const { browser, store } = await stamped(OLD, { keys })
    const swapped = setUp({ keys: keys.toReversed(), store })
    const other = new Browser(swapped.sessions)
    other.cookie = browser.cookie
    expect(await (await other.open()).verifyCredential(OLD)).toBe(true)
  })

  it('is erased when the session ends', async () => {
    const { browser, store } = await stamped()
    await browser.request((session) => session.signOut())
    expect(store.only.credential).toBeNull()
  })

  it.each(['', null, 42, {}])('has to be text: %j', async (credential) => {
    const { browser } = await signedIn()
    const session = await browser.open()
    // What JavaScript callers may hand in.
    expect(() => session.signIn('ada', { credential: credential as string })).toThrow(
      /signIn\(…, \{ credential \}\) needs a non-empty text/,
    )
    expect(() => session.reauthenticate({ method: 'pwd', credential: credential as string })).toThrow(
      /reauthenticate\(\{ credential \}\) needs a non-empty text/,
    )
    for (const given of [credential, [credential], [OLD, credential], []] as string[]) {
      await expect(session.verifyCredential(given)).rejects.toThrow(/^verifyCredential\(current\) needs/)
    }
  })
})

describe('verifyCredential()', () => {
  it('is true while the credential is the same, and costs nothing', async () => {
    const { browser, store, events } = await stamped()
    const session = await browser.request(async (current) => {
      expect(await current.verifyCredential(OLD)).toBe(true)
      expect(await current.verifyCredential([OLD, 'older'])).toBe(true)
    })
    expect(session.subject).toBe('ada')
    expect(store.drain()).toEqual(['get'])
    expect(events).toEqual([])
  })

  it('is true for a session without a stamp, and leaves it without', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.request(async (current) => {
      expect(await current.verifyCredential([NEW, OLD])).toBe(true)
    })
    expect(session.subject).toBe('ada')
    expect(store.drain()).toEqual(['get'])
    expect(store.only.credential).toBeNull()
  })

  it('is false where nobody is signed in', async () => {
    const { browser, store } = setUp()
    const visitor = await browser.open()
    expect(await visitor.verifyCredential(OLD)).toBe(false)
    const { browser: known } = await stamped()
    const leaving = await known.open()
    leaving.signOut()
    expect(await leaving.verifyCredential(OLD)).toBe(false)
    expect(store.calls).toEqual([])
  })

  it('ends the session when the credential has changed, at once and durably', async () => {
    const { browser, store, events } = await stamped()
    const session = await browser.open()
    session.data.cart = 1
    expect(await session.verifyCredential(NEW)).toBe(false)
    expect(session).toMatchObject({ state: 'anonymous', subject: null, data: {}, previous: { reason: 'credential' } })
    expect(store.calls).toMatchObject([
      { operation: 'get' },
      { operation: 'get' },
      { operation: 'replace', durability: 'replicated', record: { state: 'ended', endedReason: 'credential' } },
    ])
    expect(events).toMatchObject([{ type: 'ended', reason: 'credential', subject: 'ada' }])
    await session.commit()
    expect(cookieOf(session)).toBeNull()
    expect(await browser.open()).toMatchObject({ state: 'anonymous', previous: { reason: 'credential' } })
  })

  it('goes on as a new visitor after that', async () => {
    const { browser, store } = await stamped()
    const session = await browser.request(async (current) => {
      await current.verifyCredential(NEW)
      current.data.cart = 1
    })
    expect(session.subject).toBeNull()
    expect((await browser.open()).data).toEqual({ cart: 1 })
    expect(store.records.size).toBe(2)
  })

  it('that cannot end the session rejects, and the request is signed out', async () => {
    const { browser, store } = await stamped()
    const session = await browser.open()
    store.next('replace', fails, fails)
    await expect(session.verifyCredential(NEW)).rejects.toBeInstanceOf(StoreUnavailableError)
    expect(session).toMatchObject({ state: 'anonymous', subject: null })
    expect((await browser.open()).subject).toBe('ada')
    expect(await (await browser.open()).verifyCredential(NEW)).toBe(false)
  })

  it('that cannot look again rejects, and ends nothing', async () => {
    const { browser, store } = await stamped()
    const session = await browser.open()
    store.next('get', fails)
    const error = await failure(session.verifyCredential(NEW))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('(get)')
    expect(store.only.state).toBe('authenticated')
  })

  it('works after the headers have left, and on a locked session', async () => {
    const { browser, store } = await stamped()
    await browser.request((session) => session.lock())
    const locked = await browser.open()
    expect(await locked.verifyCredential(OLD)).toBe(true)
    expect(locked.state).toBe('locked')
    const upgrade = await browser.open({ upgrade: true })
    expect(await upgrade.verifyCredential([NEW, OLD])).toBe(true)
    expect(upgrade.state).toBe('locked')
    expect(await upgrade.verifyCredential('x')).toBe(false)
    expect(store.only).toMatchObject({ state: 'ended', endedReason: 'credential' })
  })

  it('finds a session gone from the store as good as ended', async () => {
    const { browser, store } = await stamped()
    const session = await browser.open()
    store.records.clear()
    expect(await session.verifyCredential(NEW)).toBe(false)
    expect(session.subject).toBeNull()
  })

  it('of a session being signed in compares with what it is signed in with', async () => {
    const { browser } = setUp()
    const session = await browser.open()
    session.signIn('ada')
    expect(await session.verifyCredential(OLD)).toBe(true)
    session.signIn('ada', { credential: OLD })
    expect(await session.verifyCredential([NEW, OLD])).toBe(true)
    session.reauthenticate({ method: 'pwd', credential: NEW })
    session.reauthenticate({ method: 'otp' })
    expect(await session.verifyCredential(OLD)).toBe(false)
    expect(session.subject).toBeNull()
  })

  it('of a session being signed in without a stamp has nothing to compare, whatever the one before has', async () => {
    const { browser } = await stamped()
    const session = await browser.open()
    session.signIn('ada')
    expect(await session.verifyCredential(NEW)).toBe(true)
  })

  it('compares with the stamp that a proof of this request gives, not with the one it takes the place of', async () => {
    const { browser } = await stamped()
    const session = await browser.open()
    session.reauthenticate({ method: 'pwd', credential: NEW })
    expect(await session.verifyCredential(OLD)).toBe(false)
    expect(session.subject).toBeNull()
  })
})

describe('an older form of the same credential', () => {
  it('gives way to the new one, without a sign-out', async () => {
    const { browser, store, events } = await stamped()
    const session = await browser.request(async (current) => {
      expect(await current.verifyCredential([NEW, OLD])).toBe(true)
    })
    expect(store.drain()).toEqual(['get', 'replace'])
    expect(session).toMatchObject({ subject: 'ada', generation: 0 })
    expect(cookieOf(session)).toBeNull()
    expect(events).toEqual([])
    expect(await (await browser.open()).verifyCredential(NEW)).toBe(true)
    expect(await (await browser.open()).verifyCredential(OLD)).toBe(false)
  })

  it('takes what else the request has to save with it, or leaves it to be saved', async () => {
    const { browser, store, clock } = await stamped()
    clock.advance(16 * MINUTE)
    await browser.request()
    expect(store.only.confirmedAt).toBeNull()
    await browser.request(async (session) => {
      expect(await session.verifyCredential([NEW, OLD])).toBe(true)
      session.data.cart = 1
    })
    expect(store.only).toMatchObject({ generation: 1, confirmedAt: clock.now(), data: '{"cart":1}' })
  })

  it('takes what the load left to write with it, so that nothing is left', async () => {
    const { browser, store, clock } = await stamped()
    clock.advance(16 * MINUTE)
    await browser.request()
    const session = await browser.open()
    store.drain()
    expect(await session.verifyCredential([NEW, OLD])).toBe(true)
    expect(store.only.confirmedAt).toBe(clock.now())
    await session.commit()
    expect(store.drain()).toEqual(['replace'])
  })

  it('leaves what the load left to write where another request wrote first', async () => {
    const { browser, store, clock } = await stamped()
    clock.advance(16 * MINUTE)
    await browser.request()
    const session = await browser.open()
    store.next(
      'replace',
      after(() => store.write(store.only.id, { data: '{"cart":1}' })),
    )
    await session.verifyCredential([NEW, OLD])
    store.drain()
    await session.commit()
    expect(store.drain()).toEqual(['replace'])
  })

  it('is left as it is where the session has run out meanwhile, which the next request finds', async () => {
    const { browser, store, clock } = await stamped()
    const session = await browser.open()
    store.drain()
    clock.advance(25 * HOUR)
    expect(await session.verifyCredential([NEW, OLD])).toBe(true)
    expect(store.drain()).toEqual([])
    expect(session.subject).toBe('ada')
  })

  it('is upgraded over the write of another request, which is kept', async () => {
    const { browser, store, clock } = await stamped()
    clock.advance(16 * MINUTE)
    await browser.request()
    const session = await browser.open()
    store.next(
      'replace',
      after(() => store.write(store.only.id, { data: '{"cart":1}' })),
    )
    expect(await session.verifyCredential([NEW, OLD])).toBe(true)
    session.data.theme = 'dark'
    await session.commit()
    expect(JSON.parse(store.only.data)).toEqual({ cart: 1, theme: 'dark' })
    expect(store.only.confirmedAt).toBe(clock.now())
    expect(await (await browser.open()).verifyCredential(NEW)).toBe(true)
  })

  it('is upgraded once by requests that come together', async () => {
    const { browser, store } = await stamped()
    const all = await Promise.all([browser.open(), browser.open(), browser.open()])
    store.drain()
    const verified = await Promise.all(all.map((session) => session.verifyCredential([NEW, OLD])))
    expect(verified).toEqual([true, true, true])
    expect(store.drain()).toEqual(['replace'])
  })

  it.each([
    ['has ended', { state: 'ended', endedReason: 'revoked', endedAt: 0 } as const],
    ['has another stamp', { credential: 'x'.repeat(43) }],
    ['was locked', { state: 'locked' } as const],
  ])('is left alone when the session %s meanwhile', async (_, change) => {
    const { browser, store } = await stamped()
    const session = await browser.open()
    const { id } = store.only
    const changed = store.write(id, change)
    expect(await session.verifyCredential([NEW, OLD])).toBe(true)
    expect(store.only).toEqual(changed)
  })

  it('that cannot be upgraded costs nobody a page', async () => {
    const { browser, store, events } = await stamped()
    store.next('replace', fails, fails)
    const session = await browser.request(async (current) => {
      expect(await current.verifyCredential([NEW, OLD])).toBe(true)
    })
    expect(session.subject).toBe('ada')
    expect(events).toMatchObject([{ type: 'store-failed', operation: 'replace', fatal: false }])
    expect(await (await browser.open()).verifyCredential([NEW, OLD])).toBe(true)
    expect(await (await browser.open()).verifyCredential(NEW)).toBe(true)
  })

  it('is upgraded once when the answer is lost', async () => {
    const { browser, store } = await stamped()
    store.next('replace', losesAnswer)
    const session = await browser.open()
    store.drain()
    expect(await session.verifyCredential([NEW, OLD])).toBe(true)
    expect(store.drain()).toEqual(['replace', 'get'])
    expect(await (await browser.open()).verifyCredential(NEW)).toBe(true)
  })
})

describe('the session in which the password was changed', () => {
  it('stays, with a new token; the others end when they look', async () => {
    const { sessions, browser, clock } = await stamped()
    const other = new Browser(sessions)
    await other.request((session) => session.signIn('ada', { credential: OLD }))
    const changed = await browser.request((session) => {
      session.reauthenticate({ method: 'pwd', credential: NEW })
    })
    expect(changed).toMatchObject({ subject: 'ada', generation: 1, auth: { at: clock.now(), methods: ['pwd'] } })
    expect(await (await browser.open()).verifyCredential(NEW)).toBe(true)
    expect(await (await other.open()).verifyCredential(NEW)).toBe(false)
    expect((await other.open()).previous).toEqual({ reason: 'credential' })
  })

  it('keeps its stamp when a proof gives none', async () => {
    const { browser } = await stamped()
    await browser.request((session) => session.reauthenticate({ method: 'otp' }))
    expect(await (await browser.open()).verifyCredential(OLD)).toBe(true)
  })

  it('is not ended by its own slow requests, which have read the stamp from before', async () => {
    const { browser, store } = await stamped()
    const slow = await browser.open()
    await browser.request((session) => session.reauthenticate({ method: 'pwd', credential: NEW }))
    expect(await slow.verifyCredential(NEW)).toBe(true)
    expect(store.only.state).toBe('authenticated')
    expect((await browser.open()).subject).toBe('ada')
  })

  it('gets its stamp with the token, so not after the headers have left', async () => {
    const { browser } = await stamped()
    const session = await browser.open({ upgrade: true })
    expect(() => session.reauthenticate({ method: 'pwd', credential: NEW })).toThrow(HeadersSentError)
  })
})
