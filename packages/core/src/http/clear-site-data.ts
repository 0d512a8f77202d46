import { ConfigError } from '../errors.ts'
import { display } from '../manager/duration.ts'

/** What a browser can be told to forget. @see Clear Site Data §3.1 */
export type SiteData = 'cache' | 'cookies' | 'storage'

const KINDS: readonly SiteData[] = ['cache', 'cookies', 'storage']

/**
 * The value of `Clear-Site-Data` for sign-outs, or null for none. `"cookies"` clears the whole registrable domain, other
 * applications included, so it is left out where the session cookie is shared.
 */
export function readClearSiteData(
  option: boolean | readonly SiteData[] = false,
  sharedDomain: string | null,
): string | null {
  if (option === false) return null
  if (option === true) return format(KINDS.filter((kind) => kind !== 'cookies' || sharedDomain === null))
  if (!Array.isArray(option) || option.length === 0 || !option.every((kind) => KINDS.includes(kind))) {
    throw new ConfigError(
      `\`clearSiteData\` is ${display(option)}; use true, false, or an array of ${KINDS.join(', ')}.`,
    )
  }
  if (option.includes('cookies') && sharedDomain !== null) {
    throw new ConfigError(
      `\`clearSiteData\`: 'cookies' would clear the cookies of every application of ${sharedDomain}, with which the session cookie is shared.`,
    )
  }
  return format(option as readonly SiteData[]) // checked above
}

function format(kinds: readonly SiteData[]): string {
  return [...new Set(kinds)].map((kind) => `"${kind}"`).join(', ')
}
