import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deviceName as fromLibrary } from '../../src/http/device-name-library.ts'
import { deviceName as portable } from '../../src/http/device-name-portable.ts'

const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)'
const ANDROID = 'Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko)'
const CHROME = 'Chrome/126.0.0.0'

const NAMES: readonly [name: string, userAgent: string][] = [
  ['Firefox on Windows', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0'],
  ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'],
  ['Chrome on macOS', `${MAC}/537.36 (KHTML, like Gecko) ${CHROME} Safari/537.36`],
  ['Chrome on Android', `${ANDROID} ${CHROME} Mobile Safari/537.36`],
  ['Safari on macOS', `${MAC}/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15`],
  ['Safari on iOS', `${IPHONE} Version/17.5 Mobile/15E148 Safari/604.1`],
  ['Chrome on iOS', `${IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1`],
  [
    'Chrome on Windows',
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ${CHROME} Safari/537.36`,
  ],
]

describe.each([
  ['where there is a library', fromLibrary],
  ['where there is none', portable],
])('the name of a device, %s', (_, deviceName) => {
  it.each(NAMES)('is %s', (name, userAgent) => {
    expect(deviceName(userAgent)).toBe(name)
  })

  it.each([' ', 'curl/8.9.1', 'x'.repeat(512), '<script>alert(1)</script>/1.0 x', '{{constructor}}/9 (x)', '\u0000'])(
    'is none for %j, and never the client’s own text',
    (userAgent) => {
      expect(deviceName(userAgent)).toBeNull()
    },
  )

  it('is made of known words, whatever the text', () => {
    const parts = [...NAMES.flatMap(([, userAgent]) => userAgent.split(' ')), '/', '(', ')', ';', '<b>', '1.0']
    const texts = fc.oneof(
      fc.string({ minLength: 1, unit: 'binary' }),
      fc.array(fc.constantFrom(...parts), { minLength: 1 }).map((found) => found.join(' ')),
    )
    fc.assert(
      fc.property(
        texts,
        (text) =>
          /^[A-Z][A-Za-z ]*$/.test(deviceName(text) ?? 'X') ||
          deviceName(text) === 'iOS' ||
          deviceName(text) === 'macOS',
      ),
    )
  })

  it('is as much of it as can be told', () => {
    expect(deviceName('Something/1.0 (Windows NT 10.0)')).toBe('Windows')
  })

  it('is found in no time, whatever the text', () => {
    const hostile = ['(', '((x', ' ', 'Mozilla/', 'Version/1', 'Android ', ';', 'a/'].map((part) =>
      part.repeat(512).slice(0, 512),
    )
    const from = performance.now()
    for (const userAgent of hostile) deviceName(userAgent)
    expect(performance.now() - from).toBeLessThan(500)
  })
})

it('the library knows more than the table', () => {
  const edge = `${MAC}/537.36 (KHTML, like Gecko) ${CHROME} Safari/537.36 Edg/126.0.0.0`
  expect([fromLibrary(edge), portable(edge)]).toEqual(['Microsoft Edge on macOS', 'Edge on macOS'])
  const vivaldi = `${MAC}/537.36 (KHTML, like Gecko) ${CHROME} Safari/537.36 Vivaldi/6.8`
  expect([fromLibrary(vivaldi), portable(vivaldi)]).toEqual(['Vivaldi on macOS', 'Chrome on macOS'])
})
