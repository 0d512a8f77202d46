import {
  type Authentication,
  discardAt,
  fingerprintLevels,
  idleDeadline,
  type Policy,
  present,
  rotate,
  type SessionEvent,
  type SessionRecord,
  stamp,
  standing,
  transition,
} from '@sess/core/kernel'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deepFreeze } from './samples.ts'

/** Small numbers, so that deadlines, overlaps and events meet. */
const instant = fc.integer({ min: 0, max: 120 })
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })
const feature = fc.constantFrom('a', 'b')
const fingerprint = orNull(
  fc.record(
    {
      browser: feature,
      version: fc.integer({ min: 1, max: 9 }),
      os: fc.constantFrom('android', 'linux', 'windows'),
      language: feature,
      contradiction: fc.constant(true as const),
      places: fc.uniqueArray(fc.constantFrom('4.a', '4.b', '6.c', 'asn.d', 'asn.e', 'country.f'), { maxLength: 3 }),
      address: feature,
      marks: fc.dictionary(fc.constantFrom('agent', 'ja4'), feature),
    },
    { requiredKeys: [] },
  ),
)
const { observe, standard, strict } = fingerprintLevels

const policies: fc.Arbitrary<Policy> = fc.record({
  idleMs: orNull(fc.integer({ min: 1, max: 60 })),
  absoluteMs: fc.integer({ min: 1, max: 100 }),
  persistentIdleMs: orNull(fc.integer({ min: 1, max: 80 })),
  persistentAbsoluteMs: fc.integer({ min: 1, max: 120 }),
  rotateEveryMs: orNull(fc.integer({ min: 0, max: 40 })),
  overlapMs: fc.integer({ min: 1, max: 20 }),
  touchEveryMs: fc.integer({ min: 0, max: 10 }),
  clockSkewMs: fc.integer({ min: 0, max: 5 }),
  retainEndedMs: fc.integer({ min: 0, max: 50 }),
  onIdle: fc.constantFrom('end', 'lock'),
  fingerprint: fc.constantFrom(null, observe, standard, strict, {
    ...strict,
    marks: { ja4: 60 },
    observeAt: 1,
    endAt: 70,
  }),
  ipBinding: fc.constantFrom('off', 'prefix', 'exact'),
})

const reasons = fc.constantFrom('signed-out', 'revoked', 'replaced', 'reuse', 'invalid' as const)

const live: fc.Arbitrary<SessionRecord> = fc.record({
  id: fc.constant('id'),
  revision: fc.constant('3.r'),
  recent: fc.constant(['1.p', '2.q']),
  expiresAt: instant,
  state: fc.constantFrom('anonymous', 'authenticated', 'locked'),
  subject: fc.constantFrom('ada', 'grace'),
  generation: fc.integer({ min: 0, max: 12 }),
  confirmedAt: orNull(instant),
  rotation: fc.constantFrom('soft', 'hard'),
  hardRotations: fc.integer({ min: 0, max: 5 }),
  createdAt: instant,
  absoluteAt: instant,
  lastSeenAt: instant,
  auth: orNull(
    fc.record({
      at: instant,
      methods: fc.constant(['password', 'otp']),
      level: orNull(fc.constant(1)),
      usedAt: fc.tuple(instant, instant),
      levelAt: instant,
    }),
  ),
  credential: orNull(fc.constant('stamp')),
  fingerprint,
  device: orNull(fc.constant({ name: 'laptop' })),
  persistent: fc.boolean(),
  actor: fc.constantFrom(null, { subject: 'root', auth: null, absoluteAt: 9_000_000, persistent: false }),
  extra: fc.constant({ other: 'text' }),
  endedReason: fc.constant(null),
  endedAt: fc.constant(null),
  data: fc.constantFrom('', '{"a":1}'),
})

const valid = live.map((record) => (record.state === 'anonymous' ? { ...record, subject: null } : record))

const ended: fc.Arbitrary<SessionRecord> = fc
  .tuple(valid, reasons, instant)
  .map(([record, endedReason, endedAt]) => ({ ...record, state: 'ended', endedReason, endedAt, data: '' }))

const records = fc.oneof({ weight: 6, arbitrary: valid }, { weight: 1, arbitrary: ended }, fc.constant(null))

const events: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.record({
    type: fc.constant('issue' as const),
    arrivedAt: instant,
    id: fc.constant('new'),
    random: fc.constant('r'),
    subject: orNull(fc.constant('ada')),
  }),
  fc.record({
    type: fc.constant('present' as const),
    arrivedAt: instant,
    generation: fc.integer({ min: 0, max: 24 }),
    oldKey: fc.boolean(),
    upgrade: fc.boolean(),
    fingerprint,
  }),
  fc.record({ type: fc.constant('touch' as const), arrivedAt: instant }),
  fc.record({ type: fc.constant('write' as const), arrivedAt: instant, data: fc.constantFrom('', '{"b":2}') }),
  fc.record({ type: fc.constant('rotate' as const), arrivedAt: instant, kind: fc.constantFrom('soft', 'hard') }),
  fc.record({
    type: fc.constant('reauthenticate' as const),
    arrivedAt: instant,
    method: fc.constantFrom('password', 'totp'),
    fingerprint,
  }),
  fc.record({ type: fc.constant('lock' as const), arrivedAt: instant }),
  fc.record({ type: fc.constant('invalidate' as const), arrivedAt: instant, reason: reasons }),
)

const worlds = fc.tuple(records, events, policies, instant)
/** Fewer while mutants are hunted. */
const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 3000) }

function shiftRecord(record: SessionRecord | null, by: number): SessionRecord | null {
  if (record === null) return null
  const { confirmedAt, endedAt, auth } = record
  return {
    ...record,
    expiresAt: record.expiresAt + by,
    createdAt: record.createdAt + by,
    absoluteAt: record.absoluteAt + by,
    lastSeenAt: record.lastSeenAt + by,
    confirmedAt: confirmedAt === null ? null : confirmedAt + by,
    endedAt: endedAt === null ? null : endedAt + by,
    auth: auth === null ? null : shiftAuth(auth, by),
  }
}

function shiftAuth(auth: Authentication, by: number): Authentication {
  const { at, usedAt, levelAt } = auth
  return {
    ...auth,
    at: at + by,
    ...(usedAt === undefined ? {} : { usedAt: usedAt.map((instant) => instant + by) }),
    ...(levelAt === undefined ? {} : { levelAt: levelAt + by }),
  }
}

describe('transition', () => {
  it('is total and deterministic, throws nothing and changes nothing it was given', () => {
    fc.assert(
      fc.property(worlds, ([record, event, policy, now]) => {
        deepFreeze([record, event, policy])
        const outcome = transition(record, event, policy, now)
        expect(outcome.record === null || typeof outcome.record.state === 'string').toBe(true)
        expect(Array.isArray(outcome.effects)).toBe(true)
        expect(outcome.ok || typeof outcome.refusal.why === 'string').toBe(true)
        expect(transition(structuredClone(record), structuredClone(event), policy, now)).toEqual(outcome)
      }),
      runs,
    )
  })

  it('never leaves ended', () => {
    fc.assert(
      fc.property(ended, events, policies, instant, (record, event, policy, now) => {
        expect(transition(record, event, policy, now).record).toBe(record)
      }),
      runs,
    )
  })

  it('never moves what is written once, and never lets what is monotone fall', () => {
    fc.assert(
      fc.property(worlds, ([record, event, policy, now]) => {
        const next = transition(record, event, policy, now).record
        if (record === null || next === null) return
        const once = ['id', 'subject', 'createdAt', 'absoluteAt', 'persistent', 'revision', 'recent'] as const
        for (const field of once) expect(next[field]).toEqual(record[field])
        for (const field of ['lastSeenAt', 'generation', 'hardRotations'] as const) {
          expect(next[field]).toBeGreaterThanOrEqual(record[field])
        }
      }),
      runs,
    )
  })

  it('gives the same answer whenever it is asked, as long as all instants move together', () => {
    fc.assert(
      fc.property(worlds, fc.integer({ min: -1000, max: 1_000_000_000 }), ([record, event, policy, now], by) => {
        const here = transition(record, event, policy, now)
        const there = transition(
          shiftRecord(record, by),
          { ...event, arrivedAt: event.arrivedAt + by },
          policy,
          now + by,
        )
        expect(there).toEqual({ ...here, record: shiftRecord(here.record, by) })
      }),
      runs,
    )
  })

  it('accepts nothing at or past a deadline, and nothing but opening and ending while locked', () => {
    fc.assert(
      fc.property(worlds, ([record, event, policy, now]) => {
        const outcome = transition(record, event, policy, now)
        const where = standing(record, policy, now, event.arrivedAt)
        if (where === 'expired') expect(outcome.ok).toBe(event.type === 'invalidate')
        if (where === 'locked' && outcome.ok) {
          expect(['present', 'reauthenticate', 'lock', 'invalidate']).toContain(event.type)
        }
      }),
      runs,
    )
  })

  it('erases whatever it ends', () => {
    fc.assert(
      fc.property(worlds, ([record, event, policy, now]) => {
        const { record: next } = transition(record, event, policy, now)
        if (next?.state !== 'ended' || record?.state === 'ended') return
        expect(next).toMatchObject({ data: '', fingerprint: null, credential: null, device: null, extra: {} })
        expect(next.endedReason).not.toBeNull()
        expect(next.endedAt).toBe(now)
      }),
      runs,
    )
  })

  it('keeps the idle deadline at or before the absolute one, and the record at least as long', () => {
    fc.assert(
      fc.property(valid, policies, (record, policy) => {
        expect(idleDeadline(record, policy)).toBeLessThanOrEqual(record.absoluteAt)
        expect(discardAt(record, policy)).toBeGreaterThanOrEqual(idleDeadline(record, policy))
      }),
      runs,
    )
  })

  it('raises the number of hard rotations with every change of generation but a soft rotation', () => {
    fc.assert(
      fc.property(worlds, ([record, event, policy, now]) => {
        const { record: next } = transition(record, event, policy, now)
        if (record === null || next === null || next.generation === record.generation) return
        const hard = next.hardRotations - record.hardRotations
        const soft = event.type === 'rotate' && event.kind === 'soft'
        expect(hard).toBe(soft ? 0 : next.generation - record.generation)
        expect(next.rotation).toBe(soft ? 'soft' : 'hard')
      }),
      runs,
    )
  })
})

describe('tokens', () => {
  it('have one successor, however many requests rotate in parallel', () => {
    fc.assert(
      fc.property(valid, fc.constantFrom('soft' as const, 'hard' as const), (record, kind) => {
        const [one, two] = [rotate(record, kind), rotate(structuredClone(record), kind)]
        expect(one).toEqual(two)
        expect(one.generation).toBe(record.generation + 1)
      }),
    )
  })

  it('are never taken for reuse while the request that retired them may not have been answered', () => {
    fc.assert(
      fc.property(valid, policies, instant, (record, policy, arrivedAt) => {
        const rotated = rotate(record, 'soft')
        const outcome = present(rotated, { arrivedAt, generation: record.generation }, policy, arrivedAt)
        if (outcome.verdict === 'ended') expect(outcome.reason).toBe('fingerprint')
        else expect(outcome.verdict).toBe('accepted')
      }),
      runs,
    )
  })

  it('never act again after a hard rotation', () => {
    fc.assert(
      fc.property(valid, policies, instant, fc.nat({ max: 12 }), (record, policy, arrivedAt, back) => {
        const generation = Math.max(0, record.generation - back)
        const outcome = present(rotate(record, 'hard'), { arrivedAt, generation }, policy, arrivedAt)
        expect(outcome.verdict).not.toBe('accepted')
      }),
      runs,
    )
  })
})

describe('stamp', () => {
  it('fences every write with a new revision and remembers at most eight', () => {
    fc.assert(
      fc.property(valid, fc.integer({ min: 1, max: 30 }), (record, count) => {
        let latest = record
        const seen = new Set([record.revision])
        for (let write = 0; write < count; write += 1) {
          latest = stamp(latest, `x${write}`)
          expect(seen.has(latest.revision)).toBe(false)
          seen.add(latest.revision)
          expect(latest.recent.length).toBeLessThanOrEqual(8)
        }
      }),
    )
  })
})
