import type { RequestFacts } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { isSafe, isSimple, judgeHandshake, judgeProvenance, mayLoad } from '../../src/http/csrf/judge.ts'
import type { CsrfPolicy } from '../../src/http/csrf/options.ts'
import { normalOrigin, originOf, ownOrigin } from '../../src/http/csrf/origin.ts'

const OWN = 'https://shop.example'
const ADMIN = 'https://admin.shop.example'
const policy: CsrfPolicy = {
  profile: 'modern',
  origin: OWN,
  origins: new Set([ADMIN]),
  missing: 'token',
  header: 'x-csrf-token',
  field: '_csrf',
  isolation: 'same-origin',
  exempt: () => false,
  reportOnly: false,
  strictWrites: false,
}
const facts = (headers: Record<string, string>, method = 'POST'): RequestFacts => ({ method, headers, secure: true })

it('GET, HEAD and OPTIONS are safe, and nothing else', () => {
  const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'TRACE', 'get', '', 'PUT']
  expect(methods.filter(isSafe)).toEqual(['GET', 'HEAD', 'OPTIONS'])
})

describe('an unsafe request', () => {
  it.each<[Record<string, string>, string]>([
    [{}, 'unknown'],
    [{ origin: OWN }, 'own'],
    [{ origin: ADMIN }, 'own'],
    [{ origin: 'https://evil.example' }, 'other-origin'],
    [{ origin: 'null' }, 'other-origin'],
    [{ origin: ADMIN, 'sec-fetch-site': 'same-site' }, 'own'],
    [{ origin: OWN, 'sec-fetch-site': 'cross-site' }, 'other-site'],
    [{ 'sec-fetch-site': 'same-origin' }, 'own'],
    [{ 'sec-fetch-site': 'none' }, 'own'],
    [{ 'sec-fetch-site': 'same-site' }, 'other-site'],
    [{ 'sec-fetch-site': '' }, 'other-site'],
    [{ referer: `${OWN}/cart` }, 'own'],
    [{ referer: `${ADMIN}/cart` }, 'own'],
    [{ referer: 'https://evil.example/?shop.example' }, 'other-origin'],
    [{ referer: 'about:blank' }, 'unknown'],
  ])('%j comes from: %s', (headers, provenance) => {
    expect(judgeProvenance(facts(headers), policy)).toBe(provenance)
  })

  it('is judged as a handshake by its Origin alone, if it has one', () => {
    expect(judgeHandshake(facts({ 'sec-fetch-site': 'cross-site' }), policy)).toBe('own')
    expect(judgeHandshake(facts({ origin: OWN }), policy)).toBe('own')
    expect(judgeHandshake(facts({ origin: 'https://evil.example' }), policy)).toBe('other-origin')
  })
})

describe('what depends on the session', () => {
  const page = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

  it.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'cross-site', origin: ADMIN }, true],
    [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
    [page, true],
    [{ ...page, 'sec-fetch-dest': 'iframe' }, false],
    [{ ...page, 'sec-fetch-mode': 'no-cors' }, false],
  ])('%j: %s', (headers, may) => {
    expect(mayLoad(facts(headers, 'GET'), policy)).toBe(may)
  })

  it('may be loaded by the whole site where the policy says so', () => {
    const site = { ...policy, isolation: 'same-site' } as const
    expect(mayLoad(facts({ 'sec-fetch-site': 'same-site' }), site)).toBe(true)
    expect(mayLoad(facts({ 'sec-fetch-site': 'cross-site' }), site)).toBe(false)
  })
})

describe('a request that a form could send', () => {
  it.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ 'x-csrf-token': 'x' }, false],
    [{ 'content-type': 'text/plain' }, true],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, true],
    [{ 'content-type': 'application/json' }, false],
    [{ 'content-type': '  application/json' }, false],
    [{ 'content-type': 'Application/JSON; charset=utf-8' }, false],
    [{ 'content-type': 'application/json ;charset=utf-8' }, false],
    [{ 'content-type': 'application/json  ;charset=utf-8' }, false],
    [{ 'content-type': 'application/vnd.api+json' }, false],
    [{ 'content-type': 'application/jsonp' }, true],
    [{ 'content-type': 'application/json5' }, true],
    [{ 'content-type': 'application/+json' }, true],
    [{ 'content-type': 'application/a(b+json' }, true],
    [{ 'content-type': 'text/plain; application/json' }, true],
  ])('%j: %s', (headers, simple) => {
    expect(isSimple(facts(headers), 'x-csrf-token')).toBe(simple)
  })

  it('without content is only a POST', () => {
    expect(isSimple(facts({}, 'DELETE'), 'x-csrf-token')).toBe(false)
  })
})

describe('origins', () => {
  it.each([
    ['https://Shop.Example:443', 'https://shop.example'],
    ['http://shop.example:80', 'http://shop.example'],
    ['https://shop.example:80', 'https://shop.example:80'],
    ['http://shop.example:443', 'http://shop.example:443'],
    ['https://shop.example:4430', 'https://shop.example:4430'],
    ['xhttps://shop.example:443', 'xhttps://shop.example:443'],
    ['http://shop.example:8080', 'http://shop.example:8080'],
    ['xhttp://shop.example:80', 'xhttp://shop.example:80'],
  ])('%s is written %s', (given, written) => {
    expect(normalOrigin(given)).toBe(written)
  })

  it.each([
    ['https://shop.example/cart', 'https://shop.example'],
    ['https://shop.example?a=b', 'https://shop.example'],
    ['https://shop.example#a', 'https://shop.example'],
    ['a+b-c.1://x', 'a+b-c.1://x'],
    ['HTTPS://SHOP', 'HTTPS://SHOP'],
    [' https://shop.example', null],
    ['https:///cart', null],
    ['1https://x', null],
    ['', null],
  ])('of the address %j: %s', (address, origin) => {
    expect(originOf(address)).toBe(origin)
  })

  it('our own is what is configured, told by the adapter, or made of Host', () => {
    expect(ownOrigin({ origin: ADMIN, headers: { host: 'other' } }, OWN)).toBe(OWN)
    expect(ownOrigin({ origin: `${ADMIN}:443`, headers: { host: 'other' } }, null)).toBe(ADMIN)
    expect(ownOrigin(facts({ host: 'Shop.example' }), null)).toBe(OWN)
    expect(ownOrigin({ headers: { host: 'shop.example' }, secure: false }, null)).toBe('http://shop.example')
    expect(ownOrigin(facts({}), null)).toBeNull()
  })
})
