import { BROWSER_MAP, getParser, OS_MAP } from 'bowser'

const BROWSERS = new Set(Object.values(BROWSER_MAP))
const SYSTEMS = new Set(Object.values(OS_MAP))

/** "Firefox on Windows", or as much of it as can be told, or null. Only names that the library knows: no text of the client's. */
export function deviceName(userAgent: string): string | null {
  const parser = getParser(userAgent)
  const browser = parser.getBrowserName()
  const system = parser.getOSName()
  return [BROWSERS.has(browser) && browser, SYSTEMS.has(system) && system].filter(Boolean).join(' on ') || null
}
