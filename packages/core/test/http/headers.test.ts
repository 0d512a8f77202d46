import { ConfigError, createSessions, NotMountedError, type Transport } from '@sess/core'
import { applyHeaders, type ResponseHeaders } from '@sess/core/http'
import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND, setUp, signedIn } from '../manager/scenario.ts'
import { ScriptedStore } from '../manager/scripted-store.ts'

class Answer implements ResponseHeaders {
  readonly lines: [string, string][]

  constructor(...lines: [string, string][]) {
    this.lines = lines
  }

  get(name: string): string | undefined {
    return this.lines.find(([present]) => present.toLowerCase() === name.toLowerCase())?.[1]
  }

  set(name: string, value: string): void {
    const line = this.lines.find(([present]) => present.toLowerCase() === name.toLowerCase())
    if (line === undefined) this.lines.push([name, value])
    else line[1] = value
  }

  append(name: string, value: string): void {
    this.lines.push([name, value])
  }
}

describe('headers of an answer', () => {
  it('are none for a request that never looked at its session', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    await session.commit()
    expect(session.toHeaders()).toEqual([])
  })

  it('tell caches that the answer depends on the cookie once the session was read', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    expect(session.subject).toBe('ada')
    await session.commit()
    expect(session.toHeaders()).toEqual([
      ['Cache-Control', 'private'],
      ['Vary', 'Cookie'],
    ])
  })

  it('forbid storing an answer that sets or clears the cookie', async () => {
    const { browser } = setUp()
    const signed = await browser.request((session) => session.signIn('ada'))
    const out = await browser.request((session) => session.signOut())
    for (const session of [signed, out]) {
      expect(session.toHeaders().slice(1)).toEqual([
        ['Cache-Control', 'no-store'],
        ['Vary', 'Cookie'],
      ])
    }
  })

  it('are read without being logged or serialised', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    JSON.stringify(session)
    expect(session.toHeaders()).toEqual([])
  })
})

describe('Vary', () => {
  it.each([
    [undefined, 'Cookie'],
    ['', 'Cookie'],
    ['Accept', 'Accept, Cookie'],
    ['Accept, Cookie', 'Accept, Cookie'],
    ['accept,cookie', 'accept,cookie'],
    ['*', '*'],
    ['Accept, *', 'Accept, *'],
    ['X-Cookie', 'X-Cookie, Cookie'],
  ])('%j becomes %j', async (before, after) => {
    const { browser } = await signedIn()
    const session = await browser.open()
    expect(session.subject).toBe('ada')
    const answer = before === undefined ? new Answer() : new Answer(['Vary', before])
    applyHeaders(session, answer)
    expect(answer.get('Vary')).toBe(after)
  })
})

describe('Cache-Control', () => {
  it.each([
    [undefined, 'private', 'no-store'],
    ['', 'private', 'no-store'],
    ['public, max-age=60', 'public, max-age=60', 'no-store'],
    ['no-store', 'no-store', 'no-store'],
    ['no-cache, No-Store', 'no-cache, No-Store', 'no-cache, No-Store'],
    ['x-no-store-x', 'x-no-store-x', 'no-store'],
  ])('%j: %j when the session was read, %j when the cookie is set', async (before, whenRead, whenSet) => {
    const { browser } = await signedIn()
    const lines: [string, string][] = before === undefined ? [] : [['Cache-Control', before]]
    const reading = await browser.open()
    expect(reading.subject).toBe('ada')
    const read = new Answer(...lines.map(([name, value]): [string, string] => [name, value]))
    applyHeaders(reading, read)
    expect(read.get('Cache-Control')).toBe(whenRead)
    const setting = await browser.request((session) => session.rotate({ hard: true }))
    const set = new Answer(...lines)
    applyHeaders(setting, set)
    expect(set.get('Cache-Control')).toBe(whenSet)
  })
})

describe('the application’s own headers', () => {
  it('survive', async () => {
    const { browser } = setUp()
    const session = await browser.request((current) => current.signIn('ada'))
    const answer = new Answer(['Set-Cookie', 'theme=dark'], ['Vary', 'Accept'], ['X-Other', '1'])
    applyHeaders(session, answer)
    expect(answer.lines.filter(([name]) => name === 'Set-Cookie')).toEqual([
      ['Set-Cookie', 'theme=dark'],
      ['Set-Cookie', expect.stringContaining('__Host-Http-sid=')],
    ])
    expect(answer.get('X-Other')).toBe('1')
  })
})

describe('a soft cookie', () => {
  it.each([
    [-1, true],
    [0, false],
    [1, false],
  ])('of a rotation leaves until half an overlap after its write: %i ms: %s', async (offset, leaves) => {
    const { browser, clock } = await signedIn()
    clock.advance(16 * MINUTE)
    const session = await browser.open()
    await session.commit()
    clock.advance(30 * SECOND + offset)
    expect(session.toHeaders().some(([name]) => name === 'Set-Cookie')).toBe(leaves)
  })

  it.each([
    [-1, true],
    [0, false],
  ])('sent again (T2) leaves until half an overlap after the arrival: %i ms: %s', async (offset, leaves) => {
    const { browser, clock } = await signedIn()
    clock.advance(16 * MINUTE)
    const lost = await browser.open()
    await lost.commit()
    clock.advance(HOUR / 4)
    const session = await browser.open()
    clock.advance(30 * SECOND + offset)
    await session.commit()
    expect(session.toHeaders().some(([name]) => name === 'Set-Cookie')).toBe(leaves)
  })

  it('that came too late is not mentioned to caches either', async () => {
    const { browser, clock } = await signedIn()
    clock.advance(16 * MINUTE)
    const session = await browser.open()
    await session.commit()
    clock.advance(MINUTE)
    expect(session.toHeaders()).toEqual([])
  })

  it('of a hard rotation, a sign-in or a first write has no such deadline', async () => {
    const { browser, clock } = setUp()
    const session = await browser.open()
    session.signIn('ada')
    await session.commit()
    clock.advance(10 * MINUTE)
    expect(session.toHeaders().map(([name]) => name)).toContain('Set-Cookie')
  })
})

describe('the header transport', () => {
  it('carries the token in a header of request and response, and no cookie', async () => {
    const sessions = createSessions({ store: new ScriptedStore(), transport: { header: 'X-Session-Token' } })
    const first = await sessions.open({ secure: true, headers: {} })
    first.signIn('ada')
    await first.commit()
    const [[name, token] = ['', ''], ...rest] = first.toHeaders()
    expect(name).toBe('x-session-token')
    expect(rest).toEqual([
      ['Cache-Control', 'no-store'],
      ['Vary', 'x-session-token'],
    ])
    const next = await sessions.open({ secure: true, headers: { 'x-session-token': token } })
    expect(next.subject).toBe('ada')
    next.signOut()
    await next.commit()
    expect(next.toHeaders()[0]).toEqual(['x-session-token', ''])
  })

  it('reads no cookie', async () => {
    const sessions = createSessions({ store: new ScriptedStore(), transport: { header: 'x-session' } })
    const session = await sessions.open({ secure: true, headers: { cookie: '__Host-Http-sid=x', 'x-session': 'y' } })
    expect(session.subject).toBeNull()
  })

  it.each(['query', { header: '' }, { header: 'a b' }, { header: 'a:b' }, { header: 'a\r\nb' }, {}, 42])(
    '%j is not a transport',
    (transport) => {
      // What JavaScript callers may hand in.
      const create = () => createSessions({ store: new ScriptedStore(), transport: transport as Transport })
      expect(create).toThrow(ConfigError)
      expect(create).toThrow(/`transport` must be/)
    },
  )
})

describe('a bare token', () => {
  it('opens the session where neither cookies nor headers carry it', async () => {
    const { browser, sessions } = await signedIn()
    const session = await sessions.open({ token: browser.cookie ?? '' })
    expect(session.subject).toBe('ada')
  })
})

describe('sessions.of', () => {
  it('finds what an adapter attached, and throws where nothing was', async () => {
    const { sessions, browser } = setUp()
    const request = {}
    expect(sessions.has(request)).toBe(false)
    expect(() => sessions.of(request)).toThrow(NotMountedError)
    expect(() => sessions.of(request)).toThrow(/mount the session middleware before this handler/)
    const session = await browser.open()
    sessions.attach(request, session)
    expect(sessions.of(request)).toBe(session)
    expect(sessions.has(request)).toBe(true)
  })

  it('keeps several createSessions() apart', async () => {
    const [one, two] = [setUp(), setUp({ cookie: { name: 'two' } })]
    const request = {}
    one.sessions.attach(request, await one.browser.open())
    expect(two.sessions.has(request)).toBe(false)
  })
})
