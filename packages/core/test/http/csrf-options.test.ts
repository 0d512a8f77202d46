import { ConfigError, createSessions, hsts, type SessionsOptions } from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ScriptedStore } from '../manager/scripted-store.ts'

const warn = vi.spyOn(console, 'warn')
beforeEach(() => {
  warn.mockReset().mockImplementation(() => {})
})
afterEach(() => {
  warn.mockReset()
})

function create(options: object): void {
  // What JavaScript callers may hand in.
  createSessions({ store: new ScriptedStore(), ...options } as SessionsOptions)
}

describe('createSessions()', () => {
  it.each<[string, object, RegExp]>([
    ['an unknown profile', { csrf: 'lax' }, /`csrf\.profile` is "lax"; use one of: modern, nist, apiOnly\./],
    ['csrf: true', { csrf: true }, /`csrf` must be 'modern', 'nist', 'apiOnly', an object with options, or false/],
    ['csrf: null', { csrf: null }, /`csrf` must be/],
    [
      'a misspelt option',
      { csrf: { orgins: [] } },
      /`csrf\.orgins` is no option. There are: profile, origin, origins,/,
    ],
    [
      'an origin with a path',
      { csrf: { origin: 'https://a.example/' } },
      /`csrf\.origin`: "https:\/\/a\.example\/" is no origin/,
    ],
    ['a host', { csrf: { origin: 'a.example' } }, /`csrf\.origin`: "a\.example" is no origin/],
    ['an own origin of nearly a web scheme', { csrf: { origin: 'app-https://a' } }, /"app-https:\/\/a" is no origin/],
    ['an own origin of no web scheme', { csrf: { origin: 'app://a' } }, /`csrf\.origin`: "app:\/\/a" is no origin/],
    ['one origin for many', { csrf: { origins: 'https://a.example' } }, /`csrf\.origins` must be an array/],
    ['every origin', { csrf: { origins: ['*'] } }, /`csrf\.origins`: "\*" is no origin/],
    ['no origin', { csrf: { origins: ['null'] } }, /`csrf\.origins`: "null" is no origin/],
    ['all subdomains', { csrf: { origins: ['https://*.a.example'] } }, /is no origin/],
    [
      'another alphabet',
      { csrf: { origins: ['https://bücher.example'] } },
      /other alphabets as browsers send them \(xn--/,
    ],
    ['a user', { csrf: { origins: ['https://a@b.example'] } }, /is no origin/],
    ['a number', { csrf: { origins: [1] } }, /`csrf\.origins`: 1 is no origin/],
    ['a list in a list', { csrf: { origins: [['https://a.example']] } }, /`csrf\.origins`: \["https.*\] is no origin/],
    ['an origin in a sentence', { csrf: { origins: ['is https://a.example'] } }, /is no origin/],
    ['an own origin in a sentence', { csrf: { origin: 'is https://a.example' } }, /is no origin/],
    [
      'an unknown missing',
      { csrf: { missing: 'block' } },
      /`csrf\.missing` is "block"; use one of: token, allow, deny/,
    ],
    [
      'an unknown isolation',
      { csrf: { isolation: true } },
      /`csrf\.isolation` is true; use one of: off, same-origin, same-site/,
    ],
    ['a header that is none', { csrf: { header: 'x csrf' } }, /`csrf\.header` must be the name of a header/],
    ['a field that is a number', { csrf: { field: 42 } }, /`csrf\.field` must be the name of a form field/],
    ['a field without a name', { csrf: { field: '' } }, /`csrf\.field` must be the name of a form field/],
    ['a list of exempt paths', { csrf: { exempt: ['/a'] } }, /`csrf\.exempt` must be a function/],
    ['reportOnly: yes', { csrf: { reportOnly: 'yes' } }, /`csrf\.reportOnly` must be true or false/],
    ['csrf for a header', { csrf: 'modern', transport: { header: 'x-s' } }, /`csrf` has no use with `transport/],
    [
      'strict writes unchecked',
      { csrf: false, cookie: { strictWrites: true } },
      /`cookie\.strictWrites` is enforced by `csrf`/,
    ],
    [
      'strict writes in a header',
      { transport: { header: 'x-s' }, cookie: { strictWrites: true } },
      /is enforced by `csrf`/,
    ],
    ['strict writes of strict', { cookie: { strictWrites: true, sameSite: 'strict' } }, /needs `sameSite: 'lax'`/],
    ['strict writes: yes', { cookie: { strictWrites: 'yes' } }, /must be true or false/],
    ['a lax partitioned cookie', { cookie: { partitioned: true } }, /arrive only with `sameSite: 'none'`/],
    ['partitioned: yes', { cookie: { partitioned: 1, sameSite: 'none' } }, /must be true or false/],
    ['a domain of one label', { cookie: { domain: 'localhost' } }, /browsers share no cookie across "localhost"/],
    ['an address as domain', { cookie: { domain: '127.0.0.1' } }, /browsers share no cookie across "127\.0\.0\.1"/],
    [
      'clearSiteData: all',
      { clearSiteData: 'all' },
      /`clearSiteData` is "all"; use true, false, or an array of cache, cookies, storage/,
    ],
    ['nothing to clear', { clearSiteData: [] }, /`clearSiteData` is \[\]/],
    ['an unknown kind', { clearSiteData: ['cache', 'all'] }, /`clearSiteData` is \["cache","all"\]/],
    [
      'cookies of everybody',
      { clearSiteData: ['cookies'], cookie: { domain: 'a.example' } },
      /'cookies' would clear the cookies of every application of a\.example/,
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => create(options)).toThrow(ConfigError)
    expect(() => create(options)).toThrow(message)
  })

  it.each<[string, object]>([
    ['csrf: false', { csrf: false }],
    ['csrf: false for a header', { csrf: false, transport: { header: 'x-s' } }],
    [
      'origins with ports, addresses and schemes',
      { csrf: { origins: ['https://a:8443', 'http://[::1]:3000', 'app://localhost'] } },
    ],
    ['an own origin over http', { csrf: { origin: 'http://localhost:3000' } }],
    ['an own origin', { csrf: { origin: 'https://A.example:443' } }],
    ['clearSiteData: false', { clearSiteData: false }],
  ])('takes %s without a word', (_, options) => {
    create(options)
    expect(warn).not.toHaveBeenCalled()
  })

  it.each<[string, object, RegExp]>([
    [
      'a shared cookie',
      { cookie: { domain: 'a.example' } },
      /shares "__Secure-sid" with every subdomain of a\.example/,
    ],
    [
      'an embedded one that nobody guards',
      { csrf: false, cookie: { sameSite: 'none' } },
      /every site can act in the name/,
    ],
  ])('says what %s means', (_, options, message) => {
    create(options)
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(message)])
  })
})

describe('hsts()', () => {
  it.each<[Parameters<typeof hsts>[0], string]>([
    [undefined, 'max-age=63072000; includeSubDomains'],
    [{ maxAge: '365d' }, 'max-age=31536000; includeSubDomains'],
    [{ includeSubDomains: false }, 'max-age=63072000'],
    [{ preload: true }, 'max-age=63072000; includeSubDomains; preload'],
  ])('%j', (options, value) => {
    expect(hsts(options)).toBe(value)
  })

  it.each<[Parameters<typeof hsts>[0], RegExp]>([
    [{ maxAge: '364d' }, /at least a year/],
    [{ preload: true, includeSubDomains: false }, /`preload` needs `includeSubDomains`/],
  ])('refuses %j', (options, message) => {
    expect(() => hsts(options)).toThrow(message)
  })
})
