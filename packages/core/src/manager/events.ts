import type { InterruptedReason, SessErrorCode } from '../errors.ts'
import type { Expiry } from '../kernel/expire.ts'
import type { EndedReason, RotationKind } from '../kernel/record.ts'

interface About {
  /** Public handle of the session, or null when there is none (a forged token, for instance). */
  readonly handle: string | null
  readonly subject: string | null
  /** Who acts in the session, where that is not its subject. */
  readonly actor?: string
}

/** What each event carries besides `type`, `at`, `handle` and `subject`. No secret is ever part of one. */
export interface SessionEvents {
  /** A first write created an anonymous session. */
  created: object
  /** A sign-in created an authenticated session, or `stopActing()` did. `replaced` is the handle of the session it took over from. */
  'signed-in': { readonly replaced: string | null }
  /** The session was ended: `signed-out`, `replaced`, `reuse` … */
  ended: { readonly reason: EndedReason }
  /** `actAs()` created a session of `subject` in which `actor` acts, until `absoluteAt` (ms) at the latest. */
  'impersonation-started': {
    readonly actor: string
    readonly replaced: string | null
    readonly absoluteAt: number
  }
  /** A session in which `actor` acts was ended: follows its `ended`. One that only runs out raises `expired`, if it is used again. */
  'impersonation-ended': { readonly actor: string; readonly reason: EndedReason }
  /** A deadline had passed: found by a request that came after it, or by what ends sessions. */
  expired: { readonly reason: Expiry }
  /** The token changed. */
  rotated: { readonly kind: RotationKind; readonly generation: number }
  /** A fresh proof of identity was recorded. */
  reauthenticated: { readonly method: string }
  /** The session was locked by `lock()` or for its fingerprint, or a request found it locked by its idle deadline. */
  locked: { readonly reason: 'asked' | 'fingerprint' | 'idle' }
  /** A token was refused before or after the store was asked. */
  'token-refused': {
    readonly reason: 'malformed' | 'unknown' | 'ended' | 'superseded' | 'replaced' | 'ahead' | 'ambiguous'
  }
  /** A request wanted to change a session that it may not change (any more), and got a `SessionInterruptedError`. */
  interrupted: { readonly reason: InterruptedReason }
  /**
   * One client has sent many different forged or unknown tokens: the client (by default its IPv4 address or IPv6 /64), and how
   * many so far. Told again for each further `guessing.limit` of them.
   */
  guessing: { readonly client: string; readonly tokens: number }
  /** The store has lost a rotation it had acknowledged; the session was rolled forward. */
  'store-rollback': { readonly generation: number }
  /**
   * The client differs from the one the session was issued to: by how much, in what, and what that amounts to. `enforced`: the
   * session was locked or ended for it; otherwise the verdict is what would have happened.
   */
  'fingerprint-changed': {
    readonly score: number
    readonly reasons: readonly string[]
    readonly verdict: 'observe' | 'lock' | 'end'
    readonly enforced: boolean
  }
  /** A plain change replaced what another request had written to the same key meanwhile. */
  'data-overwritten': { readonly key: string }
  /** A store call failed or timed out; `fatal` says whether the request failed with it. */
  'store-failed': { readonly operation: string; readonly fatal: boolean; readonly message: string }
  /** A sign-in was refused because the subject has as many sessions as `limit` allows. */
  'limit-exceeded': { readonly limit: number }
  /** `sessions.end()` was asked for a session of somebody else, and did nothing. `by` is the subject it was asked for. */
  'end-refused': { readonly by: string }
  /** A bounded store dropped a live session for room. */
  evicted: object
  /** A plain http request carried or needed the cookie and was refused. */
  insecure: object
  /** A request was opened: what it found, or `failed`; and how long that took, in ms. */
  opened: {
    readonly outcome: 'anonymous' | 'authenticated' | 'locked' | 'refused' | 'failed'
    readonly durationMs: number
  }
  /** A commit with something to do is over: `ok`, the code of its error, or `failed` for an error of the application. */
  committed: { readonly outcome: 'ok' | SessErrorCode | 'failed'; readonly durationMs: number }
  /** Activity was written down, with nothing else. */
  touched: object
  /** A commit wrote data to a session that was there. */
  saved: object
  /**
   * A request that another site may have made was refused, or with `reportOnly` (`enforced: false`) would have been. By its
   * `Sec-Fetch-Site` (`site`) or its `Origin` (`origin`); it told neither (`missing`); its form `token` was wrong or missing; its
   * content is a `form`'s; its page loads or embeds across sites (`embedded`); it came without the strict cookie (`write`).
   * `path` has no query; `origin` is what the client claims.
   */
  'csrf-refused': {
    readonly reason: 'site' | 'origin' | 'missing' | 'token' | 'form' | 'embedded' | 'write'
    readonly enforced: boolean
    readonly method: string | null
    readonly path: string | null
    readonly origin: string | null
  }
}

export type SessionEventType = keyof SessionEvents

/** An event as listeners get it. Safe to log: handles and subjects, never tokens. */
export type SessEvent<T extends SessionEventType = SessionEventType> = {
  [K in T]: { readonly type: K; readonly at: number } & About & SessionEvents[K]
}[T]

/** Events that come with ordinary requests. Whoever asks for `'*'` is spared them. */
export type ActivityEventType = 'opened' | 'committed' | 'touched' | 'saved'

/** What listeners of `T` are told; `'*'` stands for all events but those of {@link ActivityEventType}. */
export type HeardEvent<T extends SessionEventType | '*'> = SessEvent<
  T extends SessionEventType ? T : Exclude<SessionEventType, ActivityEventType>
>

/**
 * Receives events, in order, outside the request that caused them. What it throws or rejects with is reported on the
 * console and goes no further.
 */
export type SessionEventListener<T extends SessionEventType | '*' = '*'> = (event: HeardEvent<T>) => unknown

const ACTIVITY: ReadonlySet<string> = new Set<ActivityEventType>(['opened', 'committed', 'touched', 'saved'])

/** Whether events of this type come with ordinary requests. */
export function isActivity(type: SessionEventType): boolean {
  return ACTIVITY.has(type)
}
