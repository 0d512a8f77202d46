import { describe, expect, it } from 'vitest'
import { parseSetCookie, refusalOf } from '../src/adapter/cookie-jar.ts'

describe('what a browser refuses', () => {
  const refused = [
    ['sid=1; Path=/', null],
    ['__Host-Http-sid=1; Path=/; Secure; HttpOnly; SameSite=Lax', null],
    ['__Secure-sid=1; Secure; Domain=example.com', null],
    ['__Host-Http-sid=1; Path=/; Secure', '__host-http- without HttpOnly'],
    ['__Host-sid=1; Path=/', '__host- without Secure'],
    ['__Host-sid=1; Secure', '__host- with another Path than /'],
    ['__host-sid=1; Secure; Path=/app', '__host- with another Path than /'],
    ['__Host-sid=1; Secure; Path=/; Domain=example.com', '__host- with a Domain'],
    ['__Http-sid=1; Secure; Path=/', '__http- without HttpOnly'],
    ['__Secure-sid=1', '__secure- without Secure'],
    ['sid=1; SameSite=None', 'SameSite=None without Secure'],
    [`sid=${'x'.repeat(4094)}`, 'name and value exceed 4096 octets'],
  ] as const

  it.each(refused)('%s', (line, reason) => {
    expect(refusalOf(parseSetCookie(line), true)).toBe(reason)
  })

  it('Secure over plain http', () => {
    expect(refusalOf(parseSetCookie('sid=1; Secure'), false)).toBe('Secure over plain http')
  })
})

describe('a Set-Cookie line', () => {
  it('is split at the first equals sign, with attribute names in lower case', () => {
    const { name, value, attributes } = parseSetCookie(' a = b=c ;Path=/; HTTPONLY;Max-Age = 5')
    expect([name, value, [...attributes]]).toEqual([
      'a',
      'b=c',
      [
        ['path', '/'],
        ['httponly', ''],
        ['max-age', '5'],
      ],
    ])
  })
})
