import type { Expiry } from '../kernel/expire.ts'
import type { EndedReason, RotationKind } from '../kernel/record.ts'

interface About {
  /** Public handle of the session, or null when there is none (a forged token, for instance). */
  readonly handle: string | null
  readonly subject: string | null
}

/** What each event carries besides `type`, `at`, `handle` and `subject`. No secret is ever part of one. */
export interface SessionEvents {
  /** A first write created an anonymous session. */
  created: object
  /** A sign-in created an authenticated session. `replaced` is the handle of the session it took over from. */
  'signed-in': { readonly replaced: string | null }
  /** The session was ended: `signed-out`, `replaced`, `reuse` … */
  ended: { readonly reason: EndedReason }
  /** A request came after a deadline. */
  expired: { readonly reason: Expiry }
  /** The token changed. */
  rotated: { readonly kind: RotationKind; readonly generation: number }
  /** A fresh proof of identity was recorded. */
  reauthenticated: { readonly method: string }
  locked: object
  /** A token was refused before or after the store was asked. */
  'token-refused': {
    readonly reason: 'malformed' | 'unknown' | 'ended' | 'superseded' | 'replaced' | 'ahead' | 'ambiguous'
  }
  /** The store has lost a rotation it had acknowledged; the session was rolled forward. */
  'store-rollback': { readonly generation: number }
  /** Browser family or operating system class differ from those at issue. */
  'fingerprint-changed': { readonly features: readonly string[] }
  /** A plain change replaced what another request had written to the same key meanwhile. */
  'data-overwritten': { readonly key: string }
  /** A store call failed or timed out; `fatal` says whether the request failed with it. */
  'store-failed': { readonly operation: string; readonly fatal: boolean; readonly message: string }
  /** A bounded store dropped a live session for room. */
  evicted: object
  /** A plain http request carried or needed the cookie and was refused. */
  insecure: object
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

/** Receives events. What it throws or rejects with is reported on the console and goes no further. */
export type SessionEventListener<T extends SessionEventType = SessionEventType> = (event: SessEvent<T>) => unknown

/** Fan-out of events. A listener can neither break the request nor another listener. */
export class EventHub {
  readonly #listeners = new Map<string, Set<SessionEventListener>>()

  on(type: SessionEventType | '*', listener: SessionEventListener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  emit(event: SessEvent): void {
    if (this.#listeners.size === 0) return
    for (const listener of this.#listeners.get(event.type) ?? []) deliver(listener, event)
    for (const listener of this.#listeners.get('*') ?? []) deliver(listener, event)
  }
}

function deliver(listener: SessionEventListener, event: SessEvent): void {
  const report = (error: unknown) => console.error(`sess: a listener for '${event.type}' failed`, error)
  try {
    Promise.resolve(listener(event)).catch(report)
  } catch (error) {
    report(error)
  }
}
