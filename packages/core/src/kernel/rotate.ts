import type { RotationKind, SessionRecord } from './record.ts'

/**
 * Retires the current token in favour of the next generation. The deadlines stay. The successor's text is determined by the
 * sid and the generation, so requests that rotate in parallel hand out the same token.
 *
 * @see OWASP Session Management Cheat Sheet, Renew the Session ID After Any Privilege Level Change
 */
export function rotate(record: SessionRecord, kind: RotationKind): SessionRecord {
  return {
    ...record,
    generation: record.generation + 1,
    confirmedAt: null,
    rotation: kind,
    hardRotations: record.hardRotations + (kind === 'hard' ? 1 : 0),
  }
}
