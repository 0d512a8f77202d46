import type { Fingerprint } from './record.ts'

/** What {@link checkFingerprint} found. `reasons` names the features that differ. */
export interface FingerprintCheck {
  readonly changed: boolean
  readonly reasons: readonly ('browser' | 'os')[]
}

/**
 * Compares what a client looks like now with what it looked like when the session was issued. Browser family and operating
 * system class only: a browser update changes neither. Absence on either side is neutral. A match proves nothing.
 *
 * @see OWASP Session Management Cheat Sheet, Binding the Session ID to Other User Properties
 */
export function checkFingerprint(baseline: Fingerprint | null, observed: Fingerprint | null): FingerprintCheck {
  const reasons = (['browser', 'os'] as const).filter((feature) => {
    const before = baseline?.[feature] ?? null
    const after = observed?.[feature] ?? null
    return before !== null && after !== null && before !== after
  })
  return { changed: reasons.length > 0, reasons }
}
