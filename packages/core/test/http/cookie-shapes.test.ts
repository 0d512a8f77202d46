import { ConfigError } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { type CookieOptions, readCookieOptions } from '../../src/http/cookie.ts'

describe('every cookie that options make', () => {
  it('by default: one for the session, one for visitors and their forms', () => {
    expect(readCookieOptions()).toEqual({
      secure: { name: '__Host-Http-sid', attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax' },
      development: { name: 'sid', attributes: 'Path=/; HttpOnly; SameSite=Lax' },
      visitor: {
        secure: { name: '__Host-Http-sid-csrf', attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax' },
        development: { name: 'sid-csrf', attributes: 'Path=/; HttpOnly; SameSite=Lax' },
      },
      write: null,
      domain: null,
    })
  })

  it('shared and with strict writes: a second one beside it, at the same place', () => {
    const options = { name: 'shop', path: '/a', domain: 'shop.example', strictWrites: true }
    const place = 'Path=/a; Domain=shop.example; Secure; HttpOnly'
    expect(readCookieOptions(options)).toEqual({
      secure: { name: '__Secure-shop', attributes: `${place}; SameSite=Lax` },
      development: { name: 'shop', attributes: 'Path=/a; HttpOnly; SameSite=Lax' },
      visitor: {
        secure: { name: '__Host-Http-shop-csrf', attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax' },
        development: { name: 'shop-csrf', attributes: 'Path=/; HttpOnly; SameSite=Lax' },
      },
      write: {
        secure: { name: '__Secure-shop-write', attributes: `${place}; SameSite=Strict` },
        development: { name: 'shop-write', attributes: 'Path=/a; HttpOnly; SameSite=Strict' },
      },
      domain: 'shop.example',
    })
  })

  it('embedded: partitioned, and lax on loopback, where nothing is Secure', () => {
    const { secure, development, visitor } = readCookieOptions({ sameSite: 'none', partitioned: true })
    expect(secure.attributes).toBe('Path=/; Secure; HttpOnly; SameSite=None; Partitioned')
    expect(visitor.secure.attributes).toBe('Path=/; Secure; HttpOnly; SameSite=None; Partitioned')
    expect(development.attributes).toBe('Path=/; HttpOnly; SameSite=Lax')
    expect(visitor.development.attributes).toBe('Path=/; HttpOnly; SameSite=Lax')
  })
})

describe('options that would not work', () => {
  it.each<[unknown, RegExp]>([
    [null, /^`cookie` must be an object/],
    ['sid', /^`cookie` must be an object/],
    [7, /^`cookie` must be an object/],
    [{ maxAge: 1 }, /^`cookie.maxAge` is no option. There are: name, path, /],
    [{ path: 'a/b' }, /^`cookie.path` must start with "\/"/],
    [{ path: '/a;b' }, /^`cookie.path`/],
    [{ path: '/a\n' }, /^`cookie.path`/],
    [{ path: `/${'a'.repeat(1024)}` }, /must not be longer than 1024 octets/],
    [{ domain: `${'a'.repeat(1021)}.com` }, /must not be longer than 1024 octets/],
    [{ domain: '.example.com' }, /^`cookie.domain` must be a plain domain/],
    [{ domain: 'a' }, /^`cookie.domain`: browsers share no cookie across "a"/],
    [{ domain: 'localhost' }, /^`cookie.domain`: browsers share no cookie/],
    [{ domain: '127.0.0.1' }, /^`cookie.domain`: browsers share no cookie/],
    [{ domain: '10.0.0.123' }, /^`cookie.domain`: browsers share no cookie/],
    [{ sameSite: 'Lax' }, /^`cookie.sameSite` must be/],
    [{ sameSite: 'none', partitioned: 1 }, /^`cookie.partitioned` and `cookie.strictWrites` must be true or false/],
    [{ strictWrites: 'yes' }, /^`cookie.partitioned` and `cookie.strictWrites` must be true or false/],
    [{ partitioned: true }, /^`cookie.partitioned` is for pages embedded/],
    [{ strictWrites: true, sameSite: 'strict' }, /^`cookie.strictWrites` adds a strict cookie to a lax one/],
    [{ name: 'n'.repeat(4000) }, /^The cookie name has 4012 octets; with the token it exceeds the 4096/],
  ])('%j', (options, message) => {
    // What JavaScript callers may hand in.
    expect(() => readCookieOptions(options as CookieOptions)).toThrow(message)
  })

  it.each<CookieOptions>([
    { path: `/${'a'.repeat(1023)}` },
    { domain: `${'a'.repeat(1020)}.com` },
    { domain: '1.example' },
    { domain: '3.1.example.com' },
    { sameSite: 'strict' },
  ])('and some that just do: %j', (options) => {
    expect(() => readCookieOptions(options)).not.toThrow(ConfigError)
  })
})
