import {
  defaultPolicy,
  type Effect,
  issue,
  type Policy,
  type SessionEvent,
  type SessionRecord,
  type Standing,
  type Transition,
} from '@sess/core/kernel'

export const SECOND = 1000
export const MINUTE: number = 60 * SECOND
export const HOUR: number = 60 * MINUTE
export const NOW: number = Date.UTC(2026, 0, 1, 12)

export const policy: Policy = defaultPolicy

/** A signed-in session: issued five minutes ago, token confirmed, not seen since. */
export function authenticated(change: Partial<SessionRecord> = {}): SessionRecord {
  const input = {
    id: 'record-id',
    random: 'aaaa',
    subject: 'ada',
    auth: { at: NOW - 5 * MINUTE, methods: ['password'], level: 1 },
    credential: 'stamp',
    fingerprint: { browser: 'firefox', os: 'linux' },
    device: { name: 'laptop' },
    extra: { 'sess/data-version': '1' },
    data: '{"cart":[1]}',
  }
  return { ...issue(input, policy, NOW - 5 * MINUTE), ...change }
}

export function anonymous(change: Partial<SessionRecord> = {}): SessionRecord {
  return authenticated({ state: 'anonymous', subject: null, auth: null, credential: null, ...change })
}

/** One record for each place where a session can stand at {@link NOW}. */
export const records: Readonly<Record<Standing, SessionRecord | null>> = {
  none: null,
  anonymous: anonymous(),
  authenticated: authenticated(),
  locked: authenticated({ state: 'locked' }),
  expired: authenticated({ lastSeenAt: NOW - 30 * MINUTE }),
  ended: authenticated({ state: 'ended', endedReason: 'signed-out', endedAt: NOW - MINUTE, data: '', extra: {} }),
}

/** One event of each kind, arriving at {@link NOW}; both kinds of rotation. */
export const events: Readonly<{
  [E in Exclude<SessionEvent['type'], 'rotate'> | 'rotate soft' | 'rotate hard']: Extract<
    SessionEvent,
    { type: E extends `rotate ${string}` ? 'rotate' : E }
  >
}> = {
  issue: { type: 'issue', arrivedAt: NOW, id: 'new-id', random: 'bbbb', subject: 'ada' },
  present: { type: 'present', arrivedAt: NOW, generation: 0 },
  touch: { type: 'touch', arrivedAt: NOW },
  write: { type: 'write', arrivedAt: NOW, data: '{"cart":[1,2]}' },
  'rotate soft': { type: 'rotate', arrivedAt: NOW, kind: 'soft' },
  'rotate hard': { type: 'rotate', arrivedAt: NOW, kind: 'hard' },
  reauthenticate: { type: 'reauthenticate', arrivedAt: NOW, method: 'totp', level: 2 },
  lock: { type: 'lock', arrivedAt: NOW },
  invalidate: { type: 'invalidate', arrivedAt: NOW, reason: 'signed-out' },
}

export type Sample = keyof typeof events

/** What came of it, in one line: the new state and the effects, or the refusal. */
export function describeOutcome(outcome: Transition): string {
  if (outcome.ok) return [`→ ${outcome.record.state}`, ...outcome.effects.map(describeEffect)].join(' · ')
  const reason = 'reason' in outcome.refusal ? ` (${outcome.refusal.reason})` : ''
  return [`✗ ${outcome.refusal.why}${reason}`, ...outcome.effects.map(describeEffect)].join(' · ')
}

function describeEffect(effect: Effect): string {
  if (effect.type !== 'replace') return effect.type
  return `replace${effect.durability === undefined ? '' : ' replicated'}${effect.later === true ? ' later' : ''}`
}

/** The value, frozen all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
