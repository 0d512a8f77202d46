import fc from 'fast-check'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as node from '../../src/crypto/digest-node.ts'
import * as portable from '../../src/crypto/digest-portable.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const toHex = (base64url: string) => Buffer.from(base64url, 'base64url').toString('hex')

interface Digest {
  readonly name: string
  sha256(text: string): string
  hmac(key: Uint8Array, text: string): string
  hkdf(key: Uint8Array, info: string): Uint8Array
}

const IMPLEMENTATIONS: readonly Digest[] = [
  { ...node, name: 'node', hmac: (key, text) => node.hmac(node.importKey(key), text) },
  { ...portable, name: 'portable', hmac: (key, text) => portable.hmac(portable.importKey(key), text) },
]

describe.each(IMPLEMENTATIONS)('digest-$name', ({ sha256, hmac, hkdf }) => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('SHA-256, FIPS 180-4 examples %#', (text, expected) => {
    expect(toHex(sha256(text))).toBe(expected)
  })

  it.each([
    ['0b'.repeat(20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    ['4a656665', 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [
      'aa'.repeat(131),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      'aa'.repeat(131),
      'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ])('HMAC-SHA-256, RFC 4231 test cases 1, 2, 6, 7 %#', (key, text, expected) => {
    expect(toHex(hmac(hex(key), text))).toBe(expected)
  })

  it('HKDF-SHA-256, RFC 5869 test case 3: no salt, no info, its first 32 bytes', () => {
    const okm = hkdf(hex('0b'.repeat(22)), '')
    expect(Buffer.from(okm).toString('hex')).toBe('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d')
  })

  it('encodes as unpadded base64url', () => {
    expect(sha256('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  })
})

describe('both implementations', () => {
  const keys = fc.uint8Array({ minLength: 1, maxLength: 200 })
  const texts = fc.string({ unit: 'binary', maxLength: 200 })

  it('agree on every text and key', () => {
    fc.assert(
      fc.property(keys, texts, (key, text) => {
        expect(portable.sha256(text)).toBe(node.sha256(text))
        expect(portable.hmac(portable.importKey(key), text)).toBe(node.hmac(node.importKey(key), text))
        expect(portable.hkdf(key, text)).toEqual(node.hkdf(key, text))
      }),
      { numRuns: 300 },
    )
  })

  it('have the same signatures, but for the shape of an imported key', () => {
    expect(Object.keys(portable).sort()).toEqual(Object.keys(node).sort())
    expectTypeOf(portable.sha256).toEqualTypeOf(node.sha256)
    expectTypeOf(portable.hkdf).toEqualTypeOf(node.hkdf)
    expectTypeOf<Parameters<typeof portable.importKey>>().toEqualTypeOf<Parameters<typeof node.importKey>>()
    expectTypeOf<Parameters<typeof portable.hmac>>().toEqualTypeOf<[key: portable.HmacKey, text: string]>()
    expectTypeOf<Parameters<typeof node.hmac>>().toEqualTypeOf<[key: node.HmacKey, text: string]>()
    expectTypeOf<ReturnType<typeof portable.hmac>>().toEqualTypeOf<ReturnType<typeof node.hmac>>()
  })

  it('keep an imported key as it was', () => {
    for (const { importKey, hmac } of [node, portable] as const) {
      const bytes = new Uint8Array(32).fill(7)
      const key = importKey(bytes) as never
      const before = hmac(key, 'text')
      bytes.fill(0)
      expect(hmac(key, 'text')).toBe(before)
    }
  })
})
