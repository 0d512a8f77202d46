import { createSessions, memoryStore } from '@sess/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reducePortrait, type SelfPortrait } from '../../src/http/user-agent.ts'

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

const SILENT: SelfPortrait = { userAgent: '', brands: '', platform: '', mobile: '', languages: '' }
const reduce = (said: Partial<SelfPortrait>) => reducePortrait({ ...SILENT, ...said })

/** Browser and system, null for what is not told. */
function classes(userAgent: string) {
  const { browser = null, os = null } = reduce({ userAgent })
  return { browser, os }
}

describe('a User-Agent', () => {
  it.each(CLIENTS)('%s: %s, %s', (_, browser, os, userAgent) => {
    expect(classes(userAgent)).toEqual({ browser, os })
  })

  it('is nothing when there is none', () => {
    expect(reduce({})).toEqual({})
  })

  it.each([
    [126, `${WINDOWS} ${KIT} Chrome/126.0.0.0 Safari/537.36`],
    [125, `${WINDOWS} ${KIT} Chrome/126.0.0.0 Safari/537.36 Edg/125.0.0.0`],
    [110, `${WINDOWS} ${KIT} Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0`],
    [127, `${PHONE} ${APPLE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15`],
    [17, `${MAC} ${APPLE} Version/17.5 Safari/605.1.15`],
    [undefined, `${WINDOWS} ${KIT} Chrome/ Safari/537.36`],
    [undefined, 'curl/8.8.0'],
  ])('has major version %s', (version, userAgent) => {
    expect(reduce({ userAgent }).version).toBe(version)
  })

  it('is the same after every update of the browser', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CLIENTS),
        fc.integer({ min: 1, max: 999 }),
        ([, browser, os, userAgent], major) => {
          const updated = userAgent.replaceAll(/(Chrome|Firefox|Edg|OPR|CriOS|FxiOS)\/\d+/g, `$1/${major}`)
          expect(classes(updated)).toEqual({ browser, os })
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
        const { version: _, ...told } = reduce({ userAgent: text, brands: text, platform: text, mobile: text })
        for (const feature of Object.values(told)) expect([...known, true]).toContain(feature)
      }),
    )
  })

  it.each([
    ['of a megabyte', 'Mozilla/5.0 '.repeat(90_000)],
    ['of half a Safari over and over', 'Version/1 '.repeat(100_000)],
  ])(
    '%s takes no time',
    async (_, userAgent) => {
      const sessions = createSessions({ store: memoryStore() })
      const session = await sessions.open({ secure: true, headers: { 'user-agent': userAgent } })
      session.signIn('ada')
      await session.commit()
      expect(session.state).toBe('authenticated')
    },
    10_000,
  )
})

describe('Accept-Language', () => {
  it.each([
    ['de-DE,de;q=0.9,en;q=0.8', 'de'],
    [' EN', 'en'],
    ['zh-Hans-CN', 'zh'],
    ['fr;q=0.1', 'fr'],
    ['*', undefined],
    ['', undefined],
    ['x-klingon', undefined],
    ['123', undefined],
  ])('%j: %s', (languages, language) => {
    expect(reduce({ languages }).language).toBe(language)
  })
})

describe('client hints', () => {
  const CHROME = `${WINDOWS} ${KIT} Chrome/126.0.0.0 Safari/537.36`
  const brands = '"Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"'
  const agrees: Partial<SelfPortrait> = { userAgent: CHROME, brands, platform: '"Windows"', mobile: '?0' }

  it.each<[string, Partial<SelfPortrait>, boolean]>([
    ['all in accord', {}, false],
    ['no hints', { brands: '', platform: '', mobile: '' }, false],
    ['only what is not compared without brands', { brands: '', platform: '"macOS"', mobile: '?1' }, false],
    ['a brand that nobody knows', { brands: '"Chromium";v="126", "Brave";v="126"' }, false],
    ['a platform that nobody knows', { platform: '"Fuchsia"' }, false],
    ['no User-Agent', { userAgent: '' }, false],
    ['an app that names no browser', { userAgent: 'Shop/1' }, false],
    ['another platform', { platform: '"macOS"' }, true],
    ['another brand', { brands: '"Chromium";v="126", "Microsoft Edge";v="126"' }, true],
    [
      'Chromium, told as Firefox',
      { userAgent: 'Mozilla/5.0 (Windows NT 10.0; rv:127.0) Firefox/127.0', brands: '"Chromium";v="126"' },
      true,
    ],
    [
      'Chromium, told as Safari',
      { userAgent: `${MAC} ${APPLE} Version/17.5 Safari/605.1.15`, brands: '"Chromium";v="126"', platform: '"macOS"' },
      true,
    ],
    ['mobile on Windows', { mobile: '?1' }, true],
    [
      'mobile on macOS',
      { userAgent: `${MAC} ${KIT} Chrome/126.0 Safari/537.36`, platform: '"macOS"', mobile: '?1' },
      true,
    ],
    [
      'mobile on ChromeOS',
      { userAgent: `${LINUX.replace('Linux', 'CrOS')} ${KIT} Chrome/126.0`, platform: '"Chrome OS"', mobile: '?1' },
      true,
    ],
    [
      'Chromium OS by its older name',
      { userAgent: `${LINUX.replace('Linux', 'CrOS')} ${KIT} Chrome/126.0`, platform: '"Chromium OS"' },
      false,
    ],
    [
      'mobile on Android',
      { userAgent: `${ANDROID} ${KIT} Chrome/126.0 Mobile Safari/537.36`, platform: '"Android"', mobile: '?1' },
      false,
    ],
    [
      'Android that shows the desktop site',
      { userAgent: `${LINUX} ${KIT} Chrome/126.0 Safari/537.36`, platform: '"Android"' },
      false,
    ],
    [
      'mobile in such a moment',
      { userAgent: `${LINUX} ${KIT} Chrome/126.0 Safari/537.36`, platform: '"Linux"', mobile: '?1' },
      false,
    ],
  ])('%s', (_, change, contradicts) => {
    expect(reduce({ ...agrees, ...change }).contradiction ?? false).toBe(contradicts)
  })
})
