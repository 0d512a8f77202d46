/** What a session is, as the store keeps it. `ended` is absorbing. */
export type SessionState = 'anonymous' | 'authenticated' | 'locked' | 'ended'

/** Why a session was ended. Idle and absolute expiry are derived from the deadlines and never written. */
export type EndedReason =
  | 'signed-out'
  | 'revoked'
  | 'replaced'
  | 'evicted'
  | 'reuse'
  | 'fingerprint'
  | 'credential'
  | 'invalid'

/** `soft`: periodic, the old token works until the new one is seen. `hard`: privilege change, the old token stops at once. */
export type RotationKind = 'soft' | 'hard'

/** When and how the user proved who they are. */
export interface Authentication {
  /** Instant of the proof, in ms. */
  readonly at: number
  /** Methods used, e.g. `['password', 'totp']`. RFC 8176 has names for them. */
  readonly methods: readonly string[]
  /** Assurance level as the application counts it (NIST SP 800-63B-4: 1–3), or null. */
  readonly level: number | null
}

/** Reduced features of the client: never an IP address or a User-Agent string. */
export interface Fingerprint {
  /** Browser family, e.g. `firefox`, or null when it cannot be told. */
  readonly browser: string | null
  /** Operating system class, e.g. `windows`, or null when it cannot be told. */
  readonly os: string | null
}

/** A label for lists of sessions; only kept when the application asks for it. */
export interface Device {
  readonly ip?: string
  readonly userAgent?: string
  readonly name?: string
}

/** Who acts in a session that is somebody else's, and the session to go back to. */
export interface Actor {
  readonly subject: string
  /** How the actor had proved who they are. */
  readonly auth: Authentication | null
  /** Absolute deadline of the actor's own session, in ms: going back never extends it. */
  readonly absoluteAt: number
  readonly persistent: boolean
}

/**
 * One session from issue to end, across all rotations: what a store keeps under one key.
 * Plain, JSON-safe, never mutated. Fields this version does not know must survive a read and a write.
 */
export interface SessionRecord {
  /** base64url(SHA-256(sid)), 43 characters: store key and public handle. Useless as a credential. */
  readonly id: string
  /** `n.random`, new with every write: the fence for compare-and-set. The random part defeats ABA after a failover. */
  readonly revision: string
  /** The last 8 revisions before this one, oldest first: how a lost acknowledgement is recognised. */
  readonly recent: readonly string[]
  /** When a store may throw the record away, in ms. Garbage collection only: it never decides whether a session lives. */
  readonly expiresAt: number
  readonly state: SessionState
  /** Whose session it is, or null. Set at issue only. */
  readonly subject: string | null
  /** Token generation, from 0. */
  readonly generation: number
  /** When the current generation was first presented, or null while it has not been. */
  readonly confirmedAt: number | null
  /** Kind of the last rotation. */
  readonly rotation: RotationKind
  /** How many hard rotations this session has been through. */
  readonly hardRotations: number
  readonly createdAt: number
  /** Absolute deadline. Written once. */
  readonly absoluteAt: number
  /** Last activity; never falls. */
  readonly lastSeenAt: number
  readonly auth: Authentication | null
  /** Keyed digest of the application's credential stamp, or null. */
  readonly credential: string | null
  readonly fingerprint: Fingerprint | null
  readonly device: Device | null
  /** The cookie outlives the browser. */
  readonly persistent: boolean
  /** Set while somebody else acts as the subject. Kept in the tombstone, for the audit. */
  readonly actor: Actor | null
  /** Opaque text of extension packages, by namespace. */
  readonly extra: Readonly<Record<string, string>>
  readonly endedReason: EndedReason | null
  readonly endedAt: number | null
  /** The application's data, encoded. `''` is no data. */
  readonly data: string
}

const RECENT = 8

/** A record with its next revision: what is handed to `store.replace`. `random` is the random part, base64url. */
export function stamp(record: SessionRecord, random: string): SessionRecord {
  return {
    ...record,
    revision: `${writes(record) + 1}.${random}`,
    recent: [...record.recent, record.revision].slice(-RECENT),
  }
}

/** How many writes the record has seen: the `n` of its revision. */
export function writes(record: SessionRecord): number {
  return Number.parseInt(record.revision, 10)
}

/** Whether one of `revisions` is the record's own or among its last eight. */
export function bears(record: SessionRecord, revisions: readonly string[]): boolean {
  return revisions.some((revision) => revision === record.revision || record.recent.includes(revision))
}

/** Whether a write made on `base` would still be visible in `record.recent` if it had been applied. */
export function remembers(record: SessionRecord, base: SessionRecord): boolean {
  return writes(record) - writes(base) <= RECENT
}
