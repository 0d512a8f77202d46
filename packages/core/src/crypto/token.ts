import { sha256 } from '#digest'
import { encodeBase64url } from './base64url.ts'
import type { Keyring } from './keyring.ts'

/** A token whose MAC has been verified: the secret id of a session, and the generation that was presented. */
export interface Token {
  readonly sid: string
  readonly generation: number
  /** Signed with a key that is no longer the first of the ring. */
  readonly oldKey: boolean
}

const SHAPE = /^([A-Za-z0-9_-]{43})\.(0|[1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})$/

/** Length of the longest possible token. */
export const TOKEN_LENGTH: number = 43 + 1 + 9 + 1 + 43

/** `sid.generation.mac`; a function of its arguments, so parallel rotations mint the same successor. */
export function mintToken(sid: string, generation: number, keyring: Keyring): string {
  return `${sid}.${generation}.${keyring.sign(signedText(sid, generation))}`
}

/** The token a text stands for, or null if it is malformed or its MAC does not verify. Compares in constant time. */
export function readToken(text: string, keyring: Keyring): Token | null {
  if (text.length > TOKEN_LENGTH) return null
  const match = SHAPE.exec(text)
  if (match === null) return null
  const [, sid, digits, mac] = match as unknown as [string, string, string, string]
  const generation = Number(digits)
  const key = keyring.verify(signedText(sid, generation), mac)
  return key < 0 ? null : { sid, generation, oldKey: key > 0 }
}

/** A fresh secret session id: 32 bytes of the CSPRNG as base64url. @see OWASP ASVS 5.0 7.2.3 */
export function mintSid(bytes: Uint8Array): string {
  return encodeBase64url(bytes)
}

/** The store key of a sid. The sid cannot be told from it. */
export function sidToId(sid: string): string {
  return sha256(sid)
}

function signedText(sid: string, generation: number): string {
  return `sess/token/v1.${sid}.${generation}`
}
