import type { NetworkInfo } from '@sess/core'

/** What one request shows of its client. */
export interface Look {
  readonly userAgent?: string
  readonly languages?: string
  readonly ip?: string
  /** Sec-CH-UA, -Platform and -Mobile. */
  readonly hints?: readonly [brands: string, platform: string, mobile: '?0' | '?1']
  readonly ja4?: string
}

type Verdict = 'ok' | 'observe' | 'lock' | 'end'

/** A change of a client in the middle of its session, and what it has to amount to. */
export interface Change {
  readonly what: string
  readonly from: Look
  readonly to: Look
  readonly standard: Verdict
  readonly strict: Verdict
}

const KIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const APPLE = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)'
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)'
const LINUX = 'Mozilla/5.0 (X11; Linux x86_64)'
const CROS = 'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)'
const ANDROID = 'Mozilla/5.0 (Linux; Android 10; K)'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)'
const IPAD = 'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X)'

const chrome = (major: number, system = WINDOWS) =>
  `${system} ${KIT} Chrome/${major}.0.0.0 ${system === ANDROID ? 'Mobile ' : ''}Safari/537.36`
const edge = (major: number, system = WINDOWS) => `${chrome(major, system)} Edg/${major}.0.0.0`
const opera = (major: number, system = WINDOWS) => `${chrome(major + 14, system)} OPR/${major}.0.0.0`
const samsung = (major: number, system = ANDROID) =>
  `${system} ${KIT} SamsungBrowser/${major}.0 Chrome/121.0.0.0 ${system === ANDROID ? 'Mobile ' : ''}Safari/537.36`
const firefox = (major: number, system = 'Windows NT 10.0; Win64; x64') =>
  `Mozilla/5.0 (${system}; rv:${major}.0) Gecko/20100101 Firefox/${major}.0`
const fenix = (major: number) => `Mozilla/5.0 (Android 14; Mobile; rv:${major}.0) Gecko/${major}.0 Firefox/${major}.0`
const safari = (version: string, system = MAC) =>
  `${system} ${APPLE} Version/${version} ${system === MAC ? '' : 'Mobile/15E148 '}Safari/605.1.15`
const crios = (major: number, system = IPHONE) =>
  `${system} ${APPLE} CriOS/${major}.0.6478.35 ${system === MAC ? 'Version/11.1.1 ' : 'Mobile/15E148 '}Safari/604.1`
const fxios = (major: number, system = IPHONE) =>
  `${system} ${APPLE} FxiOS/${major}.0 ${system === MAC ? '' : 'Mobile/15E148 '}Safari/605.1.15`
const edgios = (major: number, system = IPHONE) =>
  `${system} ${APPLE} Version/17.0 EdgiOS/${major}.0.2592.56 ${system === MAC ? '' : 'Mobile/15E148 '}Safari/605.1.15`
const webView = (major: number, app = '') =>
  `Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) ${KIT} Version/4.0 Chrome/${major}.0.6478.71 Mobile Safari/537.36${app}`
const iosWebView = (app: string, system = IPHONE) => `${system} ${APPLE} Mobile/15E148 ${app}`
const ie = 'Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko'

const brands = (major: number, name = 'Google Chrome') =>
  `"Not/A)Brand";v="8", "Chromium";v="${major}", "${name}";v="${major}"`
const onWindows = [brands(126), '"Windows"', '?0'] as const
const onAndroid = [brands(126), '"Android"', '?1'] as const

/** Addresses of the table, as a GeoIP database would have them. */
const NETWORKS: Readonly<Record<string, NetworkInfo>> = {
  '198.51.100.7': { asn: 64500, country: 'DE' },
  '198.51.100.99': { asn: 64500, country: 'DE' },
  '198.51.101.7': { asn: 64500, country: 'DE' },
  '203.0.113.7': { asn: 64501, country: 'DE' },
  '192.0.2.7': { asn: 64502, country: 'BR' },
  '172.224.224.7': { asn: 36183, country: 'DE', relay: true },
  '172.224.240.7': { asn: 13335, country: 'DE', relay: true },
  '172.225.8.7': { asn: 36183, country: 'FR', relay: true },
}
export const locate = (ip: string): NetworkInfo | null => NETWORKS[ip] ?? null

const HOME = '198.51.100.7'
const HOME_TOO = '198.51.100.99'
const SAME_ISP = '198.51.101.7'
const OTHER_ISP = '203.0.113.7'
const ABROAD = '192.0.2.7'
const V6 = '2001:db8:1:2:a:b:c:d'

/** A change of the User-Agent alone, seen from home. */
const agent = (
  what: string,
  from: string,
  to: string,
  standard: Verdict = 'ok',
  strict: Verdict = standard,
): Change => ({
  what,
  from: { userAgent: from, ip: HOME, languages: 'de-DE,de;q=0.9' },
  to: { userAgent: to, ip: HOME, languages: 'de-DE,de;q=0.9' },
  standard,
  strict,
})

/** A change of something else; the browser stays the same unless said. */
const other = (what: string, from: Look, to: Look, standard: Verdict = 'ok', strict: Verdict = standard): Change => ({
  what,
  from: { userAgent: chrome(126), ...from },
  to: { userAgent: chrome(126), ...to },
  standard,
  strict,
})

/** What honest clients do in the middle of a session. */
export const honest: Readonly<Record<string, readonly Change[]>> = {
  'the browser or the system is updated': [
    agent('Chrome, Windows', chrome(126), chrome(127)),
    agent('Chrome, macOS, after a long holiday', chrome(126, MAC), chrome(140, MAC)),
    agent('Chrome, Linux', chrome(126, LINUX), chrome(127, LINUX)),
    agent('Chrome, Android', chrome(126, ANDROID), chrome(127, ANDROID)),
    agent('Chrome, iPhone', crios(126), crios(127)),
    agent('Chrome, ChromeOS', chrome(126, CROS), chrome(127, CROS.replace('14541', '15117'))),
    agent('Edge, Windows', edge(126), edge(127)),
    agent('Edge, macOS', edge(126, MAC), edge(127, MAC)),
    agent('Edge, Android', edge(126, ANDROID).replace('Edg', 'EdgA'), edge(127, ANDROID).replace('Edg', 'EdgA')),
    agent('Edge, iPhone', edgios(126), edgios(127)),
    agent('Opera', opera(110), opera(111)),
    agent('Samsung Internet', samsung(25), samsung(26)),
    agent('Firefox, Windows', firefox(127), firefox(128)),
    agent('Firefox, Ubuntu', firefox(127, 'X11; Ubuntu; Linux x86_64'), firefox(128, 'X11; Linux x86_64')),
    agent('Firefox, Android', fenix(127), fenix(128)),
    agent('Firefox, iPhone', fxios(127), fxios(128)),
    agent('Safari, macOS', safari('17.5'), safari('18.0')),
    agent('Safari and iOS', safari('17.5', IPHONE), safari('18.0', IPHONE.replace('17_5', '18_0'))),
    agent('Safari and iPadOS', safari('17.5', IPAD), safari('18.0', IPAD.replace('17_5', '18_0'))),
    agent('Brave, told as Chrome', chrome(126), chrome(127)),
    agent('Vivaldi stops naming itself', `${chrome(126, LINUX)} Vivaldi/6.7`, chrome(127, LINUX)),
    agent(
      'Electron app',
      `${chrome(124, MAC)} shop/1.0.0 Electron/30.1.1`,
      `${chrome(126, MAC)} shop/1.1.0 Electron/31.0.0`,
    ),
    agent('Chrome begins to reduce its version', `${WINDOWS} ${KIT} Chrome/100.0.4896.127 Safari/537.36`, chrome(101)),
    agent(
      'Chrome begins to reduce the device',
      `Mozilla/5.0 (Linux; Android 12; Pixel 6) ${KIT} Chrome/109.0.5414.117 Mobile Safari/537.36`,
      chrome(110, ANDROID),
    ),
    agent('macOS is frozen in Chrome', chrome(126, MAC.replace('10_15_7', '10_14_6')), chrome(126, MAC)),
    agent(
      'macOS in Firefox',
      firefox(127, 'Macintosh; Intel Mac OS X 10.15'),
      firefox(128, 'Macintosh; Intel Mac OS X 14.5'),
    ),
    agent('Windows 7 to 10', chrome(109, 'Mozilla/5.0 (Windows NT 6.1; Win64; x64)'), chrome(126)),
    agent('a staged roll-out is taken back', chrome(127), chrome(126)),
    agent('Android WebView', webView(125), webView(126)),
    agent(
      'smart TV',
      `Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) ${KIT} Version/6.0 TV Safari/537.36`,
      `Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) ${KIT} Version/7.0 TV Safari/537.36`,
    ),
    agent(
      'games console',
      `Mozilla/5.0 (PlayStation; PlayStation 5/8.00) ${APPLE} Version/13.0 Safari/605.1.15`,
      `Mozilla/5.0 (PlayStation; PlayStation 5/9.20) ${APPLE} Version/13.0 Safari/605.1.15`,
    ),
    agent(
      'Kindle',
      `Mozilla/5.0 (Linux; Android 9; KFTRWI) ${KIT} Silk/121.3.1 like Chrome/121.0.0.0 Safari/537.36`,
      `Mozilla/5.0 (Linux; Android 9; KFTRWI) ${KIT} Silk/122.5.1 like Chrome/122.0.6261.105 Safari/537.36`,
    ),
  ],
  'apps and programs are updated': [
    agent(
      'Facebook, iPhone',
      iosWebView('[FBAN/FBIOS;FBAV/470.0;FBDV/iPhone15,2]'),
      iosWebView('[FBAN/FBIOS;FBAV/471.0;FBDV/iPhone15,2]'),
    ),
    agent('Facebook, Android', webView(125, ' [FB_IAB/FB4A;FBAV/470.0;]'), webView(126, ' [FB_IAB/FB4A;FBAV/471.0;]')),
    agent('Instagram, Android', webView(125, ' Instagram 335.0.0 Android'), webView(126, ' Instagram 336.0.0 Android')),
    agent(
      'Instagram, iPhone',
      iosWebView('Instagram 335.0.0 (iPhone15,2)'),
      iosWebView('Instagram 336.0.0 (iPhone15,2)'),
    ),
    agent(
      'WeChat, iPhone',
      iosWebView('MicroMessenger/8.0.49(0x1) Language/zh_CN'),
      iosWebView('MicroMessenger/8.0.50(0x1) Language/zh_CN'),
    ),
    agent('LINE, iPhone', iosWebView('Safari Line/14.8.0'), iosWebView('Safari Line/14.9.0')),
    agent('Google app, iPhone', iosWebView('GSA/320.0.6 Safari/604.1'), iosWebView('GSA/321.0.6 Safari/604.1')),
    agent('native iOS app', 'Shop/1 CFNetwork/1494.0.7 Darwin/23.4.0', 'Shop/2 CFNetwork/1496.0.7 Darwin/23.5.0'),
    agent('native Android app', 'okhttp/4.12.0', 'okhttp/5.0.0'),
    agent('native app, then its WebView', 'okhttp/4.12.0', webView(126)),
    agent('curl', 'curl/8.8.0', 'curl/8.9.1'),
    agent('python-requests', 'python-requests/2.31.0', 'python-requests/2.32.3'),
    agent(
      'crawler',
      `Mozilla/5.0 ${KIT} (compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/125.0.6422.60 Safari/537.36`,
      `Mozilla/5.0 ${KIT} (compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/126.0.6478.126 Safari/537.36`,
    ),
    agent(
      'headless test browser',
      chrome(126, LINUX).replace('Chrome', 'HeadlessChrome'),
      chrome(127, LINUX).replace('Chrome', 'HeadlessChrome'),
    ),
  ],
  'the same browser shows another side': [
    agent('desktop site, Chrome on Android', chrome(126, ANDROID), chrome(126, LINUX)),
    agent('and back', chrome(126, LINUX), chrome(126, ANDROID)),
    agent('desktop site, Firefox on Android', fenix(127), firefox(127, 'X11; Linux x86_64')),
    agent('desktop site, Samsung Internet', samsung(25), samsung(25, LINUX)),
    agent('desktop site, Edge on Android', edge(126, ANDROID), edge(126, LINUX)),
    agent('desktop site, Opera on Android', opera(82, ANDROID), opera(82, LINUX)),
    agent('desktop site, Safari on iPhone', safari('17.5', IPHONE), safari('17.5')),
    agent('desktop site, Chrome on iPhone', crios(126), crios(126, MAC)),
    agent('desktop site, Firefox on iPhone', fxios(127), fxios(127, MAC)),
    agent('desktop site, Edge on iPhone', edgios(126), edgios(126, MAC)),
    agent('iPad, which is told as a Mac unless the mobile site is asked for', safari('17.5'), safari('17.5', IPAD)),
    agent('Chrome on iPad, the same', crios(126, MAC), crios(126, IPAD)),
    agent('Edge in Internet Explorer mode', edge(126), ie),
    other(
      'desktop site with hints, Chrome on Android',
      { userAgent: chrome(126, ANDROID), hints: onAndroid },
      { userAgent: chrome(126, LINUX), hints: [brands(126), '"Linux"', '?0'] },
    ),
    other(
      'desktop site, hints still those of Android',
      { userAgent: chrome(126, ANDROID), hints: onAndroid },
      { userAgent: chrome(126, LINUX), hints: [brands(126), '"Android"', '?0'] },
    ),
    other(
      'brands in another order',
      { hints: onWindows },
      { hints: ['"Google Chrome";v="126", "Chromium";v="126", "Not.A/Brand";v="24"', '"Windows"', '?0'] },
    ),
    other('hints come: now over https', {}, { hints: onWindows }),
    other('hints go: a worker, a beacon, a device-bound refresh', { hints: onWindows }, {}),
    other(
      'Brave, which is its own brand',
      { hints: [brands(126, 'Brave'), '"Windows"', '?0'] },
      { hints: [brands(127, 'Brave'), '"Windows"', '?0'] },
    ),
    other(
      'Opera, whose hints are its own',
      { userAgent: opera(110), hints: [brands(124, 'Opera'), '"Windows"', '?0'] },
      { userAgent: opera(111), hints: [brands(125, 'Opera GX'), '"Windows"', '?0'] },
    ),
    other(
      'a plain Chromium',
      { userAgent: chrome(126, LINUX) },
      { userAgent: chrome(126, LINUX), hints: ['"Chromium";v="126"', '"Linux"', '?0'] },
    ),
    other('a privacy tool removes the User-Agent', {}, { userAgent: '' }),
    other('a privacy tool removes the languages', { languages: 'de' }, {}),
    other(
      'a browser that poses as another all the time',
      { userAgent: firefox(127), hints: onWindows },
      { userAgent: firefox(128), hints: [brands(127), '"Windows"', '?0'] },
    ),
  ],
  'language and place change': [
    other('a reduced list', { languages: 'de-DE,de;q=0.9,en;q=0.8' }, { languages: 'de-DE' }),
    other('another region', { languages: 'en-US,en;q=0.5' }, { languages: 'en-GB,en;q=0.5' }),
    other('fetch() asks for anything', { languages: 'de-DE,de;q=0.9' }, { languages: '*' }),
    other('a language in front', { languages: 'de-DE,de;q=0.9' }, { languages: 'fr-FR,fr;q=0.9,de;q=0.8' }),
    other('mobile network, another address', { ip: HOME }, { ip: HOME_TOO }),
    other('CGNAT, another pool', { ip: HOME }, { ip: SAME_ISP }),
    other('Wi-Fi to LTE', { ip: HOME }, { ip: OTHER_ISP }),
    other('office egress', { ip: OTHER_ISP }, { ip: SAME_ISP }),
    other('VPN on', { ip: HOME }, { ip: ABROAD }, 'observe'),
    other('VPN off', { ip: ABROAD }, { ip: HOME }, 'observe'),
    other('IPv4 to IPv6, within one page', { ip: HOME }, { ip: V6 }),
    other('IPv6 to IPv4', { ip: V6 }, { ip: HOME }),
    other('IPv4 in IPv6 clothes', { ip: HOME }, { ip: `::ffff:${HOME}` }),
    other('IPv6, temporary address', { ip: V6 }, { ip: '2001:db8:1:2:ffff::1' }),
    other('IPv6, new prefix', { ip: V6 }, { ip: '2001:db8:9:9::1' }),
    other('Private Relay, another exit', { ip: '172.224.224.7' }, { ip: '172.224.240.7' }),
    other('Private Relay on', { ip: HOME }, { ip: '172.224.224.7' }),
    other('Private Relay off', { ip: '172.224.224.7' }, { ip: OTHER_ISP }),
    other('Private Relay across a border', { ip: '172.224.224.7' }, { ip: '172.225.8.7' }, 'observe'),
    other('an address that nobody knows', { ip: HOME }, {}),
    other('an address that is none', { ip: HOME }, { ip: 'unix:/run/app.sock' }),
    other('server-side rendering asks on the user’s behalf', { ip: HOME }, { userAgent: 'node', ip: '10.0.0.5' }),
    other('the same, User-Agent forwarded', { ip: HOME }, { ip: '10.0.0.5' }),
  ],
  'several of these at once': [
    other(
      'update, other language, other network',
      { ip: HOME, languages: 'de' },
      { userAgent: chrome(127), ip: OTHER_ISP, languages: 'en' },
    ),
    other(
      'on the train, desktop site, other language',
      { userAgent: chrome(126, ANDROID), ip: HOME, languages: 'de' },
      { userAgent: chrome(126, LINUX), ip: OTHER_ISP, languages: 'en' },
      'observe',
    ),
    other(
      'abroad, with all of it',
      { userAgent: chrome(126, ANDROID), ip: HOME, languages: 'de' },
      { userAgent: chrome(127, LINUX), ip: ABROAD, languages: 'pt-BR' },
      'observe',
    ),
  ],
}

/** Honest too, but indistinguishable from somebody else's browser. `standard` says so and locks nobody; `strict` does. */
export const posing: readonly Change[] = [
  agent('developer tools, an iPhone', chrome(126), safari('17.5', IPHONE), 'observe', 'lock'),
  agent('and back', safari('17.5', IPHONE), chrome(126), 'observe', 'lock'),
  agent('developer tools, a Pixel', chrome(126, MAC), chrome(126, ANDROID), 'observe', 'lock'),
  agent('developer tools of Edge, a Surface Duo', edge(126), chrome(126, ANDROID), 'observe', 'lock'),
  agent('developer tools of Firefox, a Galaxy', firefox(127), samsung(25), 'observe', 'lock'),
  agent('developer tools of Safari, Chrome on Windows', safari('17.5'), chrome(126), 'observe', 'lock'),
  agent('cookies imported into another browser of the same computer', chrome(126), edge(126), 'observe', 'lock'),
  agent('a privacy setting pins the version', firefox(128), firefox(115), 'observe'),
  agent('from the beta to the stable channel', chrome(128), chrome(126), 'observe'),
  other(
    'an extension that changes the User-Agent and not the hints',
    { ip: HOME, hints: onWindows },
    { ip: HOME, hints: onWindows, userAgent: firefox(127, 'X11; Linux x86_64') },
    'observe',
    'end',
  ),
]

/** Somebody else with the same cookie. Those that are `ok` are the limit of what a fingerprint can do. */
export const thefts: readonly Change[] = [
  other('another browser, elsewhere', { ip: HOME }, { userAgent: firefox(127), ip: OTHER_ISP }, 'lock'),
  other('another system, elsewhere', { ip: HOME }, { userAgent: chrome(126, MAC), ip: OTHER_ISP }, 'lock'),
  other(
    'a phone’s cookie on a desktop, elsewhere',
    { userAgent: safari('17.5', IPHONE), ip: HOME },
    { ip: OTHER_ISP },
    'lock',
    'end',
  ),
  other('both, abroad', { ip: HOME }, { userAgent: safari('17.5'), ip: ABROAD }, 'lock', 'end'),
  other('both, place unknown', {}, { userAgent: safari('17.5') }, 'lock'),
  other('both, behind a relay', { ip: HOME }, { userAgent: safari('17.5'), ip: '172.224.224.7' }, 'lock'),
  other('both, IPv6 where IPv4 was known', { ip: HOME }, { userAgent: safari('17.5'), ip: V6 }, 'lock'),
  other(
    'the User-Agent copied, the hints forgotten, abroad',
    { userAgent: firefox(127), ip: HOME },
    { userAgent: firefox(127), hints: onWindows, ip: ABROAD },
    'lock',
  ),
  other(
    'the same, on another network of the country',
    { userAgent: safari('17.5'), ip: HOME },
    { userAgent: safari('17.5'), hints: [brands(126), '"macOS"', '?0'], ip: SAME_ISP },
    'observe',
    'lock',
  ),
  other(
    'the system copied, the platform hint forgotten',
    { ip: HOME },
    { hints: [brands(126), '"Linux"', '?0'], ip: ABROAD },
    'lock',
  ),
  other(
    'a desktop that calls itself mobile, abroad',
    { ip: HOME },
    { hints: [brands(126), '"Windows"', '?1'], ip: ABROAD },
    'lock',
  ),
  other(
    'another brand than the User-Agent says, abroad',
    { ip: HOME },
    { hints: [brands(126, 'Microsoft Edge'), '"Windows"', '?0'], ip: ABROAD },
    'lock',
  ),
  other(
    'another TLS stack, even on the same network',
    { ip: HOME, ja4: 't13d1516h2_8daaf6152771' },
    { ip: HOME, ja4: 't13d191000_9dc949149365' },
    'lock',
  ),
  other(
    'on the network of the victim, another browser',
    { ip: HOME },
    { userAgent: firefox(127), ip: HOME_TOO },
    'observe',
    'lock',
  ),
  other('the same browser and system, abroad', { ip: HOME }, { ip: ABROAD }, 'observe'),
  other('the same browser and system, in the same country', { ip: HOME }, { ip: OTHER_ISP }),
  other('a script that says what it is', { ip: HOME }, { userAgent: 'curl/8.8.0', ip: OTHER_ISP }),
  other(
    'everything copied',
    { ip: HOME, hints: onWindows, languages: 'de' },
    { ip: HOME, hints: onWindows, languages: 'de' },
  ),
]
