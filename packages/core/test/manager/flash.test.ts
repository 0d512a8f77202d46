import { ConfigError, SessionInterruptedError, ValueError } from '@sess/core'
import { finish } from '@sess/core/http'
import { describe, expect, it } from 'vitest'
import { failure, MINUTE, type Scenario, setUp, signedIn } from './scenario.ts'
import { after, fails, gate, hangs, losesAnswer } from './scripted-store.ts'

/** Somebody for whom `messages` were left. */
async function left(...messages: readonly unknown[]): Promise<Scenario> {
  const scenario = await signedIn()
  await scenario.browser.request((session) => {
    for (const message of messages) session.flash('notice', message)
  })
  scenario.store.drain()
  return scenario
}

describe('flash()', () => {
  it('keeps messages out of the data, with the version of the data beside them', async () => {
    const { browser, store } = setUp({ version: 3 })
    await browser.request((session) => {
      session.flash('notice', 'saved')
      session.data.cart = [1]
    })
    expect(store.only).toMatchObject({
      state: 'anonymous',
      data: '{"cart":[1]}',
      extra: { 'sess/data-version': '3', 'sess/flash': '{"notice":["saved"]}' },
    })
  })

  it('makes a visitor a session, and costs one write of a session that there is', async () => {
    const visitor = setUp()
    await visitor.browser.request((session) => session.flash('notice', 1))
    expect(visitor.store.drain()).toEqual(['create'])
    await visitor.browser.request((session) => session.flash('notice', 2))
    expect(visitor.store.drain()).toEqual(['get', 'replace'])
    expect(visitor.store.only.extra).toEqual({ 'sess/flash': '{"notice":[1,2]}' })
  })

  it('adds to what other requests have left meanwhile, once', async () => {
    const { browser, store } = await left('first')
    const session = await browser.open()
    session.flash('notice', 'third')
    store.next(
      'replace',
      after(() => store.write(store.only.id, { extra: { 'sess/flash': '{"notice":["first","second"]}' } })),
      losesAnswer,
    )
    await session.commit()
    expect(store.only.extra).toEqual({ 'sess/flash': '{"notice":["first","second","third"]}' })
  })

  it('leaves nothing in an answer of 500', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    session.flash('notice', 'saved')
    await finish(session, 500)
    expect(store.only.extra).toEqual({})
    expect(await session.takeFlash('notice')).toEqual([])
  })

  it('keeps the last 32 of a key', async () => {
    const { browser } = await left(...Array.from({ length: 30 }, (_, at) => at))
    const session = await browser.request((current) => {
      for (const message of [30, 31, 32]) current.flash('notice', message)
    })
    expect(await session.takeFlash('notice')).toEqual(Array.from({ length: 32 }, (_, at) => at + 1))
  })

  it.each<unknown>([undefined, 7, null])('needs a text as key: %j', async (key) => {
    const session = await setUp().browser.open()
    // What JavaScript callers may hand in.
    expect(() => session.flash(key as string, 'x')).toThrow(ConfigError)
    expect(() => session.flash(key as string, 'x')).toThrow(/^session\.flash\(key\) needs a text as key/)
    const error = await failure(session.takeFlash(key as string))
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toMatch(/^session\.takeFlash\(key\) needs a text as key/)
  })

  it('says what is wrong with a value, and where', async () => {
    const session = await setUp().browser.open()
    const [date, nothing] = [() => session.flash('a', { b: [new Date(0)] }), () => session.flash('a', undefined)]
    expect(date).toThrow(/^session\.flash\(\)\.a\.b\[0\]: a Date would not come back as one/)
    expect(date).toThrow(expect.objectContaining({ code: 'ERR_SESS_VALUE', path: 'a.b[0]' }))
    expect(nothing).toThrow(/^session\.flash\(\)\.a: undefined cannot be stored/)
    expect(nothing).toThrow(ValueError)
  })

  it('throws in a locked session and in a stand-in', async () => {
    const { browser } = await signedIn()
    const older = browser.copy()
    await browser.request((session) => session.rotate({ hard: true }))
    const standIn = await older.open()
    expect(() => standIn.flash('notice', 'x')).toThrow(SessionInterruptedError)
    expect(() => standIn.flash('notice', 'x')).toThrow(/^flash\(\) is not possible/)
    expect(await standIn.takeFlash('notice')).toEqual([])
    await browser.request((session) => session.lock())
    const locked = await browser.open()
    expect(() => locked.flash('notice', 'x')).toThrow(/flash\(\) is not possible: the session is locked/)
  })

  it('uses the codec of the data', async () => {
    const codec = { stringify: (value: unknown) => `<${JSON.stringify(value)}>`, parse: (text: string) => text }
    const { browser } = await signedIn({ codec })
    await browser.request((session) => session.flash('notice', { a: 1 }))
    expect(await (await browser.open()).takeFlash('notice')).toEqual(['<{"a":1}>'])
  })
})

describe('takeFlash()', () => {
  it('costs one write, which also confirms and counts as activity', async () => {
    const { browser, store, clock } = await left('saved')
    await browser.request((session) => session.rotate({ hard: true }))
    clock.advance(2 * MINUTE)
    store.drain()
    const session = await browser.open()
    expect(await session.takeFlash('notice')).toEqual(['saved'])
    await session.commit()
    expect(store.drain()).toEqual(['get', 'replace'])
    expect(store.only).toMatchObject({ confirmedAt: clock.now(), lastSeenAt: clock.now(), extra: {} })
  })

  it('leaves a rotation that is due to the commit', async () => {
    const { browser, clock, store } = await left('saved')
    clock.advance(16 * MINUTE)
    const session = await browser.open()
    await session.takeFlash('notice')
    expect(store.only.generation).toBe(0)
    await session.commit()
    expect(session.generation).toBe(1)
  })

  it('takes only those of its key, stored ones and new ones', async () => {
    const { browser } = await left('saved')
    const session = await browser.open()
    session.flash('notice', 'sent')
    session.flash('error', 'not paid')
    expect(await session.takeFlash('notice')).toEqual(['saved', 'sent'])
    expect(await session.takeFlash('error')).toEqual(['not paid'])
  })

  it('takes none once the request has locked the session', async () => {
    const { browser, store } = await left('saved')
    const session = await browser.open()
    session.lock()
    expect(await session.takeFlash('notice')).toEqual([])
    expect(store.only.extra).toEqual({ 'sess/flash': '{"notice":["saved"]}' })
  })

  it('waits for a store that is slow, and for nobody where nothing is to be taken', async () => {
    const { browser, store } = await left('saved')
    const [one, two] = [await browser.open(), await browser.open()]
    const { act, reached, open } = gate()
    store.next('replace', act)
    one.data.cart = 1
    const committing = one.commit()
    await reached
    const late = new Promise((resolve) => setTimeout(resolve, 500, 'late'))
    expect(await Promise.race([two.takeFlash('error'), late])).toEqual([])
    open()
    await committing
    store.next(
      'replace',
      after(() => new Promise((resolve) => setTimeout(resolve, 20))),
    )
    expect(await two.takeFlash('notice')).toEqual(['saved'])
  })

  it('begins with what the commit before it has stored', async () => {
    const { browser, store } = await left('saved')
    const [one, two] = [await browser.open(), await browser.open()]
    store.drain()
    one.data.cart = 1
    const [, taken] = await Promise.all([one.commit(), two.takeFlash('notice')])
    expect(taken).toEqual(['saved'])
    expect(store.drain()).toEqual(['replace', 'replace'])
  })

  it('gives the messages to one of several, of one process or of two', async () => {
    const { browser, store } = await left('saved')
    const pages = await Promise.all([browser.open(), browser.open(), browser.open()])
    const taken = await Promise.all(pages.map((page) => page.takeFlash('notice')))
    expect(taken.flat()).toEqual(['saved'])
    const [late] = pages
    store.write(store.only.id, { extra: { 'sess/flash': '{"notice":["again"]}' } })
    expect(await late!.takeFlash('notice')).toEqual([])
  })

  it('goes on from what the process knows to be stored, and from what another one has stored', async () => {
    const { browser, store } = await left('first')
    const page = await browser.open()
    const { act, reached, open } = gate()
    store.next('replace', act)
    const writing = browser.request((session) => session.flash('notice', 'second'))
    await reached
    const taking = page.takeFlash('notice')
    open()
    await writing
    expect(await taking).toEqual(['first', 'second'])
    const other = await left('first')
    const beaten = await other.browser.open()
    other.store.write(other.store.only.id, { extra: {} })
    expect(await beaten.takeFlash('notice')).toEqual([])
    expect(other.store.drain()).toEqual(['get', 'replace'])
  })

  it('keeps what other keys and other namespaces hold', async () => {
    const { browser, store } = await left('saved')
    store.write(store.only.id, { extra: { other: 'text', 'sess/flash': '{"notice":[1],"error":[2]}' } })
    await (await browser.open()).takeFlash('notice')
    expect(store.only.extra).toEqual({ other: 'text', 'sess/flash': '{"error":[2]}' })
  })

  it('changes nothing of the data, and lets it be changed before and after', async () => {
    const { browser, store } = await left('saved')
    const session = await browser.request(async (current) => {
      current.data.before = 1
      store.write(store.only.id, { data: '{"other":3}' })
      await current.takeFlash('notice')
      expect(store.only.data).toBe('{"other":3}')
      current.data.after = 2
    })
    expect(JSON.parse(store.only.data)).toEqual({ other: 3, before: 1, after: 2 })
    expect(session.data).toMatchObject({ before: 1, after: 2 })
  })

  it.each([
    ['ended', { state: 'ended', endedReason: 'revoked', endedAt: 0 }],
    ['locked', { state: 'locked' }],
    ['rotated', { hardRotations: 1 }],
  ] as const)('takes nothing from a session that was %s meanwhile', async (_, change) => {
    const { browser, store } = await left('saved')
    const session = await browser.open()
    store.write(store.only.id, change)
    expect(await session.takeFlash('notice')).toEqual([])
    expect(store.only.extra).toEqual({ 'sess/flash': '{"notice":["saved"]}' })
  })

  it('takes nothing from a session that is gone', async () => {
    const { browser, store } = await left('saved')
    const session = await browser.open()
    store.records.clear()
    expect(await session.takeFlash('notice')).toEqual([])
  })

  it('takes nothing from a session that this request gives up, or that only this request would open', async () => {
    const { browser } = await left('saved')
    const signingOut = await browser.open()
    signingOut.signOut()
    expect(await signingOut.takeFlash('notice')).toEqual([])
    await browser.request((session) => session.lock())
    const opening = await browser.open()
    opening.reauthenticate({ method: 'pwd' })
    expect(await opening.takeFlash('notice')).toEqual([])
    await opening.commit()
    expect(await opening.takeFlash('notice')).toEqual(['saved'])
    opening.flash('notice', 'x')
    opening.lock()
    expect(await opening.takeFlash('other')).toEqual([])
  })

  it('takes from the old session while a sign-in is pending', async () => {
    const { browser } = await left('saved')
    const session = await browser.open()
    session.signIn('ada')
    session.flash('notice', 'hello')
    expect(await session.takeFlash('notice')).toEqual(['saved', 'hello'])
    await session.commit()
    expect(await session.takeFlash('notice')).toEqual([])
  })

  it('fails where the store does, says so in an event, and leaves the request its session', async () => {
    const { browser, store, events } = await left('saved')
    const session = await browser.open()
    store.next('replace', fails, fails)
    expect(await failure(session.takeFlash('notice'))).toMatchObject({ code: 'ERR_SESS_STORE_UNAVAILABLE' })
    expect(events.at(-1)).toMatchObject({ type: 'store-failed', operation: 'replace', fatal: true })
    expect(session.subject).toBe('ada')
    expect(await session.takeFlash('notice')).toEqual(['saved'])
  })

  it('waits for a commit that runs, and the commit of the answer waits for it', async () => {
    const { browser, store } = await left('saved')
    const session = await browser.open()
    session.data.a = 1
    const committing = session.commit()
    const taking = session.takeFlash('notice')
    session.data.b = 2
    await Promise.all([finish(session, 200), committing])
    expect(await taking).toEqual(['saved'])
    expect(JSON.parse(store.only.data)).toEqual({ a: 1, b: 2 })
    expect(store.only.extra).toEqual({})
  })

  it('holds the answer back that comes while it is underway', async () => {
    const { browser, store } = await left('saved')
    const session = await browser.open()
    const { act, reached, open } = gate()
    store.next('replace', act)
    const taking = session.takeFlash('notice')
    await reached
    const answering = finish(session, 200)
    expect(answering).toBeInstanceOf(Promise)
    open()
    await answering
    expect(await taking).toEqual(['saved'])
  })

  it('waits for the sign-in that is being committed, and takes from the new session', async () => {
    const { browser, store } = await left('for a former session')
    const session = await browser.open()
    session.signIn('grace')
    session.flash('notice', 'welcome')
    const { act, reached, open } = gate()
    store.next('create', act)
    const committing = session.commit()
    await reached
    const taking = session.takeFlash('notice')
    open()
    await committing
    expect(await taking).toEqual(['welcome'])
  })

  it('is not kept from taking by a commit that failed', async () => {
    const scenario = await left('saved')
    const { browser, store } = scenario
    const session = await browser.open()
    session.data.a = new Date(0)
    const committing = session.commit()
    const taking = session.takeFlash('notice')
    await expect(committing).rejects.toThrow(ValueError)
    expect(await taking).toEqual(['saved'])
    expect(store.only.data).toBe('')
  })

  it('gives up when the store does not answer', async () => {
    const scenario = await signedIn({ storeTimeout: 20 })
    await scenario.browser.request((session) => session.flash('notice', 1))
    const session = await scenario.browser.open()
    scenario.store.next('replace', hangs, hangs)
    expect(await failure(session.takeFlash('notice'))).toMatchObject({ status: 503 })
  })

  it.each(['nonsense', '{"\\x":1}', '{"notice":["hello"}', '{"notice":"hello"}', '{"notice":{}}', ''])(
    'finds none in a stored text that is none of ours: %s',
    async (text) => {
      const { browser, store } = await signedIn()
      store.write(store.only.id, { extra: { 'sess/flash': text } })
      expect(await (await browser.open()).takeFlash('notice')).toEqual([])
      await browser.request((session) => session.flash('notice', 'hello'))
      expect(await (await browser.open()).takeFlash('notice')).toEqual(['hello'])
    },
  )
})
