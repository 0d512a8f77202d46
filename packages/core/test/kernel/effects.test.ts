import {
  addProof,
  defaultPolicy,
  type Fingerprint,
  fingerprintLevels,
  lacking,
  present,
  remembers,
  type SessionRecord,
  stamp,
  transition,
} from '@sess/core/kernel'
import { describe, expect, it } from 'vitest'
import { anonymous, authenticated, events, HOUR, MINUTE, NOW, policy, SECOND } from './samples.ts'

const standard = { ...policy, fingerprint: fingerprintLevels.standard }
const FIREFOX: Fingerprint = { browser: 'firefox', version: 140, os: 'linux', language: 'de' }
const EDGE: Fingerprint = { browser: 'edge', version: 138, os: 'windows', language: 'de' }

const replicated = { type: 'replace', durability: 'replicated' } as const

describe('what must survive a failover', () => {
  it.each([
    ['an end', events.invalidate, [replicated]],
    ['a hard rotation', events['rotate hard'], [replicated, { type: 'send-token' }]],
    ['a proof', events.reauthenticate, [replicated, { type: 'send-token' }]],
  ] as const)('%s is written as replicated', (_, event, effects) => {
    expect(transition(authenticated(), event, policy, NOW).effects).toEqual(effects)
  })

  it('reuse is written as replicated, and nothing else is told', () => {
    const record = authenticated({ generation: 3, confirmedAt: NOW - HOUR })
    const outcome = transition(record, { ...events.present, generation: 1 }, policy, NOW)
    expect(outcome).toMatchObject({ ok: false, refusal: { why: 'ended', reason: 'reuse' } })
    expect(outcome.effects).toEqual([replicated])
  })
})

describe('a presented token', () => {
  it('asks for a rotation that is due, in the order of what has to be done', () => {
    const record = authenticated({ confirmedAt: NOW - 15 * MINUTE })
    const { effects } = transition(record, events.present, policy, NOW)
    expect(effects).toEqual([{ type: 'touch' }, { type: 'rotate' }])
  })

  it('of a changed client is told as what it is', () => {
    const record = authenticated({ fingerprint: FIREFOX })
    const event = { ...events.present, fingerprint: { ...FIREFOX, version: 120 } }
    const { ok, effects } = transition(record, event, standard, NOW)
    const found = { score: 20, reasons: ['version'], band: 'observe', enforced: false }
    expect(ok).toBe(true)
    expect(effects).toEqual([{ type: 'fingerprint-changed', ...found }, { type: 'touch' }])
  })

  it('of a client that changed a little leaves the session open', () => {
    const record = authenticated({ fingerprint: FIREFOX })
    const outcome = present(record, { ...events.present, fingerprint: { ...FIREFOX, version: 120 } }, standard, NOW)
    expect(outcome).toMatchObject({ verdict: 'accepted', locked: false, record: { state: 'authenticated' } })
  })

  it('that ends the session for its client says so in the record', () => {
    const strict = { ...policy, fingerprint: { ...fingerprintLevels.strict, endAt: 120 } }
    const outcome = present(
      authenticated({ fingerprint: FIREFOX }),
      { ...events.present, fingerprint: EDGE },
      strict,
      NOW,
    )
    expect(outcome).toMatchObject({ verdict: 'ended', record: { state: 'ended', endedReason: 'fingerprint' } })
  })

  it('of an older key is replaced for a visitor at once, but not while the store is behind', () => {
    const send = (generation: number) => {
      const outcome = present(anonymous(), { ...events.present, oldKey: true, generation }, policy, NOW)
      return outcome.verdict === 'accepted' && outcome.send
    }
    expect(send(0)).toBe(true)
    expect(send(1)).toBe(false)
  })
})

describe('rotation', () => {
  it('hard is never too early', () => {
    const record = authenticated({ confirmedAt: null })
    expect(transition(record, events['rotate hard'], policy, NOW).ok).toBe(true)
    expect(transition(record, events['rotate soft'], policy, NOW)).toMatchObject({ refusal: { why: 'early' } })
  })
})

describe('a proof', () => {
  it('brings the new stamp with it, and leaves the old one without', () => {
    const stampAfter = (credential?: string) =>
      transition(authenticated(), { ...events.reauthenticate, ...(credential && { credential }) }, policy, NOW).record
        ?.credential
    expect(stampAfter('new')).toBe('new')
    expect(stampAfter()).toBe('stamp')
  })

  it('of no level says nothing about when a level was reached', () => {
    const proved = addProof({ at: 5, methods: ['password'], level: null }, { method: 'totp' }, 9)
    expect(proved).toEqual({ at: 9, methods: ['password', 'totp'], level: null, usedAt: [5, 9] })
  })

  it('needs no level where none is asked for', () => {
    const auth = { at: NOW, methods: [], level: null }
    expect(lacking(auth, { maxAgeMs: MINUTE, methods: [], level: null }, NOW)).toBeNull()
  })
})

describe('an ended session', () => {
  const ended = (change: Partial<SessionRecord>): SessionRecord =>
    authenticated({ state: 'ended', endedReason: 'replaced', endedAt: NOW - SECOND, ...change })

  it('is told to a request underway as replaced only if it was', () => {
    const why = (record: SessionRecord) => transition(record, events.present, policy, NOW)
    expect(why(ended({}))).toMatchObject({ refusal: { why: 'replaced' } })
    expect(why(ended({ endedReason: 'signed-out' }))).toMatchObject({ refusal: { why: 'ended', reason: 'signed-out' } })
  })

  it('without an instant is long over', () => {
    const outcome = transition(ended({ endedAt: null }), { ...events.present, arrivedAt: 0 }, policy, 0)
    expect(outcome).toMatchObject({ refusal: { why: 'ended', reason: 'replaced' } })
  })
})

describe('revisions', () => {
  it('are remembered for eight writes, however many there were before', () => {
    let base = authenticated()
    for (let write = 0; write < 20; write += 1) base = stamp(base, 'x')
    let record = base
    for (let write = 0; write < 8; write += 1) record = stamp(record, 'y')
    expect(remembers(record, base)).toBe(true)
    expect(remembers(stamp(record, 'z'), base)).toBe(false)
  })
})

describe('the default policy', () => {
  it('is what the documentation says', () => {
    const DAY = 24 * HOUR
    expect(defaultPolicy).toEqual({
      idleMs: 30 * MINUTE,
      absoluteMs: DAY,
      persistentIdleMs: 14 * DAY,
      persistentAbsoluteMs: 30 * DAY,
      rotateEveryMs: 15 * MINUTE,
      overlapMs: MINUTE,
      touchEveryMs: MINUTE,
      clockSkewMs: 5 * SECOND,
      retainEndedMs: DAY,
      onIdle: 'end',
      fingerprint: fingerprintLevels.observe,
      ipBinding: 'off',
    })
  })
})
