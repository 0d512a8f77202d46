import { type HmacKey, hkdf, hmac, importKey } from '#digest'
import { ConfigError } from '../errors.ts'
import { decodeBase64url } from './base64url.ts'
import { equal } from './equal.ts'

/** A secret of at least 32 bytes: the bytes themselves, or their base64url text. */
export type Key = string | Uint8Array

/** How to come by a key. */
export const KEY_HINT: string =
  "Make one with: node -e \"console.log(require('node:crypto').randomBytes(32).toString('base64url'))\" and keep it outside the code."
const PLACEHOLDER = /change.?me|secret|passw|keyboard.?cat|example|placeholder|your.?key|insecure|default/i

/** The keys of one purpose: the first signs, all verify. Subkeys by HKDF-SHA-256, info `sess/<purpose>/v1`. */
export class Keyring {
  readonly #read: () => readonly Uint8Array[]
  readonly #purpose: string
  #subkeys: readonly HmacKey[] | null = null

  /** `keys` is called when the first token is signed or verified: Workers have no randomness before the first request. */
  constructor(keys: () => readonly Uint8Array[], purpose: string) {
    this.#read = keys
    this.#purpose = purpose
  }

  get #keys(): readonly HmacKey[] {
    this.#subkeys ??= this.#read().map((key) => importKey(hkdf(key, `sess/${this.#purpose}/v1`)))
    return this.#subkeys
  }

  sign(text: string): string {
    return hmac(this.#keys[0] as HmacKey, text)
  }

  /** Index of the key that made this MAC, or -1. */
  verify(text: string, mac: string): number {
    return this.#keys.findIndex((key) => equal(hmac(key, text), mac))
  }
}

/** A short public name of a key, by which operators can tell which ones are in use: 48 bits under a subkey of its own. */
export function keyId(key: Uint8Array): string {
  return hmac(importKey(hkdf(key, 'sess/key-id/v1')), 'sess/key-id/v1').slice(0, 8)
}

/** Checks the keys a user configured; throws a {@link ConfigError} that never shows one. */
export function readKeys(keys: Key | readonly Key[]): Uint8Array[] {
  const list = Array.isArray(keys) ? (keys as readonly Key[]) : [keys as Key]
  if (list.length === 0) throw new ConfigError(`\`keys\` is empty. ${KEY_HINT}`)
  return list.map((key, index) => readKey(key, `keys[${index}]`))
}

function readKey(key: Key, name: string): Uint8Array {
  if (typeof key === 'string' && PLACEHOLDER.test(key)) {
    throw new ConfigError(`\`${name}\` looks like a placeholder. ${KEY_HINT}`)
  }
  const bytes = typeof key === 'string' ? decodeBase64url(key) : key
  if (!(bytes instanceof Uint8Array))
    throw new ConfigError(`\`${name}\` must be base64url text or a Uint8Array. ${KEY_HINT}`)
  if (bytes.length < 32)
    throw new ConfigError(`\`${name}\` has ${bytes.length} bytes; at least 32 are needed. ${KEY_HINT}`)
  if (new Set(bytes).size < 8) throw new ConfigError(`\`${name}\` is not random. ${KEY_HINT}`)
  return new Uint8Array(bytes)
}
