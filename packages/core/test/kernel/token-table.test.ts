import { type Presentation, present, type RotationKind, tokenRow, transition } from '@sess/core/kernel'
import { describe, expect, it } from 'vitest'
import { anonymous, authenticated, deepFreeze, describeOutcome, MINUTE, NOW, policy } from './samples.ts'

const JUST_OVERLAPPING = NOW - policy.overlapMs + 1
const OVERLAPPED = NOW - policy.overlapMs
const LONG_OVERLAPPED = NOW - policy.overlapMs - 1

interface Row {
  readonly row: string
  /** Generation presented; the record's is 10. */
  readonly p: number
  readonly confirmedAt: number | null
  readonly rotation: RotationKind
  readonly outcome: string
}

const ACCEPTED = '→ authenticated · touch'
const CONFIRMED = '→ authenticated · replace later · touch'
const SUPERSEDED = '✗ superseded'
const REUSE = '✗ ended (reuse) · replace replicated'
const ROLLED = '→ authenticated · store-rollback · replace later · touch'

const ROWS: readonly Row[] = [
  { row: 'T1', p: 10, confirmedAt: OVERLAPPED, rotation: 'soft', outcome: ACCEPTED },
  { row: 'T1', p: 10, confirmedAt: OVERLAPPED, rotation: 'hard', outcome: ACCEPTED },
  { row: 'T1', p: 10, confirmedAt: null, rotation: 'soft', outcome: CONFIRMED },
  { row: 'T1', p: 10, confirmedAt: null, rotation: 'hard', outcome: CONFIRMED },
  { row: 'T2', p: 9, confirmedAt: null, rotation: 'soft', outcome: '→ authenticated · touch · send-token' },
  { row: 'T3', p: 9, confirmedAt: null, rotation: 'hard', outcome: SUPERSEDED },
  { row: 'T4', p: 9, confirmedAt: NOW, rotation: 'soft', outcome: '→ authenticated' },
  { row: 'T4', p: 9, confirmedAt: JUST_OVERLAPPING, rotation: 'soft', outcome: '→ authenticated' },
  { row: 'T4', p: 9, confirmedAt: NOW, rotation: 'hard', outcome: SUPERSEDED },
  { row: 'T4', p: 9, confirmedAt: JUST_OVERLAPPING, rotation: 'hard', outcome: SUPERSEDED },
  { row: 'T5', p: 9, confirmedAt: OVERLAPPED, rotation: 'soft', outcome: REUSE },
  { row: 'T5', p: 9, confirmedAt: LONG_OVERLAPPED, rotation: 'soft', outcome: REUSE },
  { row: 'T5', p: 9, confirmedAt: OVERLAPPED, rotation: 'hard', outcome: REUSE },
  { row: 'T6', p: 8, confirmedAt: null, rotation: 'soft', outcome: REUSE },
  { row: 'T6', p: 8, confirmedAt: NOW, rotation: 'soft', outcome: REUSE },
  { row: 'T6', p: 8, confirmedAt: LONG_OVERLAPPED, rotation: 'soft', outcome: REUSE },
  { row: 'T6', p: 0, confirmedAt: NOW, rotation: 'soft', outcome: REUSE },
  { row: 'T7', p: 8, confirmedAt: null, rotation: 'hard', outcome: SUPERSEDED },
  { row: 'T7', p: 0, confirmedAt: NOW, rotation: 'hard', outcome: SUPERSEDED },
  { row: 'T7', p: 8, confirmedAt: JUST_OVERLAPPING, rotation: 'hard', outcome: SUPERSEDED },
  { row: 'T7-late', p: 8, confirmedAt: OVERLAPPED, rotation: 'hard', outcome: REUSE },
  { row: 'T7-late', p: 0, confirmedAt: LONG_OVERLAPPED, rotation: 'hard', outcome: REUSE },
  { row: 'T8', p: 11, confirmedAt: OVERLAPPED, rotation: 'soft', outcome: ROLLED },
  { row: 'T8', p: 18, confirmedAt: OVERLAPPED, rotation: 'soft', outcome: ROLLED },
  { row: 'T8', p: 18, confirmedAt: null, rotation: 'hard', outcome: ROLLED },
  { row: 'ahead', p: 19, confirmedAt: OVERLAPPED, rotation: 'soft', outcome: '✗ ahead' },
  { row: 'ahead', p: 999_999_999, confirmedAt: null, rotation: 'hard', outcome: '✗ ahead' },
]

function recordOf({ confirmedAt, rotation }: Pick<Row, 'confirmedAt' | 'rotation'>) {
  return deepFreeze(authenticated({ generation: 10, hardRotations: 2, confirmedAt, rotation }))
}

function show(change: Partial<Presentation> = {}, at = NOW) {
  return { type: 'present', arrivedAt: at, generation: 10, ...change } as const
}

describe('token table, record at generation 10', () => {
  it.each(ROWS)('$row: presented $p, last rotation $rotation, confirmed at $confirmedAt: $outcome', (sample) => {
    const record = recordOf(sample)
    expect(tokenRow(record, sample.p, policy, NOW)).toBe(sample.row)
    const outcome = transition(record, show({ generation: sample.p }), policy, NOW)
    expect(describeOutcome(outcome)).toBe(sample.outcome)
  })
})

describe('T1', () => {
  it('confirms an unconfirmed generation with the arrival of the request', () => {
    const record = recordOf({ confirmedAt: null, rotation: 'soft' })
    const outcome = transition(record, show({}, NOW - 7), policy, NOW)
    expect(outcome.record).toEqual({ ...record, confirmedAt: NOW - 7 })
  })

  it('leaves a confirmed record as it is', () => {
    const record = recordOf({ confirmedAt: NOW - 1, rotation: 'soft' })
    expect(transition(record, show(), policy, NOW).record).toBe(record)
  })
})

describe('T5', () => {
  it('ends the session with reuse, at the instant it was noticed', () => {
    const record = recordOf({ confirmedAt: OVERLAPPED, rotation: 'soft' })
    const outcome = transition(record, show({ generation: 9 }), policy, NOW + 5)
    expect(outcome.record).toMatchObject({ state: 'ended', endedReason: 'reuse', endedAt: NOW + 5, data: '' })
  })
})

describe('T8', () => {
  it('rolls forward to the presented generation, confirmed, as that many hard rotations', () => {
    const record = recordOf({ confirmedAt: null, rotation: 'soft' })
    expect(transition(record, show({ generation: 13 }), policy, NOW).record).toEqual({
      ...record,
      generation: 13,
      confirmedAt: NOW,
      rotation: 'hard',
      hardRotations: 5,
    })
  })
})

describe('periodic rotation', () => {
  const due = (change: Parameters<typeof authenticated>[0], event: Partial<Presentation> = {}, rules = policy) => {
    const outcome = present(authenticated(change), show({ generation: 0, ...event }), rules, NOW)
    return outcome.verdict === 'accepted' && outcome.rotate
  }
  const since = (ms: number) => ({ confirmedAt: NOW - ms, createdAt: NOW - ms })

  it('is due once rotateEvery has passed since the confirmation', () => {
    expect(due(since(15 * MINUTE - 1))).toBe(false)
    expect(due(since(15 * MINUTE))).toBe(true)
    expect(due(since(15 * MINUTE + 1))).toBe(true)
  })

  it('is never due before overlap has passed, however short rotateEvery is', () => {
    const often = { ...policy, rotateEveryMs: 1 }
    expect(due(since(policy.overlapMs - 1), {}, often)).toBe(false)
    expect(due(since(policy.overlapMs), {}, often)).toBe(true)
  })

  it('is not due without rotateEvery, unless an old key signed the token', () => {
    const never = { ...policy, rotateEveryMs: null }
    expect(due(since(24 * 60 * MINUTE), {}, never)).toBe(false)
    expect(due(since(policy.overlapMs), { oldKey: true }, never)).toBe(true)
  })

  it('is due for a token of an older key once overlap has passed', () => {
    expect(due(since(policy.overlapMs - 1), { oldKey: true })).toBe(false)
    expect(due(since(policy.overlapMs), { oldKey: true })).toBe(true)
  })

  it('is never due on an upgrade, for a visitor, a locked session, or an unconfirmed token', () => {
    const old = since(16 * MINUTE)
    expect(due(old, { upgrade: true })).toBe(false)
    expect(due({ ...old, state: 'anonymous', subject: null })).toBe(false)
    expect(due({ ...old, state: 'locked' })).toBe(false)
    expect(due({ ...old, confirmedAt: null })).toBe(false)
  })

  it('is never due for a token that is not the current one', () => {
    expect(due({ ...since(16 * MINUTE), confirmedAt: null, generation: 1 })).toBe(false)
    expect(due(since(16 * MINUTE), { generation: 1 })).toBe(false)
  })
})

describe('a token signed with an older key', () => {
  const sends = (record: ReturnType<typeof authenticated>) => {
    const outcome = present(record, show({ generation: record.generation, oldKey: true }), policy, NOW)
    return outcome.verdict === 'accepted' && outcome.send
  }

  it('is sent again, signed with the first key, to visitors and to locked sessions', () => {
    expect(sends(anonymous())).toBe(true)
    expect(sends(authenticated({ state: 'locked' }))).toBe(true)
  })

  it('is not sent again to a signed-in session, which rotates instead', () => {
    expect(sends(authenticated())).toBe(false)
  })
})

describe('activity', () => {
  const touches = (lastSeenAt: number) => {
    const outcome = present(authenticated({ lastSeenAt }), show({ generation: 0 }), policy, NOW)
    return outcome.verdict === 'accepted' && outcome.touch
  }

  it('is written down at most once per touchEvery', () => {
    expect(touches(NOW - policy.touchEveryMs + 1)).toBe(false)
    expect(touches(NOW - policy.touchEveryMs)).toBe(true)
  })
})
