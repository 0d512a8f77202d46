import { ConfigError, HeadersSentError } from '@sess/core'
import { finish } from '@sess/core/http'
import { describe, expect, it } from 'vitest'
import { cookieOf, failure, HOUR, MINUTE, type Scenario, setUp, signedIn } from './scenario.ts'
import { fails, hangs } from './scripted-store.ts'

/** Root, acting as ada. */
async function acting(options: Parameters<typeof setUp>[0] = {}): Promise<Scenario> {
  const scenario = await signedIn(options, 'root')
  await scenario.browser.request((session) => session.actAs('ada'))
  scenario.store.drain()
  scenario.drainEvents()
  return scenario
}

describe('actAs()', () => {
  it('issues a session of the subject, keeps what the actor goes back to, and ends the one of the actor', async () => {
    const { browser, store, clock, events, drainEvents } = await signedIn({ device: true }, 'root')
    const { id } = store.only
    await browser.request((session) => session.reauthenticate({ method: 'otp', level: 2 }))
    drainEvents()
    clock.advance(MINUTE)
    store.drain()
    const session = await browser.request((current) => current.actAs('ada'))
    expect(store.drain()).toEqual(['get', 'create', 'replace'])
    const { absoluteAt } = store.records.get(id)!
    expect(store.records.get(session.handle!)).toMatchObject({
      state: 'authenticated',
      subject: 'ada',
      auth: null,
      credential: null,
      persistent: false,
      data: '',
      absoluteAt: clock.now() + HOUR,
      actor: { subject: 'root', auth: { methods: ['otp'], level: 2 }, absoluteAt, persistent: false },
    })
    expect(store.records.get(id)).toMatchObject({ state: 'ended', endedReason: 'replaced' })
    expect(events.at(-1)).toMatchObject({
      ...{ type: 'impersonation-started', actor: 'root', subject: 'ada' },
      ...{ replaced: id, absoluteAt: clock.now() + HOUR },
    })
    expect(drainEvents()).toEqual(['ended', 'impersonation-started'])
  })

  it('takes a proof of the same request for one of the actor', async () => {
    const { browser, store } = await signedIn({}, 'root')
    const session = await browser.request((current) => {
      current.reauthenticate({ method: 'otp' })
      current.actAs('ada')
    })
    expect(session.auth).toBeNull()
    expect(store.records.get(session.handle!)?.actor?.auth).toMatchObject({ methods: ['otp'] })
  })

  it('takes a proof that follows for one of the subject', async () => {
    const { browser } = await acting()
    const before = await browser.open()
    expect(before.isFresh('5m')).toBe(false)
    expect(() => before.requireFresh('5m')).toThrow(expect.objectContaining({ reason: 'impersonated' }))
    const session = await browser.request((current) => {
      current.reauthenticate({ method: 'pwd' })
      expect(current.isFresh('5m')).toBe(true)
    })
    expect(session).toMatchObject({ subject: 'ada', actor: 'root', auth: { methods: ['pwd'] } })
    expect(session.isFresh('5m')).toBe(true)
  })

  it.each([undefined, null, '', 42])('needs a subject that is text: %j', async (subject) => {
    const { browser } = await signedIn({}, 'root')
    const session = await browser.open()
    // What JavaScript callers may hand in.
    expect(() => session.actAs(subject as string)).toThrow(/actAs\(subject\) needs a non-empty string/)
  })

  it('needs a duration that is longer than 0', async () => {
    const { browser } = await signedIn({}, 'root')
    const session = await browser.open()
    expect(() => session.actAs('ada', { absolute: 0 })).toThrow(/`?actAs\(…, \{ absolute \}\) must be longer than 0/)
    expect(() => session.actAs('ada', { absolute: '5' as '5m' })).toThrow(/`absolute` is "5"/)
  })

  it('lasts no longer than the session of the actor', async () => {
    const { browser, store, clock } = await signedIn({ idle: false }, 'root')
    const { absoluteAt } = store.only
    clock.advance(23 * HOUR)
    await browser.request((session) => session.actAs('ada', { absolute: '90m' }))
    expect((await browser.open()).absoluteAt).toBe(absoluteAt)
  })

  it('needs an actor who is signed in in person, is who you asked about, and somebody else', async () => {
    const { browser } = await signedIn({}, 'root')
    const session = await browser.open()
    expect(() => session.actAs('ada', { by: 'eve' })).toThrow(/somebody else is signed in here than the one you asked/)
    expect(() => session.actAs('root', { by: 'root' })).toThrow(/needs somebody else than the one who is signed in/)
    session.actAs('ada', { by: 'root' })
    await session.commit()
    expect(() => session.actAs('bob')).toThrow(expect.objectContaining({ status: 409, reason: 'acting' }))
    expect(() => session.actAs('bob')).toThrow(/not possible while acting: stopActing\(\) comes first/)
  })

  it('needs a session that is stored, in this request alone', async () => {
    const { browser } = await signedIn({}, 'root')
    const signingIn = await browser.open()
    signingIn.signIn('root')
    expect(() => signingIn.actAs('ada')).toThrow(/await session\.commit\(\)` comes between/)
    await signingIn.commit()
    browser.receive(signingIn)
    signingIn.actAs('ada')
    expect(() => signingIn.actAs('bob')).toThrow(ConfigError)
    expect(() => signingIn.stopActing()).toThrow(ConfigError)
    const signingOut = await browser.open()
    signingOut.signOut()
    expect(() => signingOut.actAs('ada')).toThrow(expect.objectContaining({ reason: 'anonymous' }))
    const visitor = await setUp().browser.request((session) => {
      session.data.cart = []
    })
    expect(() => visitor.actAs('ada')).toThrow(expect.objectContaining({ reason: 'anonymous' }))
    expect(() => visitor.actAs('ada')).toThrow(/actAs\(\) needs a signed-in session; nobody is signed in/)
    expect([visitor.actor, (await setUp().browser.open()).actor]).toEqual([null, null])
    const upgrade = await browser.open({ upgrade: true })
    expect(() => upgrade.actAs('ada')).toThrow(HeadersSentError)
    expect(() => upgrade.actAs('ada')).toThrow(/^actAs\(\) /)
    expect(() => upgrade.stopActing()).toThrow(/^stopActing\(\) /)
  })

  it('is not possible from a stand-in, and going back neither', async () => {
    const { browser } = await acting()
    const older = browser.copy()
    await browser.request((session) => session.rotate({ hard: true }))
    const session = await older.open()
    expect(() => session.actAs('bob')).toThrow(expect.objectContaining({ reason: 'superseded' }))
    expect(() => session.stopActing()).toThrow(expect.objectContaining({ reason: 'superseded' }))
  })

  it.each([
    ['ended', { state: 'ended', endedReason: 'revoked', endedAt: 0 }],
    ['locked', { state: 'locked' }],
    ['superseded', { hardRotations: 1 }],
    ['ended', { absoluteAt: 0 }],
  ] as const)('leaves nothing behind when the session of the actor is %s meanwhile', async (reason, change) => {
    const { browser, store } = await signedIn({}, 'root')
    const { id } = store.only
    const session = await browser.open()
    session.actAs('ada')
    store.write(id, change)
    expect(await failure(session.commit())).toMatchObject({ code: 'ERR_SESS_INTERRUPTED', reason })
    expect(cookieOf(session)).toBeNull()
    const fresh = [...store.records.values()].filter((record) => record.subject === 'ada')
    expect(fresh).toMatchObject([{ state: 'ended', endedReason: 'revoked' }])
  })

  it('leaves nothing behind when the session of the actor is gone, or the store fails', async () => {
    const { browser, store } = await signedIn({}, 'root')
    const kept = store.only
    const gone = await browser.open()
    gone.actAs('ada')
    store.records.delete(kept.id)
    expect(await failure(gone.commit())).toMatchObject({ reason: 'ended' })
    store.records.clear()
    store.records.set(kept.id, kept)
    const failing = await browser.open()
    failing.actAs('ada')
    store.next('replace', fails, fails)
    expect(await failure(failing.commit())).toMatchObject({ status: 503 })
    expect([...store.records.values()].filter(({ subject }) => subject === 'ada')).toMatchObject([{ state: 'ended' }])
    expect(store.records.get(kept.id)?.state).toBe('authenticated')
  })

  it('is dropped by an answer of 500', async () => {
    const { browser, store } = await signedIn({}, 'root')
    const session = await browser.open()
    session.actAs('ada')
    await finish(session, 500)
    expect(session).toMatchObject({ subject: 'root', actor: null })
    expect(store.only.subject).toBe('root')
  })
})

describe('stopActing()', () => {
  it('gives the actor a new session with the proof, the persistence and the deadline of before', async () => {
    const scenario = setUp({ persistent: { absolute: '10d' } })
    const { browser, store, clock, drainEvents } = scenario
    await browser.request((session) => session.signIn('root', { persistent: true, methods: ['pwd'], level: 1 }))
    const before = store.only
    clock.advance(HOUR)
    await browser.request((session) => session.actAs('ada'))
    clock.advance(MINUTE)
    drainEvents()
    const session = await browser.request((current) => {
      current.stopActing()
      expect(current).toMatchObject({ subject: 'root', actor: null, persistent: true })
      expect(current.isFresh('2h')).toBe(true)
      expect(current.isFresh('1h')).toBe(false)
    })
    const { subject, auth, persistent, absoluteAt } = before
    expect(store.records.get(session.handle!)).toMatchObject({
      ...{ subject, auth, persistent, absoluteAt },
      ...{ actor: null, data: '' },
    })
    expect(store.records.get(session.handle!)?.createdAt).toBe(clock.now())
    expect(drainEvents()).toEqual(['ended', 'impersonation-ended', 'signed-in'])
  })

  it('proves the actor anew, if asked in the same request', async () => {
    const { browser } = await acting()
    const session = await browser.request((current) => {
      current.stopActing()
      current.reauthenticate({ method: 'otp' })
    })
    expect(session.auth?.methods).toEqual(['otp'])
  })

  it('changes nothing where nobody acts', async () => {
    const { browser, store } = await signedIn()
    await browser.request((session) => session.stopActing())
    expect(store.drain()).toEqual(['get'])
    const ended = await browser.open()
    ended.signOut()
    expect(() => ended.stopActing()).not.toThrow()
  })

  it('is not possible while locked: who sits there now is not known', async () => {
    const { browser, clock } = await acting({ onIdle: 'lock' })
    clock.advance(30 * MINUTE)
    const session = await browser.open()
    expect(session).toMatchObject({ state: 'locked', subject: null, lockedSubject: 'ada', actor: 'root' })
    expect(() => session.stopActing()).toThrow(expect.objectContaining({ reason: 'locked' }))
  })
})

describe('while somebody acts', () => {
  it('every event says so, the end in two', async () => {
    const { browser, events } = await acting()
    await browser.request((session) => session.lock())
    await browser.request((session) => session.signOut())
    const about = { subject: 'ada', actor: 'root' }
    expect(events).toMatchObject([
      { type: 'locked', ...about },
      { type: 'ended', ...about, reason: 'signed-out' },
      { type: 'impersonation-ended', ...about, reason: 'signed-out' },
    ])
  })

  it('a sign-out is all there is to see, at once', async () => {
    const { browser } = await acting()
    const session = await browser.open()
    session.signOut()
    expect(session).toMatchObject({ state: 'anonymous', subject: null, actor: null })
  })

  it('a sign-in ends the acting and inherits nothing, of the same subject neither', async () => {
    const { browser, store } = await acting({ carry: ['cart'] })
    await browser.request((session) => {
      session.data.cart = ['planted']
    })
    const session = await browser.request((current) => {
      current.signIn('ada')
      expect(current).toMatchObject({ actor: null, data: {} })
    })
    expect(store.records.get(session.handle!)).toMatchObject({ subject: 'ada', actor: null, data: '' })
  })

  it('a store that hangs leaves the session as it was', async () => {
    const { browser, store } = await acting({ storeTimeout: 20 })
    const session = await browser.open()
    session.stopActing()
    store.next('create', hangs, hangs)
    expect(await failure(session.commit())).toMatchObject({ status: 503 })
    expect(await browser.open()).toMatchObject({ subject: 'ada', actor: 'root' })
  })
})
