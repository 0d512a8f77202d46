import { discardAt } from './expire.ts'
import type { Policy } from './policy.ts'
import type { Actor, Authentication, Device, Fingerprint, SessionRecord } from './record.ts'

/** What a new session starts with. */
export interface IssueInput {
  /** base64url(SHA-256(sid)) of a fresh sid. */
  readonly id: string
  /** Random part of the first revision. */
  readonly random: string
  /** Whose session it is; null makes it anonymous. */
  readonly subject: string | null
  readonly auth?: Authentication | null
  readonly credential?: string | null
  readonly fingerprint?: Fingerprint | null
  readonly device?: Device | null
  readonly persistent?: boolean
  readonly actor?: Actor | null
  readonly extra?: Readonly<Record<string, string>>
  readonly data?: string
}

/** Begins a session: generation 0, confirmed (its token is new, so there is no older one to retire), both deadlines ahead. */
export function issue(input: IssueInput, policy: Policy, now: number): SessionRecord {
  const record: SessionRecord = {
    id: input.id,
    revision: `0.${input.random}`,
    recent: [],
    expiresAt: 0,
    state: input.subject === null ? 'anonymous' : 'authenticated',
    subject: input.subject,
    generation: 0,
    confirmedAt: now,
    rotation: 'soft',
    hardRotations: 0,
    createdAt: now,
    absoluteAt: now + policy.absoluteMs,
    lastSeenAt: now,
    auth: input.auth ?? null,
    credential: input.credential ?? null,
    fingerprint: input.fingerprint ?? null,
    device: input.device ?? null,
    persistent: input.persistent ?? false,
    actor: input.actor ?? null,
    extra: input.extra ?? {},
    endedReason: null,
    endedAt: null,
    data: input.data ?? '',
  }
  return { ...record, expiresAt: discardAt(record, policy) }
}
