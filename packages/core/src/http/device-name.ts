import type { NameDevice } from '../manager/accounts.ts'
import type { ManagerOptions } from '../manager/options.ts'

/** Longest User-Agent kept, in characters: parsers are given no more. */
export const MAX_USER_AGENT = 512

/** Names devices as the `device` option says. What parses User-Agents is loaded when the first one is to be named. */
export function deviceNamer(device: ManagerOptions<object>['device']): NameDevice {
  if (typeof device === 'object') return device.describe
  return async (userAgent) => (await import('#device-name')).deviceName(userAgent)
}
