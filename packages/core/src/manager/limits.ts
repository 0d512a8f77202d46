import { ConfigError, LimitError } from '../errors.ts'
import type { Authentication, SessionRecord } from '../kernel/record.ts'
import { standing } from '../kernel/transition.ts'
import { createRecord } from './create.ts'
import { display, oneOf } from './duration.ts'
import { endRecord } from './end.ts'
import type { Engine } from './engine.ts'
import type { Admission, Admitted, SessionStore, SubjectIndex } from './ports.ts'
import { type Budget, callStore } from './store-gate.ts'
import { abandonedBefore, endEntry, entriesOf, indexOf, onEach } from './subject-index.ts'

/** How many sessions a subject may have at a time, and what a sign-in does that is one too many. */
export interface LimitOptions {
  /**
   * How many may live, the new one included: a whole number from 1, or `Infinity`. A function is asked at each sign-in;
   * what it throws fails the sign-in.
   */
  readonly perSubject: number | ((subject: string, session: NewSession) => number)
  /**
   * Whose session ends: the one signed in first (default), the one not used for longest, or (`'reject'`) nobody's, and the
   * sign-in fails with a `LimitError`.
   */
  readonly onExceed?: 'evict-oldest' | 'evict-idle' | 'reject'
}

/** What a limit can depend on: how the new session was signed in. */
export interface NewSession {
  readonly methods: readonly string[]
  readonly level: number | null
  readonly persistent: boolean
}

/** The `limit` option, checked, and the store's index that it needs. */
export interface Limit {
  readonly index: SubjectIndex
  readonly perSubject: LimitOptions['perSubject']
  readonly onExceed: NonNullable<LimitOptions['onExceed']>
}

/** Checks the `limit` option. */
export function readLimit(options: LimitOptions | undefined, store: SessionStore): Limit | null {
  if (options === undefined) return null
  const { perSubject, onExceed, ...others } = Object(options) as LimitOptions
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new ConfigError(`\`limit.${unknown}\` does not exist; there are perSubject, onExceed.`)
  if (typeof perSubject !== 'function') checkCount(perSubject, '`limit.perSubject`')
  const index = indexOf(store)
  if (index === null) {
    throw new ConfigError(
      '`limit` needs a store that knows the sessions of a subject: listBySubject() and admit() are missing. memoryStore() and the @sess/store-* packages have them.',
    )
  }
  return { index, perSubject, onExceed: oneOf(onExceed, ['evict-oldest', 'evict-idle', 'reject'], 'limit.onExceed') }
}

function checkCount(count: unknown, name: string): asserts count is number {
  if (count === Number.POSITIVE_INFINITY || (Number.isSafeInteger(count) && Number(count) >= 1)) return
  const is = typeof count === 'number' ? String(count) : display(count)
  throw new ConfigError(`${name} is ${is}; use a whole number from 1, or Infinity for no limit.`)
}

/**
 * Stores the session of a sign-in, within the limit if there is one. Somebody who acts as the subject is not one of its
 * sessions. Sign-ins of one subject queue within a process, or most of them would be ended before they are stored.
 *
 * @param replaced the session that the sign-in takes over from; it does not count
 */
export async function storeSignedIn(
  engine: Engine,
  budget: Budget,
  issued: SessionRecord,
  replaced: SessionRecord | null,
): Promise<void> {
  const { limit } = engine
  const max = limit === null || issued.actor !== null ? Number.POSITIVE_INFINITY : countFor(limit, issued)
  if (limit === null || max === Number.POSITIVE_INFINITY) return createRecord(engine, budget, issued, 'replicated')
  // No handle has a space in it, so this line is no session's.
  await engine.queue.run(`subject ${issued.subject}`, budget, async () => {
    await makeRoom(engine, budget, { issued, replaced, limit, max })
    await createRecord(engine, budget, issued, 'replicated')
    return issued
  })
}

/** A session that wants to be one of the subject's `max`. */
interface Newcomer {
  readonly issued: SessionRecord
  readonly replaced: SessionRecord | null
  readonly limit: Limit
  readonly max: number
}

/**
 * What has expired is ended, so that no slow request revives it; the store decides, atomically, who has to go; and they end
 * before the new one begins.
 */
async function makeRoom(engine: Engine, budget: Budget, { issued, replaced, limit, max }: Newcomer): Promise<void> {
  const at = engine.clock.now()
  const subject = issued.subject as string // nobody else signs in
  const seats = await survey(engine, limit, subject, at, budget)
  await endThem(seats.expired, (record) => endRecord(engine, budget, record, 'evicted'))
  const uncounted = [...seats.free, ...seats.expired.map(({ id }) => id)]
  const { ok, evicted } = await admit(engine, limit, budget, {
    subject,
    id: issued.id,
    at,
    deadline: issued.absoluteAt,
    abandonedBefore: abandonedBefore(engine, at),
    limit: max,
    uncounted: replaced === null ? uncounted : [...uncounted, replaced.id],
    victims: victims(limit, seats.taken),
  })
  const leaving = evicted.map((id) => ({ id, record: seats.taken.find((record) => record.id === id) ?? null }))
  await endThem(leaving, (entry) => endEntry(engine, budget, entry, subject, 'evicted'))
  if (ok) return
  engine.hub.emit({ type: 'limit-exceeded', at, handle: null, subject, limit: max })
  throw new LimitError(max)
}

function countFor({ perSubject }: Limit, { subject, auth, persistent }: SessionRecord): number {
  if (typeof perSubject === 'number') return perSubject
  const { methods, level } = auth as Authentication // every sign-in has one
  const count = perSubject(subject as string, { methods, level, persistent })
  checkCount(count, 'What `limit.perSubject` gave')
  return count
}

/** A subject's sessions, as far as they matter to a limit. */
interface Seats {
  readonly taken: SessionRecord[]
  /** Past a deadline, and not ended yet. */
  readonly expired: SessionRecord[]
  /** Handles of those that do not count. */
  readonly free: string[]
}

async function survey(engine: Engine, { index }: Limit, subject: string, at: number, budget: Budget): Promise<Seats> {
  const seats: Seats = { taken: [], expired: [], free: [] }
  for await (const { id, record } of entriesOf(engine, index, subject, at, budget)) {
    if (record === null) continue // the store counts what was announced, and nobody knows more about it
    const stands = standing(record, engine.policy, at)
    if (stands === 'ended' || record.actor !== null) seats.free.push(id)
    else if (stands === 'expired') seats.expired.push(record)
    else seats.taken.push(record)
  }
  return seats
}

function victims({ onExceed }: Limit, taken: readonly SessionRecord[]): readonly string[] | null {
  if (onExceed === 'reject') return null
  const since = onExceed === 'evict-oldest' ? 'createdAt' : 'lastSeenAt'
  return taken.toSorted((one, other) => one[since] - other[since]).map(({ id }) => id)
}

/** Asking again for the same session is safe, so a lost answer is simply asked for again. */
async function admit(engine: Engine, { index }: Limit, budget: Budget, admission: Admission): Promise<Admitted> {
  const ask = () => callStore(engine, budget, 'admit', (options) => index.admit(admission, options), 'replicated')
  try {
    return await ask()
  } catch (error) {
    if (budget.spent) throw error
    return ask()
  }
}

async function endThem<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const [failure] = await onEach(items, work)
  if (failure !== undefined) throw failure
}
