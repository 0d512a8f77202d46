import {
  bears,
  discardAt,
  expire,
  idleDeadline,
  invalidate,
  isLocked,
  rejudge,
  remembers,
  rotate,
  type SessionRecord,
  stamp,
  touch,
  writes,
} from '@sess/core/kernel'
import { describe, expect, it } from 'vitest'
import { anonymous, authenticated, deepFreeze, HOUR, MINUTE, NOW, policy } from './samples.ts'

const locking = { ...policy, onIdle: 'lock' } as const

describe('expire', () => {
  const idleAt = NOW + 25 * MINUTE
  const absoluteAt = NOW - 5 * MINUTE + 24 * HOUR

  it.each([
    [-1, null],
    [0, 'idle'],
    [+1, 'idle'],
  ])('idle deadline %i ms: %s', (offset, expected) => {
    expect(expire(authenticated(), policy, idleAt + offset)).toBe(expected)
  })

  it.each([
    [-1, null],
    [0, 'absolute'],
    [+1, 'absolute'],
  ])('absolute deadline %i ms: %s', (offset, expected) => {
    const record = authenticated({ lastSeenAt: absoluteAt - 10 })
    expect(expire(record, policy, absoluteAt + offset)).toBe(expected)
  })

  it('judges the idle deadline as of the arrival', () => {
    expect(expire(authenticated(), policy, idleAt + HOUR, idleAt - 1)).toBeNull()
    expect(expire(authenticated(), policy, idleAt + HOUR, idleAt)).toBe('idle')
  })

  it('judges the absolute deadline as of now, whenever the request arrived', () => {
    const record = authenticated({ lastSeenAt: absoluteAt - 10 })
    expect(expire(record, policy, absoluteAt, absoluteAt - 1)).toBe('absolute')
    expect(expire(record, policy, absoluteAt - 1, absoluteAt)).toBe('absolute')
  })

  it('knows no idle deadline where there is none', () => {
    const endless = { ...policy, idleMs: null }
    expect(idleDeadline(authenticated(), endless)).toBe(absoluteAt)
    expect(expire(authenticated(), endless, absoluteAt - 1)).toBeNull()
    expect(expire(authenticated(), endless, absoluteAt)).toBe('absolute')
  })

  it('caps the idle deadline at the absolute one', () => {
    expect(idleDeadline(authenticated({ lastSeenAt: absoluteAt - 10 }), policy)).toBe(absoluteAt)
  })

  it('has a persistent session idle by a deadline of its own', () => {
    const persistent = authenticated({ persistent: true, absoluteAt: NOW + 1000 * HOUR })
    const shared = { ...policy, persistentIdleMs: 2 * HOUR }
    expect(idleDeadline(persistent, shared)).toBe(NOW - 5 * MINUTE + 2 * HOUR)
    expect(idleDeadline({ ...persistent, persistent: false }, shared)).toBe(NOW + 25 * MINUTE)
    expect(idleDeadline(persistent, { ...policy, persistentIdleMs: null })).toBe(persistent.absoluteAt)
    expect(discardAt(persistent, shared)).toBe(NOW - 5 * MINUTE + 26 * HOUR + policy.clockSkewMs)
  })

  it('does not end what idles into a lock, until the absolute deadline', () => {
    expect(expire(authenticated(), locking, idleAt)).toBeNull()
    expect(expire(authenticated(), locking, absoluteAt)).toBe('absolute')
    expect(expire(anonymous(), locking, idleAt)).toBe('idle')
  })
})

describe('isLocked', () => {
  it('is derived from the idle deadline, as of the arrival', () => {
    expect(isLocked(authenticated(), locking, NOW + 25 * MINUTE - 1)).toBe(false)
    expect(isLocked(authenticated(), locking, NOW + 25 * MINUTE)).toBe(true)
    expect(isLocked(authenticated(), policy, NOW + 25 * MINUTE)).toBe(false)
    expect(isLocked(authenticated({ state: 'locked' }), policy, NOW)).toBe(true)
  })
})

describe('discardAt', () => {
  const kept = policy.retainEndedMs + policy.clockSkewMs

  it('keeps a record beyond its deadline, or its end, for as long as its reason is told', () => {
    expect(discardAt(authenticated(), policy)).toBe(NOW + 25 * MINUTE + kept)
    expect(discardAt(authenticated({ endedAt: NOW }), policy)).toBe(NOW + kept)
  })

  it('keeps what idles into a lock until the absolute deadline', () => {
    expect(discardAt(authenticated(), locking)).toBe(NOW - 5 * MINUTE + 24 * HOUR + kept)
    expect(discardAt(anonymous(), locking)).toBe(NOW + 25 * MINUTE + kept)
  })
})

describe('touch', () => {
  it('moves the last activity and what depends on it forward', () => {
    const record = authenticated()
    expect(touch(record, policy, NOW)).toEqual({
      ...record,
      lastSeenAt: NOW,
      expiresAt: NOW + 30 * MINUTE + policy.retainEndedMs + policy.clockSkewMs,
    })
  })

  it('never moves back', () => {
    const record = authenticated()
    expect(touch(record, policy, record.lastSeenAt)).toBe(record)
    expect(touch(record, policy, record.lastSeenAt - 1)).toBe(record)
    const kept = authenticated({ expiresAt: NOW + 100 * HOUR })
    expect(touch(kept, policy, NOW).expiresAt).toBe(NOW + 100 * HOUR)
  })
})

describe('invalidate', () => {
  it('erases what the application and the client left, and keeps a tombstone', () => {
    const record = deepFreeze(authenticated({ generation: 3, hardRotations: 1 }))
    expect(invalidate(record, 'revoked', policy, NOW)).toEqual({
      ...record,
      state: 'ended',
      endedReason: 'revoked',
      endedAt: NOW,
      credential: null,
      fingerprint: null,
      device: null,
      extra: {},
      data: '',
      expiresAt: NOW + policy.retainEndedMs + policy.clockSkewMs,
    })
  })

  it('changes nothing the second time', () => {
    const ended = invalidate(authenticated(), 'revoked', policy, NOW)
    expect(invalidate(ended, 'reuse', policy, NOW + 1)).toBe(ended)
  })
})

describe('rotate', () => {
  it.each([
    ['soft', 1],
    ['hard', 2],
  ] as const)('%s: next generation, unconfirmed, deadlines where they were', (kind, hardRotations) => {
    const record = deepFreeze(authenticated({ generation: 4, hardRotations: 1 }))
    expect(rotate(record, kind)).toEqual({ ...record, generation: 5, confirmedAt: null, rotation: kind, hardRotations })
  })
})

describe('rejudge', () => {
  const accepted = { arrivedAt: NOW, hardRotations: 0, locked: false }
  const verdict = (change: Partial<SessionRecord>, memory = accepted, now = NOW) =>
    rejudge(authenticated(change), memory, policy, now)

  it('lets a request go on whatever happened to its token meanwhile', () => {
    expect(verdict({})).toBeNull()
    expect(verdict({ generation: 9, confirmedAt: NOW - HOUR })).toBeNull()
  })

  it('stops it when the session has ended or is past its absolute deadline', () => {
    expect(verdict({ state: 'ended' })).toBe('ended')
    expect(verdict({}, accepted, NOW + 24 * HOUR)).toBe('ended')
  })

  it('stops it when the session has idled as of its arrival, not as of now', () => {
    expect(verdict({ lastSeenAt: NOW - 30 * MINUTE })).toBe('ended')
    expect(verdict({}, accepted, NOW + 2 * HOUR)).toBeNull()
  })

  it('stops it when the session was locked by somebody else', () => {
    expect(verdict({ state: 'locked' })).toBe('locked')
    expect(verdict({ state: 'locked' }, { ...accepted, locked: true })).toBeNull()
  })

  it('stops it when there was a hard rotation', () => {
    expect(verdict({ hardRotations: 1 })).toBe('superseded')
    expect(verdict({ hardRotations: 1 }, { ...accepted, hardRotations: 1 })).toBeNull()
    expect(verdict({ state: 'locked', hardRotations: 1 }, { ...accepted, locked: true })).toBe('superseded')
  })
})

describe('revisions', () => {
  const write = (record: SessionRecord, count: number): SessionRecord =>
    Array.from({ length: count }).reduce<SessionRecord>((latest, _, index) => stamp(latest, `r${index}`), record)

  it('count writes and remember the last eight', () => {
    const record = write(authenticated(), 10)
    expect(record.revision).toBe('10.r9')
    expect(writes(record)).toBe(10)
    expect(record.recent).toEqual(['2.r1', '3.r2', '4.r3', '5.r4', '6.r5', '7.r6', '8.r7', '9.r8'])
  })

  it('tell whether a record bears one of some revisions', () => {
    const mine = stamp(authenticated(), 'mine')
    expect(bears(mine, ['1.other', mine.revision])).toBe(true)
    expect(bears(write(mine, 8), [mine.revision])).toBe(true)
    expect(bears(write(mine, 9), [mine.revision])).toBe(false)
    expect(bears(mine, [])).toBe(false)
  })

  it('tell whether a write on a base would still be remembered', () => {
    const base = authenticated()
    expect(remembers(write(base, 8), base)).toBe(true)
    expect(remembers(write(base, 9), base)).toBe(false)
  })

  it('never say remembered when the write could have been forgotten', () => {
    const base = authenticated()
    const mine = stamp(base, 'mine')
    for (let others = 0; others < 20; others += 1) {
      const current = write(mine, others)
      if (remembers(current, base)) expect(bears(current, [mine.revision])).toBe(true)
    }
  })
})
