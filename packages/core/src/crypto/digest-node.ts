import { createHash, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** A key ready for {@link hmac}. */
export type HmacKey = KeyObject

export function importKey(bytes: Uint8Array): HmacKey {
  return createSecretKey(bytes)
}

/** HMAC-SHA-256 of a text, base64url. */
export function hmac(key: HmacKey, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** SHA-256 of a text, base64url. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** HKDF-SHA-256 without salt, 32 bytes. @see RFC 5869 */
export function hkdf(key: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), info, 32))
}
