export { transition, grid, standing } from './kernel/transition.ts'
export type { Effect, Refusal, SessionEvent, Standing, Transition } from './kernel/transition.ts'
export { issue } from './kernel/issue.ts'
export type { IssueInput } from './kernel/issue.ts'
export { present, tokenRow } from './kernel/present.ts'
export type { Presentation, Presented, TokenRow } from './kernel/present.ts'
export { touch } from './kernel/touch.ts'
export { rotate } from './kernel/rotate.ts'
export { reauthenticate } from './kernel/reauthenticate.ts'
export type { Proof } from './kernel/reauthenticate.ts'
export { expire, idleDeadline, isLocked, discardAt } from './kernel/expire.ts'
export type { Expiry } from './kernel/expire.ts'
export { invalidate } from './kernel/invalidate.ts'
export { rejudge } from './kernel/rejudge.ts'
export type { Accepted } from './kernel/rejudge.ts'
export { checkFingerprint } from './kernel/fingerprint.ts'
export type { FingerprintCheck } from './kernel/fingerprint.ts'
export { bears, remembers, stamp, writes } from './kernel/record.ts'
export type {
  Actor,
  Authentication,
  Device,
  EndedReason,
  Fingerprint,
  RotationKind,
  SessionRecord,
  SessionState,
} from './kernel/record.ts'
export { defaultPolicy } from './kernel/policy.ts'
export type { Policy } from './kernel/policy.ts'
