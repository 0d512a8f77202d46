import type { Authentication, Fingerprint, SessionRecord } from './record.ts'
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
    auth: addProof(record.auth, proof, arrivedAt),
  }
}

/** What is known of the user's proofs once one more was given at `at`. What the others showed keeps the age it has. */
export function addProof(auth: Authentication | null, proof: Proof, at: number): Authentication {
  const before = auth ?? { at, methods: [], level: null }
  const used = new Map(before.methods.map((method, index) => [method, before.usedAt?.[index] ?? before.at]))
  used.set(proof.method, Math.max(at, used.get(proof.method) ?? at))
  const latest = Math.max(at, before.at)
  const levelAt = proof.level === undefined ? (before.levelAt ?? before.at) : at
  const level = proof.level ?? before.level
  const usedAt = [...used.values()]
  return {
    at: latest,
    methods: [...used.keys()],
    level,
    ...(usedAt.some((instant) => instant !== latest) ? { usedAt } : {}),
    ...(level !== null && levelAt !== latest ? { levelAt } : {}),
  }
}
