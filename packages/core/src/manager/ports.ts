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
   * `limit`: there is nothing more to do for now. Several callers at a time share the work. A store may keep records longer,
   * but not beyond their absolute deadline by more than `retainEnded`.
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

/** One session of a subject, as the index knows it. */
export interface SubjectEntry {
  /** The session's handle. */
  readonly id: string
  /** The record as it is in the store now, ended ones included; `null` for a session that was announced and is not created yet. */
  readonly record: SessionRecord | null
}

/** What {@link SubjectIndex.admit} is asked: room for one more session of a subject. */
export interface Admission {
  readonly subject: string
  /** Handle of the session that is about to be created. Asking again for one that was admitted changes nothing and gets the same answer. */
  readonly id: string
  /** Now, in ms. Sessions with an absolute deadline at or before it do not count, and may be forgotten. */
  readonly at: number
  /** Absolute deadline of the new session, in ms. */
  readonly deadline: number
  /**
   * Sessions announced before this instant whose record never came (a crash between the two) do not count, if they have been
   * listed with the same instant before; a store may find them without.
   */
  readonly abandonedBefore: number
  /** How many sessions may live, the new one included; at least 1. */
  readonly limit: number
  /**
   * Handles that do not count, and are not marked: the session being replaced, and those listed as ended or past a deadline.
   * Those of nobody are ignored.
   */
  readonly uncounted: readonly string[]
  /**
   * Who has to go for room, first to go first; sessions it does not name go after these, in the order of their admission (of
   * `at`, or of `createdAt` if there was none). Handles of other subjects, of nobody and of the new session are ignored.
   * `null`: nobody has to go. If there is no room, the new session is refused and nothing changes.
   */
  readonly victims: readonly string[] | null
}

/** The answer to an {@link Admission}. */
export interface Admitted {
  readonly ok: boolean
  /**
   * Every session of the subject that is marked as having to go, in no order, those marked by earlier admissions included, as
   * long as it has not been ended. End them all before creating the new one.
   */
  readonly evicted: readonly string[]
}

/**
 * A store that finds the sessions of one subject. Every session with a subject is found from the moment `create()` has
 * answered until it has ended or its absolute deadline has passed. Subjects are any text that the store can keep, and equal
 * only if each character is.
 */
export interface SubjectIndex {
  /**
   * The subject's sessions in no order, each once if nothing changes meanwhile; ended ones may be left out, and announced ones
   * are there without a record until they are created. What was announced before `abandonedBefore` (ms) and never created may
   * be forgotten; if it is created after all, it is found again.
   */
  listBySubject(subject: string, abandonedBefore: number, options?: ReadOptions): AsyncIterable<SubjectEntry>
  /**
   * Atomic: announces the new session if, or as soon as, no more than `limit` of the subject's unmarked sessions, itself
   * included, are left. However many ask at a time in however many processes, never more than `limit` stay unmarked. A marked
   * session does not count, and stays marked until it has ended, by `replace()` or by the `create()` of its tombstone.
   * Announcing is what keeps the room; `create()` then fills it.
   */
  admit(admission: Admission, options?: WriteOptions): Promise<Admitted>
}

/** A store that tells when sessions end, in whatever process; without one, live endings are found by reading now and then. */
export interface EndingsFeed {
  /**
   * Calls `listener` with the handle of each session that is ended in this storage, in whatever process, by `replace()` or by
   * the `create()` of a tombstone: within a second, from the moment the subscription stands (a second, too) and while the
   * connection holds. Handles that another storage ended may come too, those of sessions that live never. What a listener
   * throws goes no further. Returns the function that unsubscribes. A lost connection loses what was said meanwhile.
   */
  onEnding(listener: (handle: string) => void): () => void
}

/** The system clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** The platform's CSPRNG (Web Crypto, which every supported runtime has). */
export const systemRandom: Random = {
  bytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
}
