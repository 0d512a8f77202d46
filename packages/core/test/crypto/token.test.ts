import { createHash, createHmac, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64url, encodeBase64url } from '../../src/crypto/base64url.ts'
import { equal } from '../../src/crypto/equal.ts'
import { Keyring } from '../../src/crypto/keyring.ts'
import { mintSid, mintToken, readToken, sidToId, TOKEN_LENGTH } from '../../src/crypto/token.ts'

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index * 7)
const OTHER = Uint8Array.from({ length: 32 }, (_, index) => index * 5 + 1)
const ring = new Keyring(() => [KEY], 'token')
const SID = encodeBase64url(Uint8Array.from({ length: 32 }, (_, index) => 255 - index))
const sids = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(mintSid)
const generations = fc.integer({ min: 0, max: 999_999_999 })
const ALPHABET = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']

describe('a token', () => {
  it('is sid.generation.mac, the mac keyed by HKDF and bound to a purpose', () => {
    const subkey = new Uint8Array(hkdfSync('sha256', KEY, '', 'sess/token/v1', 32))
    const mac = createHmac('sha256', subkey).update(`sess/token/v1.${SID}.12`).digest('base64url')
    expect(mintToken(SID, 12, ring)).toBe(`${SID}.12.${mac}`)
  })

  it('reads back what was minted', () => {
    fc.assert(
      fc.property(sids, generations, (sid, generation) => {
        const text = mintToken(sid, generation, ring)
        expect(text.length).toBeLessThanOrEqual(TOKEN_LENGTH)
        expect(readToken(text, ring)).toEqual({ sid, generation, oldKey: false })
      }),
    )
  })

  it('has one successor, whoever mints it', () => {
    expect(mintToken(SID, 1, ring)).toBe(mintToken(SID, 1, new Keyring(() => [KEY, OTHER], 'token')))
  })

  it('is refused with any one character changed to any other', () => {
    const text = mintToken(SID, 7, ring)
    for (let at = 0; at < text.length; at += 1) {
      for (const char of [...ALPHABET, '.', '=', ' ', '%']) {
        if (char === text[at]) continue
        expect(readToken(text.slice(0, at) + char + text.slice(at + 1), ring)).toBeNull()
      }
    }
  })

  it('is refused with any one bit flipped', () => {
    const text = mintToken(SID, 123_456_789, ring)
    fc.assert(
      fc.property(fc.nat({ max: text.length - 1 }), fc.nat({ max: 15 }), (at, bit) => {
        const flipped = String.fromCharCode(text.charCodeAt(at) ^ (1 << bit))
        expect(readToken(text.slice(0, at) + flipped + text.slice(at + 1), ring)).toBeNull()
      }),
    )
  })

  const valid = mintToken(SID, 7, ring)
  const [, , mac = ''] = valid.split('.')
  it.each([
    ['nothing', ''],
    ['a dot', '.'],
    ['a sid alone', SID],
    ['no mac', `${SID}.7`],
    ['an empty mac', `${SID}.7.`],
    ['a fourth part', `${valid}.7`],
    ['space around it', ` ${valid} `],
    ['a newline behind it', `${valid}\n`],
    ['quotes around it', `"${valid}"`],
    ['padding', `${valid}=`],
    ['percent encoding', valid.replace('.', '%2E')],
    ['a short sid', `${SID.slice(1)}.7.${mac}`],
    ['a long sid', `A${SID}.7.${mac}`],
    ['another generation', `${SID}.8.${mac}`],
    ['a leading zero', `${SID}.07.${mac}`],
    ['a sign', `${SID}.+7.${mac}`],
    ['a negative generation', `${SID}.-7.${mac}`],
    ['an exponent', `${SID}.7e0.${mac}`],
    ['a fraction', `${SID}.7.0.${mac}`],
    ['other digits', `${SID}.٧.${mac}`],
    ['eight kilobytes', 'A'.repeat(8192)],
  ])('is refused with %s', (_, text) => {
    expect(readToken(text, ring)).toBeNull()
  })

  it('is refused in every form but the canonical one, even if its MAC is genuine', () => {
    for (const generation of ['07', '00', '1000000000', '-1', '1e3', ' 7']) {
      const text = `${SID}.${generation}.${ring.sign(`sess/token/v1.${SID}.${generation}`)}`
      expect(readToken(text, ring)).toBeNull()
    }
  })

  it('is refused when the mac was made for another purpose', () => {
    expect(readToken(mintToken(SID, 7, new Keyring(() => [KEY], 'csrf')), ring)).toBeNull()
  })

  it('never throws on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (text) => readToken(text, ring) === null))
  })
})

describe('a key ring', () => {
  it('signs with the first key and verifies with all, telling old from first', () => {
    const before = mintToken(SID, 3, new Keyring(() => [OTHER], 'token'))
    const both = new Keyring(() => [KEY, OTHER], 'token')
    expect(readToken(before, both)).toEqual({ sid: SID, generation: 3, oldKey: true })
    expect(readToken(mintToken(SID, 3, both), both)).toEqual({ sid: SID, generation: 3, oldKey: false })
    expect(readToken(before, ring)).toBeNull()
  })

  it('tells which key made a mac', () => {
    const both = new Keyring(() => [KEY, OTHER], 'token')
    expect(both.verify('text', both.sign('text'))).toBe(0)
    expect(both.verify('text', new Keyring(() => [OTHER], 'token').sign('text'))).toBe(1)
    expect(both.verify('text', 'x'.repeat(43))).toBe(-1)
  })

  it('lets a new key be deployed last everywhere before it signs', () => {
    const [old, deploying, moved] = [[OTHER], [OTHER, KEY], [KEY, OTHER]].map(
      (keys) => new Keyring(() => keys, 'token'),
    )
    const token = mintToken(SID, 0, moved!)
    expect(readToken(token, deploying!)).toEqual({ sid: SID, generation: 0, oldKey: true })
    expect(readToken(token, old!)).toBeNull()
  })
})

describe('a store key', () => {
  it('is the SHA-256 of the sid text', () => {
    expect(sidToId(SID)).toBe(createHash('sha256').update(SID).digest('base64url'))
    expect(sidToId(SID)).toHaveLength(43)
  })
})

describe('base64url', () => {
  it('agrees with the platform on every sequence of bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = encodeBase64url(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64url'))
        expect(decodeBase64url(text)).toEqual(bytes)
      }),
    )
  })

  it.each(['a', 'ab=', 'a+bc', 'a/bc', 'ab c', 'ä'])('is not %j', (text) => {
    expect(decodeBase64url(text)).toBeNull()
  })
})

describe('equal', () => {
  it('is equality of texts', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => equal(a, b) === (a === b) && equal(a, a)))
  })
})
