import { grid, isLocked, type Standing, standing, transition } from '@sess/core/kernel'
import { describe, expect, it } from 'vitest'
import {
  anonymous,
  authenticated,
  deepFreeze,
  describeOutcome,
  events,
  HOUR,
  MINUTE,
  NOW,
  policy,
  records,
  type Sample,
} from './samples.ts'

const GONE = '✗ ended (signed-out)'
const LATE = '✗ expired (idle)'

const EXPECTED: Readonly<Record<Standing, Readonly<Record<Sample, string>>>> = {
  none: {
    issue: '→ authenticated · create · send-token',
    present: '✗ unknown',
    touch: '✗ unknown',
    write: '✗ unknown',
    'rotate soft': '✗ unknown',
    'rotate hard': '✗ unknown',
    reauthenticate: '✗ unknown',
    lock: '✗ unknown',
    invalidate: '✗ unknown',
  },
  anonymous: {
    issue: '✗ exists',
    present: '→ anonymous · touch',
    touch: '→ anonymous · touch',
    write: '→ anonymous · replace',
    'rotate soft': '✗ anonymous',
    'rotate hard': '→ anonymous · replace replicated · send-token',
    reauthenticate: '✗ anonymous',
    lock: '✗ anonymous',
    invalidate: '→ ended · replace replicated',
  },
  authenticated: {
    issue: '✗ exists',
    present: '→ authenticated · touch',
    touch: '→ authenticated · touch',
    write: '→ authenticated · replace',
    'rotate soft': '→ authenticated · replace later · send-token',
    'rotate hard': '→ authenticated · replace replicated · send-token',
    reauthenticate: '→ authenticated · replace replicated · send-token',
    lock: '→ locked · replace',
    invalidate: '→ ended · replace replicated',
  },
  locked: {
    issue: '✗ exists',
    present: '→ locked',
    touch: '✗ locked',
    write: '✗ locked',
    'rotate soft': '✗ locked',
    'rotate hard': '✗ locked',
    reauthenticate: '→ authenticated · replace replicated · send-token',
    lock: '→ locked',
    invalidate: '→ ended · replace replicated',
  },
  expired: {
    issue: '✗ exists',
    present: LATE,
    touch: LATE,
    write: LATE,
    'rotate soft': LATE,
    'rotate hard': LATE,
    reauthenticate: LATE,
    lock: LATE,
    invalidate: '→ ended · replace replicated',
  },
  ended: {
    issue: '✗ exists',
    present: GONE,
    touch: GONE,
    write: GONE,
    'rotate soft': GONE,
    'rotate hard': GONE,
    reauthenticate: GONE,
    lock: GONE,
    invalidate: '→ ended',
  },
}

const cells = (Object.keys(EXPECTED) as Standing[]).flatMap((from) =>
  (Object.keys(EXPECTED[from]) as Sample[]).map((event) => ({ from, event, outcome: EXPECTED[from][event] })),
)

describe('states × events', () => {
  it.each(cells)('$from, $event: $outcome', ({ from, event, outcome }) => {
    const record = deepFreeze(records[from])
    expect(standing(record, policy, NOW)).toBe(from)
    expect(describeOutcome(transition(record, events[event], policy, NOW))).toBe(outcome)
  })

  it('has a sample for every cell of the grid', () => {
    expect(Object.keys(EXPECTED)).toEqual(Object.keys(grid))
    const types = Object.values(events).map((event) => event.type)
    for (const row of Object.values(grid)) expect(new Set(types)).toEqual(new Set(Object.keys(row)))
  })

  it.each(Object.keys(records) as Standing[])('%s: a refusal leaves the record as it is', (from) => {
    for (const event of Object.values(events)) {
      const outcome = transition(records[from], event, policy, NOW)
      if (!outcome.ok) expect(outcome.record).toBe(records[from])
    }
  })
})

describe('issue', () => {
  const issued = transition(null, events.issue, policy, NOW).record

  it('begins at generation 0, confirmed, with both deadlines ahead and nothing else', () => {
    expect(issued).toEqual({
      id: 'new-id',
      revision: '0.bbbb',
      recent: [],
      expiresAt: NOW + 30 * MINUTE + policy.retainEndedMs + policy.clockSkewMs,
      state: 'authenticated',
      subject: 'ada',
      generation: 0,
      confirmedAt: NOW,
      rotation: 'soft',
      hardRotations: 0,
      createdAt: NOW,
      absoluteAt: NOW + 24 * HOUR,
      lastSeenAt: NOW,
      auth: null,
      credential: null,
      fingerprint: null,
      device: null,
      persistent: false,
      actor: null,
      extra: {},
      endedReason: null,
      endedAt: null,
      data: '',
    })
  })

  it('is anonymous without a subject', () => {
    expect(transition(null, { ...events.issue, subject: null }, policy, NOW).record?.state).toBe('anonymous')
  })
})

describe('write', () => {
  it('replaces the data and nothing else', () => {
    const record = authenticated()
    expect(transition(record, events.write, policy, NOW).record).toEqual({ ...record, data: '{"cart":[1,2]}' })
  })
})

describe('reauthenticate', () => {
  it('rotates hard, notes the proof and moves the idle deadline, not the absolute one', () => {
    const record = authenticated({ state: 'locked' })
    expect(transition(record, events.reauthenticate, policy, NOW).record).toEqual({
      ...record,
      state: 'authenticated',
      generation: 1,
      confirmedAt: null,
      rotation: 'hard',
      hardRotations: 1,
      lastSeenAt: NOW,
      auth: { at: NOW, methods: ['password', 'totp'], level: 2 },
    })
  })

  it('keeps the level that a proof does not mention, and names a method once', () => {
    const event = { type: 'reauthenticate', arrivedAt: NOW, method: 'password' } as const
    expect(transition(authenticated(), event, policy, NOW).record?.auth).toEqual({
      at: NOW,
      methods: ['password'],
      level: 1,
    })
  })

  it('begins the list of methods where there was none', () => {
    const event = { type: 'reauthenticate', arrivedAt: NOW, method: 'webauthn' } as const
    expect(transition(authenticated({ auth: null }), event, policy, NOW).record?.auth).toEqual({
      at: NOW,
      methods: ['webauthn'],
      level: null,
    })
  })

  it('takes the client it was given on for the client of the session, if it can be told', () => {
    const fingerprint = { browser: 'safari', os: 'macos' }
    const proved = transition(authenticated(), { ...events.reauthenticate, fingerprint }, policy, NOW)
    expect(proved.record?.fingerprint).toEqual(fingerprint)
    const unknown = transition(authenticated(), { ...events.reauthenticate, fingerprint: null }, policy, NOW)
    expect(unknown.record?.fingerprint).toEqual({ browser: 'firefox', os: 'linux' })
  })

  it('never moves the last activity back', () => {
    const record = authenticated({ lastSeenAt: NOW + SOON })
    expect(transition(record, events.reauthenticate, policy, NOW).record?.lastSeenAt).toBe(NOW + SOON)
  })

  it('opens a session that idled into a lock', () => {
    const locking = { ...policy, onIdle: 'lock' } as const
    const record = authenticated({ createdAt: NOW - HOUR, lastSeenAt: NOW - HOUR })
    expect(standing(record, locking, NOW)).toBe('locked')
    const opened = transition(record, events.reauthenticate, locking, NOW).record
    expect(standing(opened, locking, NOW)).toBe('authenticated')
  })
})

const SOON = 3

describe('a session that was replaced', () => {
  const replaced = (endedAt: number) => authenticated({ state: 'ended', endedReason: 'replaced', endedAt })

  it.each([
    [NOW - policy.overlapMs + 1, '✗ replaced'],
    [NOW - policy.overlapMs, '✗ ended (replaced)'],
    [NOW - policy.overlapMs - 1, '✗ ended (replaced)'],
  ])('is told apart from other ends for as long as overlap: ended at %i, %s', (endedAt, outcome) => {
    expect(describeOutcome(transition(replaced(endedAt), events.present, policy, NOW))).toBe(outcome)
  })

  it('is over for every event but a presented token', () => {
    expect(describeOutcome(transition(replaced(NOW), events.write, policy, NOW))).toBe('✗ ended (replaced)')
  })
})

describe('a tombstone that lacks reason and instant', () => {
  it('is over all the same', () => {
    const record = authenticated({ state: 'ended', endedReason: null, endedAt: null })
    expect(describeOutcome(transition(record, events.present, policy, NOW))).toBe('✗ ended (revoked)')
  })
})

describe('precedence', () => {
  const over = { lastSeenAt: NOW - 30 * MINUTE, absoluteAt: NOW }

  it('puts an end before a deadline', () => {
    const record = authenticated({ ...over, state: 'ended', endedReason: 'revoked', endedAt: NOW - HOUR })
    expect(standing(record, policy, NOW)).toBe('ended')
  })

  it('puts a deadline before the token table and before a lock', () => {
    const record = authenticated({ ...over, state: 'locked', generation: 5 })
    expect(describeOutcome(transition(record, events.present, policy, NOW))).toBe('✗ expired (absolute)')
  })

  it('puts the token table before a lock', () => {
    const record = authenticated({ state: 'locked', generation: 5 })
    expect(describeOutcome(transition(record, events.present, policy, NOW))).toBe(
      '✗ ended (reuse) · replace replicated',
    )
  })
})

describe('soft rotation', () => {
  const rotate = (confirmedAt: number | null) =>
    describeOutcome(transition(authenticated({ confirmedAt }), events['rotate soft'], policy, NOW))

  it('starts only once the token has been confirmed for as long as overlap', () => {
    expect(rotate(null)).toBe('✗ early')
    expect(rotate(NOW - policy.overlapMs + 1)).toBe('✗ early')
    expect(rotate(NOW - policy.overlapMs)).toBe('→ authenticated · replace later · send-token')
  })
})

describe('the idle deadline of a visitor', () => {
  it('ends the session under onIdle: lock too', () => {
    const record = anonymous({ lastSeenAt: NOW - 30 * MINUTE })
    const locking = { ...policy, onIdle: 'lock' } as const
    expect(isLocked(record, locking, NOW)).toBe(false)
    expect(standing(record, locking, NOW)).toBe('expired')
  })
})
