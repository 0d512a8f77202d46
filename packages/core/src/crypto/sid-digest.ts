import { hmac, importKey } from '#digest'

/**
 * Makes digests that only whoever holds the sid can make or compare: HMAC-SHA-256 under the sid, with the purpose as part of
 * the message, cut to 96 bits. A sid is 256 random bits, so this is the expansion of HKDF without its extraction (RFC 5869 §3.3).
 * No store holds the sid, and retiring a key changes nothing.
 */
export function sidDigester(sid: string, purpose: string): (text: string) => string {
  const bytes = new Uint8Array(sid.length)
  for (let at = 0; at < sid.length; at += 1) bytes[at] = sid.charCodeAt(at)
  const key = importKey(bytes)
  return (text) => hmac(key, `sess/${purpose}/v1.${text}`).slice(0, 16)
}
