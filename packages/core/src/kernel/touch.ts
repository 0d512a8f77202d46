import { discardAt } from './expire.ts'
import type { Policy } from './policy.ts'
import type { SessionRecord } from './record.ts'

/** Counts a request as activity: moves the idle deadline, never backwards and never past the absolute deadline. */
export function touch(record: SessionRecord, policy: Policy, arrivedAt: number): SessionRecord {
  if (arrivedAt <= record.lastSeenAt) return record
  const touched = { ...record, lastSeenAt: arrivedAt }
  return { ...touched, expiresAt: Math.max(record.expiresAt, discardAt(touched, policy)) }
}
