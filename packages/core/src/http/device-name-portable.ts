import { reduceUserAgent } from './client.ts'

const NAMES: Readonly<Record<string, string>> = {
  edge: 'Edge',
  opera: 'Opera',
  samsung: 'Samsung Internet',
  firefox: 'Firefox',
  chrome: 'Chrome',
  safari: 'Safari',
  ios: 'iOS',
  android: 'Android',
  windows: 'Windows',
  chromeos: 'Chrome OS',
  macos: 'macOS',
  linux: 'Linux',
}

/** "Firefox on Windows", or as much of it as can be told, or null. Knows what the fingerprint knows, and costs a bundle nothing. */
export function deviceName(userAgent: string): string | null {
  const { browser = null, os = null } = reduceUserAgent(userAgent) ?? {}
  const names = [browser, os].filter((found) => found !== null).map((found) => NAMES[found] ?? found)
  return names.join(' on ') || null
}
