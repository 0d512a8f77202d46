import { discardAt } from './expire.ts'
import type { Policy } from './policy.ts'
import type { EndedReason, SessionRecord } from './record.ts'

/**
 * Ends a session for good. Data, fingerprint, credential, device and extensions are erased; a tombstone stays for
 * `retainEndedMs`, so that late use gets its reason and nothing can be recreated. Ending twice changes nothing.
 *
 * @see OWASP ASVS 5.0 7.4.1
 */
export function invalidate(record: SessionRecord, reason: EndedReason, policy: Policy, now: number): SessionRecord {
  if (record.state === 'ended') return record
  const ended: SessionRecord = {
    ...record,
    state: 'ended',
    endedReason: reason,
    endedAt: now,
    credential: null,
    fingerprint: null,
    device: null,
    extra: {},
    data: '',
  }
  return { ...ended, expiresAt: discardAt(ended, policy) }
}
