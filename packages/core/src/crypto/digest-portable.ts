import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js'
import { hmac as nobleHmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { encodeBase64url } from './base64url.ts'

/** A key ready for {@link hmac}. */
export type HmacKey = Uint8Array

export function importKey(bytes: Uint8Array): HmacKey {
  return bytes.slice()
}

/** HMAC-SHA-256 of a text, base64url. */
export function hmac(key: HmacKey, text: string): string {
  return encodeBase64url(nobleHmac(nobleSha256, key, utf8ToBytes(text)))
}

/** SHA-256 of a text, base64url. */
export function sha256(text: string): string {
  return encodeBase64url(nobleSha256(utf8ToBytes(text)))
}

/** HKDF-SHA-256 without salt, 32 bytes. @see RFC 5869 */
export function hkdf(key: Uint8Array, info: string): Uint8Array {
  return nobleHkdf(nobleSha256, key, undefined, utf8ToBytes(info), 32)
}
