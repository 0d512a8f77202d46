export { Sessions, createSessions } from './http/sessions.ts'
export type { SessionsOptions } from './http/sessions.ts'
export { Session } from './manager/session.ts'
export type { DefaultData, SessionData, SignIn } from './manager/session.ts'
export type { EndAllOptions, EndOptions, ListedSession, ListOptions } from './manager/accounts.ts'
export type { LimitOptions, NewSession } from './manager/limits.ts'
export type { DeviceOptions } from './manager/options.ts'
export type { Reauthentication } from './manager/intents.ts'
export type { ActOptions } from './manager/acting.ts'
export type { Freshness, FreshnessOptions } from './manager/freshness.ts'
export type { PersistentOptions } from './manager/options.ts'
export { memoryStore } from './memory/memory-store.ts'
export type { MemoryStore, MemoryStoreOptions } from './memory/memory-store.ts'
export { autoPrune } from './upkeep/auto-prune.ts'
export type { AutoPruneOptions } from './upkeep/auto-prune.ts'
export { copySessions } from './upkeep/copy-sessions.ts'
export type { CopyOptions, CopyReport } from './upkeep/copy-sessions.ts'
export type { CookieOptions } from './http/cookie.ts'
export type { CsrfOptions, CsrfProfile } from './http/csrf/options.ts'
export { hsts } from './http/hsts.ts'
export type { HstsOptions } from './http/hsts.ts'
export type { SiteData } from './http/clear-site-data.ts'
export type { Transport } from './http/carrier.ts'
export type { CryptographyUse, DescribedCookie, Description, Span } from './http/describe.ts'
export type { Deviation } from './http/deviations.ts'
export type { GuessingOptions } from './http/guessing.ts'
export type { HeaderSource, RequestFacts } from './http/facts.ts'
export type { Duration } from './manager/duration.ts'
export type { FingerprintOptions, Locate, NetworkInfo, OwnSignal } from './manager/fingerprint-options.ts'
export type { Key } from './crypto/keyring.ts'
export type { Codec, OnInvalid } from './data/shape.ts'
export type { Previous, Refused } from './manager/load.ts'
export { SessionEndedError } from './manager/ending.ts'
export type { Ending, EndingReason } from './manager/ending.ts'
export type { OnEndedOptions } from './manager/live.ts'
export type { EventsOptions, StreamedEvent } from './manager/event-stream.ts'
export type {
  ActivityEventType,
  HeardEvent,
  SessEvent,
  SessionEventListener,
  SessionEventType,
  SessionEvents,
} from './manager/events.ts'
export type { Preset, Shortfall } from './manager/presets.ts'
export { systemClock, systemRandom } from './manager/ports.ts'
export type {
  Admission,
  Admitted,
  Clock,
  EndingsFeed,
  Evicting,
  Prunable,
  PruneOptions,
  Random,
  ReadOptions,
  Replaced,
  Scannable,
  SessionStore,
  SubjectEntry,
  SubjectIndex,
  WriteOptions,
} from './manager/ports.ts'
export type { Actor, Authentication, Device, EndedReason, Fingerprint, SessionRecord } from './kernel/record.ts'
export type { Proof } from './kernel/reauthenticate.ts'
export type { Expiry } from './kernel/expire.ts'
export {
  ConfigError,
  CookieTooLargeError,
  CsrfError,
  HeadersSentError,
  InsecureError,
  LimitError,
  SessionInterruptedError,
  NotMountedError,
  SessError,
  StoreAmbiguousError,
  StoreUnavailableError,
  UseDataError,
  ValueError,
} from './errors.ts'
export type { InterruptedReason, SessErrorCode, SessErrorStatus } from './errors.ts'
export { FreshnessError } from './errors/freshness-error.ts'
export type { FreshnessDemand, FreshnessProblem, FreshnessReason } from './errors/freshness-error.ts'
