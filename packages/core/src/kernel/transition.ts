import { type Expiry, expire, isLocked } from './expire.ts'
import { invalidate } from './invalidate.ts'
import { type IssueInput, issue } from './issue.ts'
import type { Policy } from './policy.ts'
import { type Presentation, type Presented, present } from './present.ts'
import { type Proof, reauthenticate } from './reauthenticate.ts'
import type { EndedReason, Fingerprint, RotationKind, SessionRecord } from './record.ts'
import { rotate } from './rotate.ts'
import { touch } from './touch.ts'

/** Where a session stands at an instant. `none`: there is no record. `expired` is derived from the deadlines, never stored. */
export type Standing = 'none' | 'anonymous' | 'authenticated' | 'locked' | 'expired' | 'ended'

/** What can happen to a session. Every event carries the instant at which its request arrived. */
export type SessionEvent =
  | ({ readonly type: 'issue'; readonly arrivedAt: number } & IssueInput)
  | ({ readonly type: 'present' } & Presentation)
  | { readonly type: 'touch'; readonly arrivedAt: number }
  | { readonly type: 'write'; readonly arrivedAt: number; readonly data: string }
  | { readonly type: 'rotate'; readonly arrivedAt: number; readonly kind: RotationKind }
  | ({
      readonly type: 'reauthenticate'
      readonly arrivedAt: number
      readonly fingerprint?: Fingerprint | null
      /** Digest of a new credential stamp; the old one stays without. */
      readonly credential?: string
    } & Proof)
  | { readonly type: 'lock'; readonly arrivedAt: number }
  | { readonly type: 'invalidate'; readonly arrivedAt: number; readonly reason: EndedReason }

/** Why an event was refused. */
export type Refusal =
  | { readonly why: 'unknown' | 'exists' | 'superseded' | 'ahead' | 'replaced' | 'locked' | 'anonymous' | 'early' }
  | { readonly why: 'expired'; readonly reason: Expiry }
  | { readonly why: 'ended'; readonly reason: EndedReason }

/** What the world must do about it. `later` marks a write whose failure costs nothing. */
export type Effect =
  | { readonly type: 'create' }
  | { readonly type: 'replace'; readonly durability?: 'replicated'; readonly later?: true }
  | { readonly type: 'touch' }
  | { readonly type: 'send-token' }
  | { readonly type: 'rotate' }
  | { readonly type: 'store-rollback' }
  | { readonly type: 'fingerprint-changed'; readonly reasons: readonly string[] }

/** The next record and its effects, or a refusal; a refusal may still end the session (`record` then differs). */
export type Transition =
  | { readonly ok: true; readonly record: SessionRecord; readonly effects: readonly Effect[] }
  | {
      readonly ok: false
      readonly record: SessionRecord | null
      readonly refusal: Refusal
      readonly effects: readonly Effect[]
    }

type Step<S extends Standing, E extends SessionEvent['type']> = (
  record: S extends 'none' ? null : SessionRecord,
  event: Extract<SessionEvent, { type: E }>,
  policy: Policy,
  now: number,
) => Transition

type Grid = { readonly [S in Standing]: { readonly [E in SessionEvent['type']]: Step<S, E> } }

/**
 * The session state machine. Rows are where a session stands, columns what happens to it; every cell is a verb, and a
 * forgotten one does not compile.
 */
// biome-ignore format: this grid is the documentation.
export const grid: Grid = {
  none:          { issue: begin,    present: miss,  touch: miss,  write: miss,  rotate: miss,    reauthenticate: miss,    lock: miss,    invalidate: miss },
  anonymous:     { issue: collide,  present: admit, touch: slide, write: save,  rotate: harden,  reauthenticate: demand,  lock: demand,  invalidate: end  },
  authenticated: { issue: collide,  present: admit, touch: slide, write: save,  rotate: turn,    reauthenticate: prove,   lock: close,   invalidate: end  },
  locked:        { issue: collide,  present: admit, touch: bar,   write: bar,   rotate: bar,     reauthenticate: prove,   lock: stay,    invalidate: end  },
  expired:       { issue: collide,  present: late,  touch: late,  write: late,  rotate: late,    reauthenticate: late,    lock: late,    invalidate: end  },
  ended:         { issue: collide,  present: gone,  touch: gone,  write: gone,  rotate: gone,    reauthenticate: gone,    lock: gone,    invalidate: stay },
}

/**
 * The whole lifecycle as one pure, total, deterministic function: no clock, no randomness, no I/O, no exception. It does not
 * store, sign or send anything; the effects say what remains to be done. Revisions are not its business either (see `stamp`).
 *
 * @param record the session as stored, or null when there is none; it is never changed
 * @param event what happened
 * @param policy the numbers that decide
 * @param now the current instant in ms; `event.arrivedAt` is when the request came in
 */
export function transition(record: SessionRecord | null, event: SessionEvent, policy: Policy, now: number): Transition {
  const row = grid[standing(record, policy, now, event.arrivedAt)]
  // The row fits the record and the column fits the event, which TypeScript cannot follow through two correlated unions.
  return row[event.type](record as never, event as never, policy, now)
}

/** Where the session stands. Precedence: ended, then the deadlines, then locked. */
export function standing(record: SessionRecord | null, policy: Policy, now: number, arrivedAt: number = now): Standing {
  if (record === null) return 'none'
  if (record.state === 'ended') return 'ended'
  if (expire(record, policy, now, arrivedAt) !== null) return 'expired'
  return isLocked(record, policy, arrivedAt) ? 'locked' : record.state
}

function begin(_: null, event: Extract<SessionEvent, { type: 'issue' }>, policy: Policy, now: number): Transition {
  return { ok: true, record: issue(event, policy, now), effects: [{ type: 'create' }, { type: 'send-token' }] }
}

function miss(): Transition {
  return refuse(null, { why: 'unknown' })
}

function collide(record: SessionRecord): Transition {
  return refuse(record, { why: 'exists' })
}

function admit(record: SessionRecord, event: Presentation, policy: Policy, now: number): Transition {
  const presented = present(record, event, policy, now)
  if (presented.verdict === 'ended') {
    const refusal = { why: 'ended', reason: presented.reason } as const
    return { ok: false, record: presented.record, refusal, effects: [{ type: 'replace', durability: 'replicated' }] }
  }
  if (presented.verdict !== 'accepted') return refuse(record, { why: presented.verdict })
  return { ok: true, record: presented.record, effects: admissionEffects(presented) }
}

function admissionEffects(presented: Extract<Presented, { verdict: 'accepted' }>): Effect[] {
  const effects: Effect[] = []
  if (presented.rollback) effects.push({ type: 'store-rollback' })
  if (presented.fingerprint.changed) {
    effects.push({ type: 'fingerprint-changed', reasons: presented.fingerprint.reasons })
  }
  if (presented.confirm) effects.push({ type: 'replace', later: true })
  if (presented.touch) effects.push({ type: 'touch' })
  if (presented.rotate) effects.push({ type: 'rotate' })
  if (presented.send) effects.push({ type: 'send-token' })
  return effects
}

function slide(record: SessionRecord, event: { readonly arrivedAt: number }, policy: Policy): Transition {
  return { ok: true, record: touch(record, policy, event.arrivedAt), effects: [{ type: 'touch' }] }
}

function save(record: SessionRecord, event: { readonly data: string }): Transition {
  return { ok: true, record: { ...record, data: event.data }, effects: [{ type: 'replace' }] }
}

/** An anonymous session has no privilege that a periodic rotation would protect; it rotates only when told to. */
function harden(record: SessionRecord, event: { readonly kind: RotationKind }): Transition {
  return event.kind === 'hard' ? rotated(record, 'hard') : refuse(record, { why: 'anonymous' })
}

/** Soft only once everything older than the current token has been retired for `overlap`: see row T6 of the token table. */
function turn(
  record: SessionRecord,
  event: { readonly kind: RotationKind; readonly arrivedAt: number },
  policy: Policy,
): Transition {
  const { confirmedAt } = record
  const early = confirmedAt === null || event.arrivedAt < confirmedAt + policy.overlapMs
  return event.kind === 'soft' && early ? refuse(record, { why: 'early' }) : rotated(record, event.kind)
}

function rotated(record: SessionRecord, kind: RotationKind): Transition {
  const replace: Effect =
    kind === 'hard' ? { type: 'replace', durability: 'replicated' } : { type: 'replace', later: true }
  return { ok: true, record: rotate(record, kind), effects: [replace, { type: 'send-token' }] }
}

function prove(record: SessionRecord, event: Extract<SessionEvent, { type: 'reauthenticate' }>): Transition {
  const proved = reauthenticate(record, event, event.arrivedAt, event.fingerprint)
  const next = event.credential === undefined ? proved : { ...proved, credential: event.credential }
  return { ok: true, record: next, effects: [{ type: 'replace', durability: 'replicated' }, { type: 'send-token' }] }
}

function demand(record: SessionRecord): Transition {
  return refuse(record, { why: 'anonymous' })
}

function close(record: SessionRecord): Transition {
  return { ok: true, record: { ...record, state: 'locked' }, effects: [{ type: 'replace' }] }
}

function end(record: SessionRecord, event: { readonly reason: EndedReason }, policy: Policy, now: number): Transition {
  const effects: Effect[] = [{ type: 'replace', durability: 'replicated' }]
  return { ok: true, record: invalidate(record, event.reason, policy, now), effects }
}

function stay(record: SessionRecord): Transition {
  return { ok: true, record, effects: [] }
}

function bar(record: SessionRecord): Transition {
  return refuse(record, { why: 'locked' })
}

function late(record: SessionRecord, event: { readonly arrivedAt: number }, policy: Policy, now: number): Transition {
  const reason = expire(record, policy, now, event.arrivedAt) as Expiry // this row is for expired sessions
  return refuse(record, { why: 'expired', reason })
}

function gone(record: SessionRecord, event: SessionEvent, policy: Policy): Transition {
  const reason = record.endedReason ?? 'revoked'
  const fresh = record.endedAt !== null && event.arrivedAt < record.endedAt + policy.overlapMs
  if (event.type === 'present' && reason === 'replaced' && fresh) return refuse(record, { why: 'replaced' })
  return refuse(record, { why: 'ended', reason })
}

function refuse(record: SessionRecord | null, refusal: Refusal): Transition {
  return { ok: false, record, refusal, effects: [] }
}
