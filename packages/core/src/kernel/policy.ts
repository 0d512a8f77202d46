import { type FingerprintPolicy, fingerprintLevels } from './fingerprint.ts'

/** The numbers that decide. All durations in milliseconds; all intervals half-open: `now >= deadline` is over. */
export interface Policy {
  /** A session not used for this long is over (or locked, see {@link Policy.onIdle}). `null`: no idle timeout. */
  readonly idleMs: number | null
  /** A session is over this long after it was issued, whatever happens in between. */
  readonly absoluteMs: number
  /** {@link Policy.idleMs} of persistent (remember-me) sessions. */
  readonly persistentIdleMs: number | null
  /** {@link Policy.absoluteMs} of persistent sessions. */
  readonly persistentAbsoluteMs: number
  /** A soft rotation is due this long after the current token was first seen. `null`: never by time. */
  readonly rotateEveryMs: number | null
  /** How long a retired token keeps working after its successor has been seen. */
  readonly overlapMs: number
  /** A request moves the idle deadline only if the last move is at least this old. */
  readonly touchEveryMs: number
  /** How far the clocks of the application's processes may disagree; slack on every garbage-collection instant. */
  readonly clockSkewMs: number
  /** How long a record is kept after its end, so that late use gets its reason. */
  readonly retainEndedMs: number
  /** What the idle deadline does to an authenticated session: `lock` lets one reauthentication reopen it. */
  readonly onIdle: 'end' | 'lock'
  /** How a changed client is judged; `null`: not at all. */
  readonly fingerprint: FingerprintPolicy | null
  /** Whether a signed-in session locks when it is used from another network (IPv4 /24, IPv6 /64) or address. */
  readonly ipBinding: 'off' | 'prefix' | 'exact'
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The policy of `createSessions()` without options. */
export const defaultPolicy: Policy = {
  idleMs: 30 * MINUTE,
  absoluteMs: 24 * HOUR,
  persistentIdleMs: 14 * DAY,
  persistentAbsoluteMs: 30 * DAY,
  rotateEveryMs: 15 * MINUTE,
  overlapMs: MINUTE,
  touchEveryMs: MINUTE,
  clockSkewMs: 5 * SECOND,
  retainEndedMs: 24 * HOUR,
  onIdle: 'end',
  fingerprint: fingerprintLevels.observe,
  ipBinding: 'off',
}
