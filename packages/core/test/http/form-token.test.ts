import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBase64url } from '../../src/crypto/base64url.ts'
import { maskSecret, unmaskSecret } from '../../src/http/csrf/form-token.ts'

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('a form token', () => {
  it('is the secret again once the mask is off', () => {
    fc.assert(
      fc.property(bytes, bytes, (secret, mask) => {
        const text = encodeBase64url(secret)
        expect(unmaskSecret(maskSecret(text, mask))).toBe(text)
      }),
    )
  })

  it('is version, mask, and the secret under the mask', () => {
    const secret = encodeBase64url(new Uint8Array(32).fill(0b1010))
    const token = maskSecret(secret, new Uint8Array(32).fill(0b0110))
    expect(token).toBe(encodeBase64url(Uint8Array.from([1, ...Array(32).fill(0b0110), ...Array(32).fill(0b1100)])))
  })

  it('has none of the secret’s bytes in its place, whatever the mask', () => {
    const secret = encodeBase64url(new Uint8Array(32).fill(7))
    const seen = new Set(Array.from({ length: 100 }, (_, at) => maskSecret(secret, new Uint8Array(32).fill(at))))
    expect(seen.size).toBe(100)
  })

  it('takes nothing else for one, and never throws', () => {
    const token = maskSecret(encodeBase64url(new Uint8Array(32)), new Uint8Array(32))
    const wrong = [
      undefined,
      null,
      7,
      {},
      [token],
      '',
      token.slice(1),
      `${token}A`,
      `B${token.slice(1)}`,
      ` ${token.slice(1)}`,
    ]
    for (const text of [...wrong, 'é'.repeat(87), '='.repeat(87), '\u0000'.repeat(87)])
      expect(unmaskSecret(text)).toBeNull()
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(unmaskSecret(value)).toBeNull()
      }),
    )
    fc.assert(
      fc.property(fc.string({ minLength: 87, maxLength: 87, unit: 'binary-ascii' }), (value) => {
        expect(() => unmaskSecret(value)).not.toThrow()
      }),
    )
  })
})
