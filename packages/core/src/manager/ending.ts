import { SessionInterruptedError } from '../errors.ts'
import { type Expiry, expire, idleDeadline } from '../kernel/expire.ts'
import type { Policy } from '../kernel/policy.ts'
import type { EndedReason, SessionRecord } from '../kernel/record.ts'
import { standing } from '../kernel/transition.ts'

/**
 * Why a session may no longer act: it was ended, is past a deadline, was locked (it may be reopened, but what was open must
 * close), or is `gone` from the store: dropped for room, or never there.
 */
export type EndingReason = EndedReason | Expiry | 'locked' | 'gone'

/** What those who watch a session are told, once. */
export interface Ending {
  readonly handle: string
  /** Whose session it was, or null for a visitor's and where it is not known. */
  readonly subject: string | null
  readonly reason: EndingReason
  /** When it ended or passed its deadline, in ms; for `locked` and `gone`, when that was noticed. */
  readonly at: number
}

/** What `session.signal` aborts with. */
export class SessionEndedError extends SessionInterruptedError {
  readonly ending: Ending

  constructor(ending: Ending) {
    super(ending.reason === 'locked' ? 'locked' : 'ended', `The session is over (${ending.reason}).`)
    this.ending = ending
  }
}

/** What has become of a session, given its record as it is stored now; null while it may act. */
export function endingOf(handle: string, record: SessionRecord | null, policy: Policy, now: number): Ending | null {
  const about = { handle, subject: record?.subject ?? null }
  if (record === null) return { ...about, reason: 'gone', at: now }
  if (record.state === 'ended') {
    return { ...about, reason: record.endedReason ?? 'revoked', at: record.endedAt ?? now }
  }
  const expiry = expire(record, policy, now)
  if (expiry === 'absolute') return { ...about, reason: expiry, at: record.absoluteAt }
  if (expiry === 'idle') return { ...about, reason: expiry, at: idleDeadline(record, policy) }
  return standing(record, policy, now) === 'locked' ? { ...about, reason: 'locked', at: now } : null
}
