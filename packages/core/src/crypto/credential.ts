import { hkdf, hmac, importKey } from '#digest'
import { ConfigError } from '../errors.ts'
import { decodeBase64url } from './base64url.ts'
import { equal } from './equal.ts'

/**
 * What a session keeps of a credential stamp: an HMAC under a subkey of its sid, which no store holds. The stamp cannot be
 * guessed from it, and is the same for no two sessions.
 */
export function credentialDigest(sid: string, stamp: string): string {
  // A sid is 32 bytes of base64url by its making, and by the pattern of tokens.
  return hmac(importKey(hkdf(decodeBase64url(sid) as Uint8Array, 'sess/credential/v1')), stamp)
}

/** Where in `texts` the text is, or -1. Compares with all of them, each in constant time. */
export function findEqual(text: string, texts: readonly string[]): number {
  return texts.map((other) => equal(text, other)).indexOf(true)
}

/** Throws unless it can be a credential stamp. */
export function requireStamp(stamp: unknown, call: string): void {
  if (typeof stamp === 'string' && stamp !== '') return
  throw new ConfigError(`${call} needs a non-empty text that changes with the credential, like the password's hash.`)
}
