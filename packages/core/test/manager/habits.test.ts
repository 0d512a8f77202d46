import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import { UseDataError } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { setUp, signedIn } from './scenario.ts'

const sloppy = (session: object, code: string): unknown => runInNewContext(code, { session })

describe('the habits of other session libraries', () => {
  it.each([
    'session.foo = 1',
    'session.userId = 42',
    'session.views++',
    'session["cart"] = []',
    'session[Symbol("s")] = 1',
    'session.__proto__ = {}',
    'session.cookie.maxAge = 1000',
    'session.cookie = {}',
    'session.id',
    'session.id = 1',
    'session.maxAge = 1',
    'session.isNew',
    'session.data = {}',
    'session.subject = "eve"',
    'session.state = "authenticated"',
    'session.commit = 1',
    'session.signIn = () => {}',
    'session.flash = {}',
    'session.destroy = 1',
    'session.destroy(() => {})',
    'session.regenerate(() => {})',
    'session.save()',
    'session.reload()',
    'session.touch()',
    'session.resetMaxAge()',
    'session.get("a")',
    'session.set("a", 1)',
    'Object.assign(session, { foo: 1 })',
  ])('%s throws, in sloppy scripts and in strict ones', async (code) => {
    const { browser } = setUp()
    const session = await browser.open()
    expect(() => sloppy(session, code)).toThrow(UseDataError)
    expect(() => new Function('session', `"use strict"; ${code}`)(session)).toThrow(UseDataError)
    expect(() => new Function('session', code)(session)).toThrow(UseDataError)
    expect(Object.keys(session)).toEqual([])
  })

  const foreign = (name: string) =>
    `session.${name} does not exist here. Cookie options belong to createSessions(); see session.handle, absoluteAt and idleAt.`

  it.each([
    ['session.foo = 1', 'session.foo = … is not kept. Assign to session.data.foo.'],
    ['session.destroy()', 'session.destroy() does not exist here. Use session.signOut().'],
    [
      'session.regenerate()',
      'session.regenerate() does not exist here. Use session.signIn(subject), or session.rotate({ hard: true }).',
    ],
    ['session.save()', 'session.save() does not exist here. Use await session.commit().'],
    [
      'session.reload()',
      'session.reload() does not exist here. Use the next request; session.update(key, fn) changes a value that others change too.',
    ],
    [
      'session.touch()',
      'session.touch() does not exist here. Use nothing: a request that loads the session counts as activity.',
    ],
    [
      'session.resetMaxAge()',
      'session.resetMaxAge() does not exist here. Use nothing: the idle timeout slides by itself.',
    ],
    ['session.get("a")', 'session.get() does not exist here. Use session.data.'],
    ['session.set = 1', 'session.set() does not exist here. Use session.data.'],
    ['session.cookie', foreign('cookie')],
    ['session.id = 1', foreign('id')],
    ['session.maxAge', foreign('maxAge')],
    ['session.isNew', foreign('isNew')],
    ['session.data = {}', 'session.data cannot be assigned. Assign its keys: Object.assign(session.data, …).'],
    ['session.subject = 1', 'session.subject cannot be assigned. Application data belongs into session.data.'],
  ])('%s: the message names the right call: %s', async (code, message) => {
    const { browser } = setUp()
    const session = await browser.open()
    try {
      sloppy(session, code)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_SESS_USE_DATA', status: 500, message })
    }
  })

  it('leave the class as classes are', async () => {
    const session = await setUp().browser.open()
    const names: string[] = []
    for (const name in session) names.push(name)
    expect(names).toEqual([])
    expect(Object.isFrozen(session.constructor)).toBe(false)
    expect(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(session), 'data')?.configurable).toBe(true)
  })

  it('reads of what is not there are undefined, as on any object', async () => {
    const { browser } = setUp()
    const session = await browser.open()
    expect(sloppy(session, 'session.foo')).toBeUndefined()
    expect(sloppy(session, '"foo" in session')).toBe(false)
    expect(await Promise.resolve(session)).toBe(session)
    expect(String(session)).toBe('[object Object]')
  })

  it('changes of data are none of them', async () => {
    const { browser } = setUp()
    const session = await browser.open()
    sloppy(session, 'session.data.cart = []; session.data.cart.push(1)')
    expect(session.data).toEqual({ cart: [1] })
  })

  it('methods work when they are taken off the session', async () => {
    const { browser } = await signedIn()
    const session = await browser.open()
    const { commit } = session
    await expect(commit.call(session)).resolves.toBeUndefined()
  })
})

describe('a session that is logged', () => {
  it('shows handle and state', async () => {
    const { browser, store } = await signedIn()
    const session = await browser.open()
    expect(JSON.parse(JSON.stringify(session))).toEqual({ handle: store.only.id, state: 'authenticated' })
    expect(inspect(session)).toBe(`Session { state: 'authenticated', handle: '${store.only.id}' }`)
    const visitor = await setUp().browser.open()
    expect(inspect(visitor)).toBe("Session { state: 'anonymous', handle: null }")
  })
})

describe('session.flash', () => {
  it('refuses assignment in sloppy scripts, so that connect-flash cannot share one store between users', async () => {
    const { browser } = setUp()
    const session = await browser.open()
    const sloppy = 'var all = session.flash = session.flash || {}; (all.info = all.info || []).push("for ada only")'
    expect(() => runInNewContext(sloppy, { session })).toThrow(/session\.data/)
  })

  it('keeps nothing that is hung on the method, which serves every session', async () => {
    const session = await setUp().browser.open()
    runInNewContext('session.flash.info = ["for ada only"]', { session })
    expect(session.flash).not.toHaveProperty('info')
    expect(() => Object.assign(session.flash, { info: 1 })).toThrow(TypeError)
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
