import type { Fingerprint, SessionRecord } from './record.ts'
import { rotate } from './rotate.ts'

/** A fresh proof of identity. */
export interface Proof {
  /** How it was given, e.g. `'password'` or `'webauthn'`. */
  readonly method: string
  /** The assurance level it reached; the session's level stays when absent. */
  readonly level?: number
}

/**
 * Records a fresh proof of identity: opens a locked session, moves the idle deadline, and rotates hard, so that no older
 * token acts again. The client that gave it becomes the new fingerprint baseline, so that a lock for a changed one opens for
 * good. The absolute deadline stays: only signing in makes a new one.
 *
 * @see OWASP ASVS 5.0 7.2.4
 */
export function reauthenticate(
  record: SessionRecord,
  proof: Proof,
  arrivedAt: number,
  fingerprint: Fingerprint | null = null,
): SessionRecord {
  return {
    ...rotate(record, 'hard'),
    state: 'authenticated',
    lastSeenAt: Math.max(record.lastSeenAt, arrivedAt),
    fingerprint: fingerprint ?? record.fingerprint,
    auth: {
      at: arrivedAt,
      methods: [...new Set([...(record.auth?.methods ?? []), proof.method])],
      level: proof.level ?? record.auth?.level ?? null,
    },
  }
}
