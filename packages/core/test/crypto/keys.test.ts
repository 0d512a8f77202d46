import { ConfigError, createSessions, type Key } from '@sess/core'
import { describe, expect, it } from 'vitest'
import { keyId, readKeys } from '../../src/crypto/keyring.ts'
import { ScriptedStore } from '../manager/scripted-store.ts'

const BYTES = Uint8Array.from({ length: 32 }, (_, index) => index * 7)
const TEXT = Buffer.from(BYTES).toString('base64url')

function problem(keys: unknown): string {
  try {
    // What JavaScript callers may hand in.
    readKeys(keys as Key)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('expected a ConfigError')
}

describe('keys', () => {
  it('are bytes or their base64url text, one or several', () => {
    expect(readKeys(BYTES)).toEqual([BYTES])
    expect(readKeys(TEXT)).toEqual([BYTES])
    expect([...(readKeys(Buffer.from(BYTES))[0] ?? [])]).toEqual([...BYTES])
    expect(readKeys([TEXT, BYTES])).toEqual([BYTES, BYTES])
  })

  it('are copied', () => {
    const mine = BYTES.slice()
    const [key] = readKeys(mine)
    mine.fill(0)
    expect(key).toEqual(BYTES)
  })

  it.each([
    ['an empty ring', [], '`keys` is empty.'],
    ['31 bytes', BYTES.slice(1), '`keys[0]` has 31 bytes; at least 32 are needed.'],
    ['short text', 'c2hvcnQ', '`keys[0]` has 5 bytes; at least 32 are needed.'],
    ['empty text', '', '`keys[0]` has 0 bytes; at least 32 are needed.'],
    ['text in another encoding', `${TEXT.slice(1)}+/==`, '`keys[0]` must be base64url text or a Uint8Array.'],
    ['a number', 42, '`keys[0]` must be base64url text or a Uint8Array.'],
    ['null', null, '`keys[0]` must be base64url text or a Uint8Array.'],
    ['zeros', new Uint8Array(32), '`keys[0]` is not random.'],
    ['a repeated byte pair', 'YWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWI', '`keys[0]` is not random.'],
    ['the second of the ring', [BYTES, 'abc'], '`keys[1]` has 2 bytes; at least 32 are needed.'],
    ['keyboard cat', 'keyboard-cat-keyboard-cat-keyboard-cat-keyboa', '`keys[0]` looks like a placeholder.'],
    ['change me', 'CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME_CHAN', '`keys[0]` looks like a placeholder.'],
    ['a secret', 'my-super-secret-my-super-secret-my-super-secr', '`keys[0]` looks like a placeholder.'],
  ])('refuses %s', (_, keys, message) => {
    expect(problem(keys).startsWith(message)).toBe(true)
    expect(problem(keys)).toContain("randomBytes(32).toString('base64url')")
  })

  it.each(['changeme', 'change-me', 'keyboardcat', 'keyboard cat', 'yourkey', 'your-key', 'Password', 'EXAMPLE'])(
    'refuses what reads like %s',
    (word) => {
      expect(problem(`${word}-${TEXT}`)).toMatch(/^`keys\[0\]` looks like a placeholder/)
    },
  )

  it('takes bytes as they are, whatever they would read', () => {
    const bytes = new TextEncoder().encode('secret-'.repeat(4) + TEXT.slice(0, 8))
    expect(readKeys(bytes)).toEqual([bytes])
  })

  it('counts as random from eight different bytes on', () => {
    const of = (kinds: number) => Uint8Array.from({ length: 32 }, (_, index) => index % kinds)
    expect(readKeys(of(8))).toEqual([of(8)])
    expect(problem(of(7))).toMatch(/^`keys\[0\]` is not random/)
  })

  it('have short public names, each its own', () => {
    const names = [BYTES, BYTES.map((byte) => byte ^ 1)].map(keyId)
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{8}$/)
    expect(TEXT).not.toContain(names[0])
    // By HKDF and HMAC of node:crypto: names stay the same from version to version.
    expect(names[0]).toBe('3guHZ_pl')
  })

  it.each([
    'keyboard-cat-9QZ7-keyboard-cat-keyboard-cat-9QZ7',
    '9QZ7short',
    '9QZ7 not base64url at all, but quite long enough',
  ])('never shows the key it refuses', (key) => {
    expect(problem(key)).not.toContain('9QZ7')
  })

  it('are required with a durable store, with the command that makes one', () => {
    const store = new ScriptedStore(true)
    expect(() => createSessions({ store })).toThrow(/`keys` is required with a durable store.*randomBytes\(32\)/)
    expect(() => createSessions({ store, keys: TEXT })).not.toThrow()
  })

  it('are random per process with a store that is not', async () => {
    const [one, two] = [createSessions({ store: new ScriptedStore() }), createSessions({ store: new ScriptedStore() })]
    const session = await one.open({ secure: true })
    session.signIn('ada')
    await session.commit()
    const [, line = ''] = session.toHeaders().find(([name]) => name === 'Set-Cookie') ?? []
    const cookie = line.split(';')[0] ?? ''
    expect((await one.open({ cookie })).subject).toBe('ada')
    expect((await two.open({ cookie })).subject).toBeNull()
  })
})
