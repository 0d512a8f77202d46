import { isLocked } from './expire.ts'
import { type Assessment, assess } from './fingerprint.ts'
import { invalidate } from './invalidate.ts'
import type { Policy } from './policy.ts'
import type { Fingerprint, SessionRecord } from './record.ts'

/** A request presents a token of this session whose MAC has been verified. */
export interface Presentation {
  readonly arrivedAt: number
  /** Generation of the presented token. */
  readonly generation: number
  /** The token was signed with a key that is no longer the first. */
  readonly oldKey?: boolean
  /** Nothing can be set on the answer (a WebSocket upgrade), so nothing may be rotated. */
  readonly upgrade?: boolean
  readonly fingerprint?: Fingerprint | null
}

/** Row of the token table that a presentation falls under. */
export type TokenRow = 'T1' | 'T2' | 'T3' | 'T4' | 'T5' | 'T6' | 'T7' | 'T7-late' | 'T8' | 'ahead'

/** How far ahead of the record a token may be and still be taken for a rotation that the store lost. */
const ROLL_FORWARD = 8

/**
 * The token table. `p` is the generation presented, `g` the record's. A retired token lives until its successor has been
 * seen, then `overlap` longer; after that whoever presents it holds a copy.
 */
export function tokenRow(record: SessionRecord, p: number, policy: Policy, arrivedAt: number): TokenRow {
  const { generation: g, confirmedAt, rotation } = record
  if (p === g) return 'T1'
  if (p > g) return p <= g + ROLL_FORWARD ? 'T8' : 'ahead'
  const unconfirmed = confirmedAt === null
  const overlapping = unconfirmed || arrivedAt < confirmedAt + policy.overlapMs
  if (p === g - 1) {
    if (unconfirmed) return rotation === 'soft' ? 'T2' : 'T3'
    return overlapping ? 'T4' : 'T5'
  }
  if (rotation === 'soft') return 'T6'
  return overlapping ? 'T7' : 'T7-late'
}

/** What follows from presenting a token: see {@link present}. */
export type Presented =
  | {
      readonly verdict: 'accepted'
      /** The record with this request's own row applied. */
      readonly record: SessionRecord
      readonly locked: boolean
      /** The record differs from the stored one (a confirmation, a roll forward): write it when convenient. */
      readonly confirm: boolean
      /** The request counts as activity, and the last activity is old enough to write it down. */
      readonly touch: boolean
      /** A soft rotation is due. */
      readonly rotate: boolean
      /** Send the current token (again). */
      readonly send: boolean
      /** The store has lost a rotation that it had acknowledged. */
      readonly rollback: boolean
      /** How the client compares; `enforced` if the session is locked for it. */
      readonly fingerprint: Assessment
    }
  | { readonly verdict: 'superseded' | 'ahead' }
  /** Write `record`, then refuse. */
  | {
      readonly verdict: 'ended'
      readonly reason: 'reuse' | 'fingerprint'
      readonly record: SessionRecord
      readonly fingerprint: Assessment | null
    }

/**
 * Judges a presented token of a session that is neither ended nor expired: the token table, then the fingerprint.
 * The record that comes back carries the confirmation or roll forward that the row calls for.
 */
export function present(record: SessionRecord, event: Presentation, policy: Policy, now: number): Presented {
  const row = tokenRow(record, event.generation, policy, event.arrivedAt)
  switch (row) {
    case 'T1':
    case 'T2':
    case 'T8':
      return accept(record, row, event, policy, now)
    case 'T4':
      return record.rotation === 'soft' ? accept(record, row, event, policy, now) : { verdict: 'superseded' }
    case 'T3':
    case 'T7':
      return { verdict: 'superseded' }
    case 'ahead':
      return { verdict: 'ahead' }
    default:
      return { verdict: 'ended', reason: 'reuse', record: invalidate(record, 'reuse', policy, now), fingerprint: null }
  }
}

function accept(
  stored: SessionRecord,
  row: 'T1' | 'T2' | 'T4' | 'T8',
  event: Presentation,
  policy: Policy,
  now: number,
): Presented {
  const found = assess(stored.fingerprint, event.fingerprint ?? null, policy)
  if (found.enforced && found.band === 'end') {
    const record = invalidate(stored, 'fingerprint', policy, now)
    return { verdict: 'ended', reason: 'fingerprint', record, fingerprint: found }
  }
  const settled = settle(stored, row, event)
  // A visitor could not open a lock again.
  const locks = found.enforced && found.band === 'lock' && settled.state !== 'anonymous'
  const record: SessionRecord = locks && settled.state !== 'locked' ? { ...settled, state: 'locked' } : settled
  const locked = isLocked(record, policy, event.arrivedAt)
  const rotates = row === 'T1' && !locked && event.upgrade !== true && rotationDue(stored, event, policy)
  return {
    verdict: 'accepted',
    record,
    locked,
    confirm: record !== stored,
    touch: !locked && row !== 'T4' && event.arrivedAt - record.lastSeenAt >= policy.touchEveryMs,
    rotate: rotates,
    send: row === 'T2' || (row === 'T1' && event.oldKey === true && (locked || record.state === 'anonymous')),
    rollback: row === 'T8',
    fingerprint: found.enforced === locks ? found : { ...found, enforced: locks },
  }
}

function settle(record: SessionRecord, row: TokenRow, event: Presentation): SessionRecord {
  if (row === 'T1' && record.confirmedAt === null) return { ...record, confirmedAt: event.arrivedAt }
  if (row !== 'T8') return record
  return {
    ...record,
    generation: event.generation,
    confirmedAt: event.arrivedAt,
    rotation: 'hard',
    hardRotations: record.hardRotations + (event.generation - record.generation),
  }
}

/** Measured from the confirmation, never from the rotation itself: otherwise a lost response could cost the client its session. */
function rotationDue(record: SessionRecord, event: Presentation, policy: Policy): boolean {
  if (record.state !== 'authenticated' || record.confirmedAt === null) return false
  const since = event.arrivedAt - record.confirmedAt
  if (since < policy.overlapMs) return false
  return event.oldKey === true || (policy.rotateEveryMs !== null && since >= policy.rotateEveryMs)
}
