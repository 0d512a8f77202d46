import { isModeOf } from '../kernel/fingerprint.ts'
import type { Fingerprint } from '../kernel/record.ts'

/** In order: browsers that name others as well come before those they name. The group is the major version. */
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\/(\d*)/, 'edge'],
  [/\b(?:OPR|OPT|Opera)\/(\d*)/, 'opera'],
  [/\bSamsungBrowser\/(\d*)/, 'samsung'],
  [/\b(?:Firefox|FxiOS)\/(\d*)/, 'firefox'],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\/(\d*)/, 'chrome'],
  [/\bVersion\/(\d*)[\d.]*.*\bSafari\//, 'safari'],
]
const SYSTEMS: readonly [RegExp, string][] = [
  [/\b(?:iPhone|iPad|iPod)\b/, 'ios'],
  [/\bAndroid\b/, 'android'],
  [/\bWindows\b/, 'windows'],
  [/\bCrOS\b/, 'chromeos'],
  [/\b(?:Macintosh|Mac OS X)\b/, 'macos'],
  [/\bLinux\b/, 'linux'],
]
const BRANDS: readonly [RegExp, string][] = [
  [/"Microsoft Edge/, 'edge'],
  [/"Opera/, 'opera'],
  [/"Samsung Internet/, 'samsung'],
  [/"Google Chrome"/, 'chrome'],
]
const PLATFORMS: readonly [RegExp, string][] = [
  [/"Windows"/, 'windows'],
  [/"macOS"/, 'macos'],
  [/"Android"/, 'android'],
  [/"Chrom(?:e|ium) ?OS"/, 'chromeos'],
  [/"Linux"/, 'linux'],
]

/** What a browser says about itself, as the headers have it; `''` for what it does not say. */
export interface SelfPortrait {
  readonly userAgent: string
  /** Sec-CH-UA, Sec-CH-UA-Platform and Sec-CH-UA-Mobile: sent by Chromium, over https. */
  readonly brands: string
  readonly platform: string
  readonly mobile: string
  /** Accept-Language. */
  readonly languages: string
}

/**
 * Reduces what a browser says about itself to its family, major version, operating system class and primary language: little
 * enough to keep. What is not known is left out, and compares as neutral.
 *
 * @see W3C User-Agent Client Hints; RFC 9110 §12.5.4
 */
export function reducePortrait(portrait: SelfPortrait): Fingerprint {
  const { userAgent, languages } = portrait
  const browser = firstMatch(BROWSERS, userAgent)
  const os = firstMatch(SYSTEMS, userAgent)?.[0]
  const language = /^\s*([a-z]{2,8})\b/i.exec(languages)?.[1]?.toLowerCase()
  return {
    ...(browser !== null && { browser: browser[0] }),
    ...(browser !== null && browser[1] !== '' && { version: Number(browser[1]) }),
    ...(os !== undefined && { os }),
    ...(language !== undefined && { language }),
    ...(contradicts(portrait, browser?.[0], os) && { contradiction: true as const }),
  }
}

/**
 * Whether the hints deny what the User-Agent says: somebody has changed the one and forgotten the other. Brands that are not
 * known say nothing; "desktop site" changes the User-Agent before the platform.
 */
function contradicts({ brands, platform, mobile }: SelfPortrait, browser?: string, os?: string): boolean {
  if (brands === '') return false
  const brand = firstMatch(BRANDS, brands)?.[0]
  const system = firstMatch(PLATFORMS, platform)?.[0]
  if (browser !== undefined && brand !== undefined && brand !== browser) return true
  if ((browser === 'firefox' || browser === 'safari') && brands.includes('"Chromium"')) return true
  if (os !== undefined && system !== undefined && os !== system && !isModeOf(os, system)) return true
  return mobile === '?1' && (os === 'windows' || os === 'macos' || os === 'chromeos')
}

function firstMatch(table: readonly [RegExp, string][], text: string): [name: string, version: string] | null {
  for (const [pattern, name] of table) {
    const match = pattern.exec(text)
    if (match !== null) return [name, match[1] ?? '']
  }
  return null
}
