import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reduceUserAgent } from '../../src/http/client.ts'

const KIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const APPLE = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)'
const LINUX = 'Mozilla/5.0 (X11; Linux x86_64)'
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)'
const ANDROID = 'Mozilla/5.0 (Linux; Android 10; K)'

const CLIENTS: readonly [client: string, browser: string | null, os: string | null, userAgent: string][] = [
  ['Chrome, Windows', 'chrome', 'windows', `${WINDOWS} ${KIT} Chrome/126.0.0.0 Safari/537.36`],
  ['Chrome, macOS', 'chrome', 'macos', `${MAC} ${KIT} Chrome/126.0.0.0 Safari/537.36`],
  ['Chrome, Linux', 'chrome', 'linux', `${LINUX} ${KIT} Chrome/126.0.0.0 Safari/537.36`],
  ['Chrome, Android', 'chrome', 'android', `${ANDROID} ${KIT} Chrome/126.0.0.0 Mobile Safari/537.36`],
  ['Chrome, iPhone', 'chrome', 'ios', `${PHONE} ${APPLE} CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1`],
  [
    'Chrome, ChromeOS',
    'chrome',
    'chromeos',
    `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${KIT} Chrome/126.0.0.0 Safari/537.36`,
  ],
  [
    'Chromium, Ubuntu',
    'chrome',
    'linux',
    `Mozilla/5.0 (X11; Ubuntu; Linux x86_64) ${KIT} Chromium/83.0 Chrome/83.0 Safari/537.36`,
  ],
  ['Chrome, headless', 'chrome', 'linux', `${LINUX} ${KIT} HeadlessChrome/126.0.0.0 Safari/537.36`],
  [
    'Android WebView',
    'chrome',
    'android',
    `Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) ${KIT} Version/4.0 Chrome/126.0 Mobile Safari/537.36`,
  ],
  ['Edge, Windows', 'edge', 'windows', `${WINDOWS} ${KIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0`],
  ['Edge, macOS', 'edge', 'macos', `${MAC} ${KIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0`],
  ['Edge, Android', 'edge', 'android', `${ANDROID} ${KIT} Chrome/126.0.0.0 Mobile Safari/537.36 EdgA/126.0.0.0`],
  ['Edge, iPhone', 'edge', 'ios', `${PHONE} ${APPLE} Version/17.0 EdgiOS/126.0.2592.56 Mobile/15E148 Safari/605.1.15`],
  ['Edge, EdgeHTML', 'edge', 'windows', `${WINDOWS} ${KIT} Chrome/70.0.3538.102 Safari/537.36 Edge/18.19582`],
  ['Opera, Windows', 'opera', 'windows', `${WINDOWS} ${KIT} Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0`],
  ['Opera, Android', 'opera', 'android', `${ANDROID} ${KIT} Chrome/124.0.0.0 Mobile Safari/537.36 OPR/82.0.0.0`],
  ['Opera, iPhone', 'opera', 'ios', `${PHONE} ${APPLE} Version/17.5 Mobile/15E148 Safari/604.1 OPT/4.7.0`],
  ['Opera, Presto', 'opera', 'windows', 'Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18'],
  [
    'Samsung Internet',
    'samsung',
    'android',
    `${ANDROID} ${KIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`,
  ],
  [
    'Firefox, Windows',
    'firefox',
    'windows',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0',
  ],
  [
    'Firefox, macOS',
    'firefox',
    'macos',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:127.0) Gecko/20100101 Firefox/127.0',
  ],
  ['Firefox, Linux', 'firefox', 'linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0'],
  ['Firefox, Android', 'firefox', 'android', 'Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0'],
  ['Firefox, iPhone', 'firefox', 'ios', `${PHONE} ${APPLE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15`],
  ['Safari, macOS', 'safari', 'macos', `${MAC} ${APPLE} Version/17.5 Safari/605.1.15`],
  ['Safari, iPhone', 'safari', 'ios', `${PHONE} ${APPLE} Version/17.5 Mobile/15E148 Safari/604.1`],
  [
    'Safari, iPad',
    'safari',
    'ios',
    `Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) ${APPLE} Version/17.5 Mobile/15E148 Safari/604.1`,
  ],
  [
    'Safari, iPad in desktop mode, which is told as a Mac',
    'safari',
    'macos',
    `${MAC} ${APPLE} Version/17.5 Safari/605.1.15`,
  ],
  ['Brave, told as Chrome', 'chrome', 'windows', `${WINDOWS} ${KIT} Chrome/126.0.0.0 Safari/537.36`],
  ['Vivaldi, told as Chrome', 'chrome', 'linux', `${LINUX} ${KIT} Chrome/126.0.0.0 Safari/537.36 Vivaldi/6.7`],
  ['Electron', 'chrome', 'macos', `${MAC} ${KIT} app/1.0.0 Chrome/124.0.6367.243 Electron/30.1.1 Safari/537.36`],
  ['iOS web view', null, 'ios', `${PHONE} ${APPLE} Mobile/15E148`],
  [
    'Googlebot, desktop',
    'chrome',
    null,
    `Mozilla/5.0 ${KIT} (compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/126.0 Safari/537.36`,
  ],
  ['Googlebot, plain', null, null, 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'],
  ['curl', null, null, 'curl/8.8.0'],
  ['Node fetch', null, null, 'node'],
  ['python-requests', null, null, 'python-requests/2.32.3'],
  ['OkHttp', null, null, 'okhttp/4.12.0'],
  ['CFNetwork', null, null, 'MyApp/1 CFNetwork/1494.0.7 Darwin/23.4.0'],
]

describe('a User-Agent', () => {
  it.each(CLIENTS)('%s: %s, %s', (_, browser, os, userAgent) => {
    expect(reduceUserAgent(userAgent)).toEqual({ browser, os })
  })

  it('is nothing when there is none', () => {
    expect(reduceUserAgent(undefined)).toBeNull()
    expect(reduceUserAgent('')).toBeNull()
  })

  it('is the same after every update of the browser', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CLIENTS),
        fc.integer({ min: 1, max: 999 }),
        ([, browser, os, userAgent], major) => {
          const updated = userAgent.replaceAll(/(Chrome|Firefox|Edg|OPR|CriOS|FxiOS)\/\d+/g, `$1/${major}`)
          expect(reduceUserAgent(updated)).toEqual({ browser, os })
        },
      ),
    )
  })

  it('keeps none of its text, whatever it is', () => {
    const known = [
      'edge',
      'opera',
      'samsung',
      'firefox',
      'chrome',
      'safari',
      'ios',
      'android',
      'windows',
      'chromeos',
      'macos',
      'linux',
    ]
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        for (const feature of Object.values(reduceUserAgent(text) ?? {})) {
          expect(feature === null || known.includes(feature)).toBe(true)
        }
      }),
    )
  })

  it.each([
    ['of a megabyte', 'Mozilla/5.0 '.repeat(90_000)],
    ['of half a Safari over and over', 'Version/1 '.repeat(100_000)],
  ])(
    '%s takes no time',
    (_, userAgent) => {
      expect(reduceUserAgent(userAgent)).toEqual({ browser: null, os: null })
    },
    10_000,
  )
})
