/** Where an address belongs: the network in whose place it is compared, and the whole address in one spelling. */
export interface Place {
  readonly kind: '4' | '6'
  /** The first 24 or 64 bits. */
  readonly network: string
  readonly address: string
}

const V4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?::\d+)?$/i

/**
 * Network and address of a client, or null for text that is no address. IPv4 by /24, IPv6 by /64, which is what one subscriber
 * has; an IPv4 address in IPv6 clothes is an IPv4 address. A port or zone is left out.
 *
 * @see RFC 4291 §2.2, RFC 8981
 */
export function placeOf(ip: string): Place | null {
  const v4 = V4.exec(ip)
  if (v4 !== null) {
    const parts = v4.slice(1).map(Number)
    if (parts.some((part) => part > 255)) return null
    return { kind: '4', network: parts.slice(0, 3).join('.'), address: parts.join('.') }
  }
  const groups = groupsOf(ip.replace(/^\[([^\]]*)\](?::\d+)?$/, '$1').replace(/%.*$/, ''))
  return groups === null ? null : { kind: '6', network: groups.slice(0, 4).join(':'), address: groups.join(':') }
}

/** The eight groups of an IPv6 address, without leading zeros, in lower case. */
function groupsOf(text: string): string[] | null {
  const halves = text.toLowerCase().split('::')
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - left.length - right.length
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return null
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return null
  return groups.map((group) => group.replace(/^0+(?=.)/, ''))
}
