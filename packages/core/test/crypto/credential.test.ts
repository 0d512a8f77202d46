import { createHmac, hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { encodeBase64url } from '../../src/crypto/base64url.ts'
import { credentialDigest, findEqual } from '../../src/crypto/credential.ts'
import { mintSid } from '../../src/crypto/token.ts'

const BYTES = Uint8Array.from({ length: 32 }, (_, index) => 255 - index)

describe('the digest of a credential stamp', () => {
  it('is keyed by a subkey of the sid, for this purpose only', () => {
    const subkey = new Uint8Array(hkdfSync('sha256', BYTES, '', 'sess/credential/v1', 32))
    const mac = createHmac('sha256', subkey).update('$2b$10$hash').digest('base64url')
    expect(credentialDigest(encodeBase64url(BYTES), '$2b$10$hash')).toBe(mac)
  })

  it('differs with the sid and with the stamp', () => {
    const sids = [mintSid(BYTES), mintSid(BYTES.toReversed())]
    const digests = sids.flatMap((sid) => ['a', 'b', 'á'].map((stamp) => credentialDigest(sid, stamp)))
    expect(new Set(digests).size).toBe(6)
  })
})

describe('a text among texts', () => {
  it.each<[string, readonly string[], number]>([
    ['b', ['a', 'b', 'b'], 1],
    ['b', ['bb', 'a'], -1],
    ['b', [], -1],
    ['', ['a'], -1],
  ])('%j among %j is at %i', (text, texts, at) => {
    expect(findEqual(text, texts)).toBe(at)
  })
})
