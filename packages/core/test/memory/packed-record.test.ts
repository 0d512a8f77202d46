import type { SessionRecord } from '@sess/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expiryOf, pack, packTouched, rankOf, TOMBSTONE, unpack } from '../../src/memory/packed-record.ts'
import { anonymous, authenticated, NOW, records } from '../kernel/samples.ts'

const back = (record: SessionRecord) => unpack(record.id, pack(record))

const instant = fc.maxSafeNat()
const text = fc.string({ unit: 'grapheme' })
const unknown: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(
  fc.string().map((name) => `later ${name}`),
  fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
)

const changes: fc.Arbitrary<Partial<SessionRecord>> = fc.record(
  {
    revision: text,
    recent: fc.array(text, { maxLength: 8 }),
    expiresAt: instant,
    state: fc.constantFrom('anonymous', 'authenticated', 'locked', 'ended'),
    subject: fc.option(text),
    generation: fc.nat(),
    confirmedAt: fc.option(instant),
    rotation: fc.constantFrom('soft', 'hard'),
    hardRotations: fc.nat(),
    createdAt: instant,
    absoluteAt: instant,
    lastSeenAt: instant,
    auth: fc.option(fc.record({ at: instant, methods: fc.array(text), level: fc.option(fc.nat()) })),
    credential: fc.option(text),
    fingerprint: fc.option(
      fc.record(
        {
          browser: text,
          version: fc.nat(),
          os: text,
          language: text,
          places: fc.array(text),
          marks: fc.dictionary(fc.string(), text),
        },
        { requiredKeys: [] },
      ),
    ),
    device: fc.option(fc.record({ ip: text, name: text }, { requiredKeys: [] })),
    persistent: fc.boolean(),
    extra: fc.dictionary(fc.string(), text),
    endedReason: fc.option(fc.constantFrom('revoked', 'reuse')),
    endedAt: fc.option(instant),
    data: text,
  },
  { requiredKeys: [] },
)

describe('a packed record', () => {
  it.each(Object.entries(records).filter(([, record]) => record !== null))('comes back as it was: %s', (_, record) => {
    expect(back(record as SessionRecord)).toEqual(record)
  })

  it('comes back as it was, whatever is in it, fields that this version does not know included', () => {
    fc.assert(
      fc.property(changes, unknown, (change, more) => {
        const record = { ...authenticated(), ...change, ...more }
        expect(back(record)).toEqual(record)
      }),
    )
  })

  it('keeps unknown fields inside auth and fingerprint, and any name', () => {
    const auth = { at: 1, methods: ['totp'], level: 2, amr: ['otp'] }
    const fingerprint = { os: 'linux', screen: { wide: true } }
    const odd = JSON.parse('{ "__proto__": { "a": 1 }, "toString": {}, "constructor": null }') as object
    const record = { ...authenticated({ auth, fingerprint }), ...odd }
    expect(Object.getOwnPropertyNames(back(record)).sort()).toEqual(Object.getOwnPropertyNames(record).sort())
    expect(JSON.stringify(back(record).auth)).toBe(JSON.stringify(auth))
    expect(JSON.stringify(back(record).fingerprint)).toBe(JSON.stringify(fingerprint))
    expect(Object.getOwnPropertyDescriptor(back(record), '__proto__')?.value).toEqual({ a: 1 })
  })

  it('is touched in place', () => {
    fc.assert(
      fc.property(changes, instant, instant, (change, lastSeenAt, expiresAt) => {
        const record = { ...authenticated(), ...change }
        const touched = unpack(record.id, packTouched(pack(record), lastSeenAt, expiresAt))
        const latest = {
          lastSeenAt: Math.max(record.lastSeenAt, lastSeenAt),
          expiresAt: Math.max(record.expiresAt, expiresAt),
        }
        expect(touched).toEqual({ ...record, ...latest })
      }),
    )
  })

  it('takes data of several lines', () => {
    const record = authenticated({ data: '\n["a",\n1]\n', revision: '1.\n' })
    expect(back(record)).toEqual(record)
  })

  it('shows its expiry and its rank without being unpacked', () => {
    const expiries = [NOW, 0, 1, Number.MAX_SAFE_INTEGER].map((expiresAt) =>
      expiryOf(pack(authenticated({ expiresAt }))),
    )
    expect(expiries).toEqual([NOW, 0, 1, Number.MAX_SAFE_INTEGER])
    const ended = authenticated({ state: 'ended' })
    const order = [ended, anonymous(), authenticated(), authenticated({ state: 'locked' })]
    expect(order.map((record) => rankOf(pack(record)))).toEqual([TOMBSTONE, 1, 2, 2])
  })

  it('takes less than 400 characters for somebody signed in with 100 of data', () => {
    const record = authenticated({ id: 'x'.repeat(43), data: 'x'.repeat(100) })
    expect(pack(record).length).toBeLessThan(400)
  })
})
