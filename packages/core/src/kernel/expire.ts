import type { Policy } from './policy.ts'
import type { SessionRecord } from './record.ts'

/** Which deadline a session has passed. */
export type Expiry = 'idle' | 'absolute'

/** When a session that is not used again is over: the earlier of its idle and its absolute deadline. */
export function idleDeadline(record: SessionRecord, policy: Policy): number {
  const idleMs = record.persistent ? policy.persistentIdleMs : policy.idleMs
  if (idleMs === null) return record.absoluteAt
  return Math.min(record.lastSeenAt + idleMs, record.absoluteAt)
}

/**
 * Which deadline has passed, or null if none has. The idle deadline is judged as of `arrivedAt`, so that a slow request
 * does not expire under its own feet; the absolute deadline as of `now`. A session that idles into a lock does not expire.
 *
 * @see OWASP ASVS 5.0 7.3.1 and 7.3.2; NIST SP 800-63B-4 §5.2
 */
export function expire(record: SessionRecord, policy: Policy, now: number, arrivedAt: number = now): Expiry | null {
  if (now >= record.absoluteAt || arrivedAt >= record.absoluteAt) return 'absolute'
  if (arrivedAt < idleDeadline(record, policy)) return null
  return locksOnIdle(record, policy) ? null : 'idle'
}

/** Whether the session may only be reopened or ended: locked explicitly, or idle under `onIdle: 'lock'`. */
export function isLocked(record: SessionRecord, policy: Policy, arrivedAt: number): boolean {
  if (record.state === 'locked') return true
  return locksOnIdle(record, policy) && arrivedAt >= idleDeadline(record, policy)
}

/** When a store may throw the record away: its deadline (or end), and the time its reason is kept, and the clocks' slack. */
export function discardAt(record: SessionRecord, policy: Policy): number {
  const over = record.endedAt ?? (locksOnIdle(record, policy) ? record.absoluteAt : idleDeadline(record, policy))
  return over + policy.retainEndedMs + policy.clockSkewMs
}

function locksOnIdle(record: SessionRecord, policy: Policy): boolean {
  return policy.onIdle === 'lock' && record.subject !== null
}
