import { decodeBase64url, encodeBase64url } from '../../crypto/base64url.ts'

const VERSION = 1
const SIZE = 32

/**
 * A secret (43 characters of base64url) under a fresh mask, so that no two pages carry the same bytes: a compressed page that
 * reflects input would otherwise give it away. `version ‖ mask ‖ mask ⊕ secret`. @see CVE-2013-3587 (BREACH)
 */
export function maskSecret(secret: string, mask: Uint8Array): string {
  const bytes = decodeBase64url(secret) as Uint8Array // it is an HMAC of ours
  const token = new Uint8Array(1 + 2 * SIZE)
  token[0] = VERSION
  token.set(mask, 1)
  for (let at = 0; at < SIZE; at += 1) token[1 + SIZE + at] = (mask[at] as number) ^ (bytes[at] as number)
  return encodeBase64url(token)
}

/** The secret below the mask, or null for what is no token. */
export function unmaskSecret(token: unknown): string | null {
  if (typeof token !== 'string' || token.length !== Math.ceil(((1 + 2 * SIZE) * 4) / 3)) return null
  const bytes = decodeBase64url(token)
  if (bytes === null || bytes[0] !== VERSION) return null
  const secret = new Uint8Array(SIZE)
  for (let at = 0; at < SIZE; at += 1) secret[at] = (bytes[1 + at] as number) ^ (bytes[1 + SIZE + at] as number)
  return encodeBase64url(secret)
}
