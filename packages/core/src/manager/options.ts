import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Key } from '../crypto/keyring.ts'
import type { Codec, OnInvalid } from '../data/shape.ts'
import type { Duration } from './duration.ts'
import type { LimitOptions } from './limits.ts'
import type { Clock, Random, SessionStore } from './ports.ts'

/** What the session manager can be told; the transport's options are in `SessionsOptions`. */
export interface ManagerOptions<Data extends object> {
  /** Where sessions live. Required: there is no silent default. */
  readonly store: SessionStore
  /**
   * Secrets that sign tokens: the first signs, all verify. Required with a durable store; random per process otherwise.
   * To change keys, deploy the new one last everywhere, then move it first; drop the old one after one absolute timeout.
   */
  readonly keys?: Key | readonly Key[]
  /** Idle timeout, default `'30m'`; `false` for none. It may fire up to `touchEvery` early. @see OWASP ASVS 5.0 7.3.1 */
  readonly idle?: Duration | false
  /** Absolute timeout, default `'24h'`. Only signing in again makes a new one. @see OWASP ASVS 5.0 7.3.2 */
  readonly absolute?: Duration
  /** How often a signed-in session's token is replaced while it is used, default `'15m'`; `false` for never. */
  readonly rotateEvery?: Duration | false
  /** How long a replaced token keeps working once its successor was seen, default `'60s'`, at least 2 × clockSkew + storeTimeout. */
  readonly overlap?: Duration
  /** Activity is written down at most this often, default a thirtieth of `idle` (15 minutes without one). */
  readonly touchEvery?: Duration
  /** How far the clocks of your processes may disagree, default `'5s'`. */
  readonly clockSkew?: Duration
  /** How long the reason of an ended session is remembered, default `'24h'`. */
  readonly retainEnded?: Duration
  /** How long one store call may take, default `'2s'`. A commit takes at most twice that. */
  readonly storeTimeout?: Duration
  /** What idling does to a signed-in session: end it (default), or lock it until one reauthentication. @see NIST SP 800-63B-4 §2.2.3 */
  readonly onIdle?: 'end' | 'lock'
  /** What a changed browser family or operating system does: nothing, an event (default), an event and a lock, or an end. */
  readonly fingerprint?: 'off' | 'observe' | 'lock' | 'end'
  /**
   * Keep IP address and User-Agent of the sign-in as a label for lists of sessions, default false. Lists name it like "Firefox
   * on Windows", or as `describe` does.
   */
  readonly device?: boolean | DeviceOptions
  /** How many sessions a subject may have at a time, default any number. Needs a store that is a `SubjectIndex`, as ours are. */
  readonly limit?: LimitOptions
  /** Keys of the data that survive a sign-in, default none. */
  readonly carry?: readonly NoInfer<keyof Data & string>[]
  /** When a request cannot load its session: `'fail'` with a 503 (default), or go on as a read-only `'anonymous'` stand-in. */
  readonly onStoreError?: 'fail' | 'anonymous'
  /** Two requests plainly assigned the same key: the later one wins (default, an event), or gets an `SessionInterruptedError`. */
  readonly onOverwrite?: 'event' | 'throw'
  /** A response of 500 and above: drop data, sign-in and reauthentication (default), or `'keep'` them. */
  readonly onServerError?: 'drop' | 'keep'
  /** Any Standard Schema (zod, valibot, arktype …) that data must fit, synchronously. */
  readonly schema?: StandardSchemaV1<unknown, Data>
  /** What to do with stored data that does not fit the schema, default `'throw'` where it is read. */
  readonly onInvalid?: OnInvalid
  /** Version of the data's shape; older data goes through `migrate` when it is read. */
  readonly version?: number
  readonly migrate?: (data: Record<string, unknown>, from: number) => Record<string, unknown>
  /** How values become text, default JSON. */
  readonly codec?: Codec
  readonly clock?: Clock
  readonly random?: Random
}

/** How lists of sessions name a device. */
export interface DeviceOptions {
  /** A name for the client with this User-Agent (at most 512 characters), or null if it cannot be told. */
  readonly describe: (userAgent: string) => string | null
}
