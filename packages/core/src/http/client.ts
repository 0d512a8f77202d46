import type { Fingerprint } from '../kernel/record.ts'

/** In order: browsers that name others as well come before those they name. */
const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, 'edge'],
  [/\b(?:OPR|OPT|Opera)\//, 'opera'],
  [/\bSamsungBrowser\//, 'samsung'],
  [/\b(?:Firefox|FxiOS)\//, 'firefox'],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, 'chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'safari'],
]
const SYSTEMS: readonly [RegExp, string][] = [
  [/\b(?:iPhone|iPad|iPod)\b/, 'ios'],
  [/\bAndroid\b/, 'android'],
  [/\bWindows\b/, 'windows'],
  [/\bCrOS\b/, 'chromeos'],
  [/\b(?:Macintosh|Mac OS X)\b/, 'macos'],
  [/\bLinux\b/, 'linux'],
]
const MAX_LENGTH = 512

/**
 * Reduces a User-Agent to browser family and operating system class: stable across updates, and little enough to keep. What
 * it does not know is null, which compares as neutral.
 */
export function reduceUserAgent(userAgent: string | undefined): Fingerprint | null {
  if (userAgent === undefined || userAgent === '') return null
  const text = userAgent.slice(0, MAX_LENGTH)
  return { browser: firstMatch(BROWSERS, text), os: firstMatch(SYSTEMS, text) }
}

function firstMatch(table: readonly [RegExp, string][], text: string): string | null {
  return table.find(([pattern]) => pattern.test(text))?.[1] ?? null
}
