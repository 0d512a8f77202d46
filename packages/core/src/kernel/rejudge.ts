import { expire } from './expire.ts'
import type { Policy } from './policy.ts'
import type { SessionRecord } from './record.ts'

/** What a request that was accepted at load remembers of that moment. */
export interface Accepted {
  readonly arrivedAt: number
  /** `hardRotations` after this request's own row was applied. */
  readonly hardRotations: number
  /** The session was locked already when this request loaded it. */
  readonly locked: boolean
}

/**
 * Judges an accepted request once more, against the record that is there at its commit. Not by its token: time spent inside
 * a request never turns an accepted token into reuse. Null: go on.
 */
export function rejudge(
  current: SessionRecord,
  accepted: Accepted,
  policy: Policy,
  now: number,
): 'ended' | 'locked' | 'superseded' | null {
  if (current.state === 'ended') return 'ended'
  if (expire(current, policy, now, accepted.arrivedAt) !== null) return 'ended'
  if (current.state === 'locked' && !accepted.locked) return 'locked'
  if (current.hardRotations !== accepted.hardRotations) return 'superseded'
  return null
}
