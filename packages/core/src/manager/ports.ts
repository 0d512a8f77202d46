import type { SessionRecord } from '../kernel/record.ts'

/** Where time comes from. The default is `Date.now`; tests hand in a clock they can move. */
export interface Clock {
  /** The current instant: integer milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
}

/** Where randomness comes from. The default is `crypto.getRandomValues`. */
export interface Random {
  /** `size` bytes from a cryptographically secure generator. */
  bytes(size: number): Uint8Array
}

/** What the manager asks of one read. */
export interface ReadOptions {
  /** Aborted when the answer is no longer waited for. */
  readonly signal?: AbortSignal
}

/** What the manager asks of one write. A store that wraps another passes the object on as it is. */
export interface WriteOptions extends ReadOptions {
  /**
   * `'replicated'`: acknowledge only when the write would survive a failover. Asked for endings, hard rotations and
   * sign-ins; a store that cannot promise it ignores it and says so in its documentation.
   */
  readonly durability?: 'replicated'
}

/** Outcome of {@link SessionStore.replace}. A conflict carries the record that is there now, or null if there is none. */
export type Replaced = { readonly ok: true } | { readonly ok: false; readonly current: SessionRecord | null }

/**
 * What a session store promises. Records go in and come out plain and independent: changing one after the call changes
 * nothing stored. A rejected promise means that the system failed, never that something was not found. The store sees no
 * token and no sid, and takes every instant as an argument. `@sess/testkit` checks all of it.
 */
export interface SessionStore {
  /** Whether records outlive this process. If true, `createSessions()` demands `keys`. */
  readonly durable: boolean
  /** The record under `id`, from the primary; `null` if there is none. May return records past `expiresAt`. */
  get(id: string, options?: ReadOptions): Promise<SessionRecord | null>
  /** Stores the record only if there is none under its id; whether it did. */
  create(record: SessionRecord, options?: WriteOptions): Promise<boolean>
  /**
   * Atomic compare-and-set: stores `record` only if the stored revision equals `expected`. Never creates. Keeps the greater
   * `lastSeenAt`, and the greater `expiresAt` unless `record.state` is `'ended'`.
   */
  replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced>
  /**
   * Moves `lastSeenAt` and `expiresAt` forward (the greater of old and new), if the record is there and not ended; whether
   * it was. Changes neither revision nor data, and never creates.
   */
  touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean>
}

/** A bounded store that may have to drop live sessions. It says so here; `createSessions()` turns it into an `evicted` event. */
export interface Evicting {
  /** Calls `listener` with the handle of each live session dropped for room. Returns the function that unsubscribes. */
  onEvict(listener: (handle: string) => void): () => void
}

/** How to prune. */
export interface PruneOptions {
  /** Remove nothing, and answer 0, while another caller with this option is at it, in whatever process. A store that cannot tell ignores it. */
  readonly exclusive?: boolean
}

/** A store that does not drop expired records by itself: `autoPrune()` calls this now and then, never inside a request. */
export interface Prunable {
  /**
   * Removes at most `limit` records whose `expiresAt` has come (`now >= expiresAt`); how many it removed. Fewer than
   * `limit`: there is nothing more to do for now. Several callers at a time share the work.
   */
  prune(now: number, limit: number, options?: PruneOptions): Promise<number>
}

/** A store whose records can be gone through, for `copySessions()`. Slow: never for requests. */
export interface Scannable {
  /**
   * Every record that is there from the beginning of the scan to its end, in no order; one that comes, goes or changes
   * meanwhile may be there or not, in any of its states, and any record may come twice.
   */
  scan(options?: ReadOptions): AsyncIterable<SessionRecord>
}

/** The system clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** The platform's CSPRNG (Web Crypto, which every supported runtime has). */
export const systemRandom: Random = {
  bytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
}
