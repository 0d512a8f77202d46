import { encodeBase64url } from '../crypto/base64url.ts'
import { SessionInterruptedError, StoreAmbiguousError, StoreUnavailableError } from '../errors.ts'
import { bears, remembers, type SessionRecord, stamp } from '../kernel/record.ts'
import type { Engine } from './engine.ts'
import type { Replaced } from './ports.ts'
import { type Budget, backOff, callStore } from './store-gate.ts'

/** One compare-and-set to carry through, whatever answers are lost and whoever writes meanwhile. */
export interface Swap {
  /** What is believed to be stored. */
  readonly from: SessionRecord
  /** The next record from the current one; null if there is nothing to write. Throws to give up. */
  build(current: SessionRecord): SessionRecord | null
  readonly durability?: 'replicated'
}

/** What came of it: our record as written, and what was there when we last looked. */
export interface Swapped {
  /** The record this swap wrote, or null when there was nothing to write. */
  readonly wrote: SessionRecord | null
  /** What it was made from. */
  readonly from: SessionRecord
  /** The newest record seen. */
  readonly current: SessionRecord
}

const MAX_FAILURES = 2

/**
 * Writes by compare-and-set until it succeeds, `build` gives up, or the budget is spent. An answer that was lost is found by
 * reading again: our revision in the record means that the write was applied, and is never repeated. Whether it was replicated
 * too is not to be read: where that was asked for, the record is written once more as it is, and that answer counts for both.
 */
export async function swap(engine: Engine, budget: Budget, job: Swap): Promise<Swapped> {
  const tried: { readonly wrote: SessionRecord; readonly from: SessionRecord }[] = []
  let current = job.from
  /** The first write whose outcome is unknown. */
  let doubt: { readonly base: SessionRecord; readonly error: unknown } | null = null
  let failures = 0
  for (let attempt = 0; ; attempt += 1) {
    const landed = tried.find(({ wrote }) => bears(current, [wrote.revision]))
    if (landed !== undefined && job.durability === undefined) return { ...landed, current }
    if (doubt !== null && !remembers(current, doubt.base)) throw new StoreAmbiguousError({ cause: doubt.error })
    if (waits(attempt, job)) await backOff(engine, attempt)
    if (failures >= MAX_FAILURES || budget.spent) throw verdict(doubt?.error, landed !== undefined)
    const built = landed === undefined ? job.build(current) : current
    if (built === null) return { wrote: null, from: current, current }
    const next = stamp(built, revisionRandom(engine))
    tried.push({ wrote: next, from: current })
    const answer = await attemptReplace(engine, budget, next, current, job.durability)
    if (answer instanceof StoreUnavailableError) {
      if (budget.spent) throw verdict(answer, landed !== undefined)
      failures += 1
      doubt ??= { base: current, error: answer }
      current = await readAgain(engine, budget, current.id)
    } else if (answer.ok) {
      return { wrote: next, from: current, ...landed, current: next }
    } else {
      current = present(answer.current)
    }
  }
}

/**
 * Every other attempt waits, for what a conflict brought is stale after a pause: the next one follows at once. Endings and
 * hard rotations never wait, or steady writers in other processes could keep a sign-out from happening.
 */
function waits(attempt: number, { durability }: Swap): boolean {
  return attempt > 0 && attempt % 2 === 0 && durability === undefined
}

/**
 * Gave up. A write that was never answered may still land, one that `landed` may not be replicated; one that the store refused
 * has not been seen when read again.
 */
function verdict(error: unknown, landed: boolean): StoreUnavailableError | StoreAmbiguousError {
  const unanswered = error instanceof StoreUnavailableError && error.cause === undefined
  return unanswered || landed
    ? new StoreAmbiguousError({ cause: error })
    : new StoreUnavailableError('replace', { cause: error })
}

/** Random part of a revision. */
export function revisionRandom(engine: Engine): string {
  return encodeBase64url(engine.random.bytes(9))
}

/** The store's answer, or the error when it failed and the outcome is unknown. */
async function attemptReplace(
  engine: Engine,
  budget: Budget,
  next: SessionRecord,
  current: SessionRecord,
  durability: 'replicated' | undefined,
): Promise<Replaced | StoreUnavailableError> {
  try {
    return await callStore(
      engine,
      budget,
      'replace',
      (options) => engine.store.replace(next, current.revision, options),
      durability,
    )
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error
    return error
  }
}

async function readAgain(engine: Engine, budget: Budget, id: string): Promise<SessionRecord> {
  try {
    return present(await callStore(engine, budget, 'get', (options) => engine.store.get(id, options)))
  } catch (error) {
    if (error instanceof SessionInterruptedError) throw error
    throw new StoreAmbiguousError({ cause: error })
  }
}

/** A record that vanished (flushed, evicted) is over: its id is never written again. */
function present(record: SessionRecord | null): SessionRecord {
  if (record === null)
    throw new SessionInterruptedError('ended', 'The session is gone from the store; nothing was saved.')
  return record
}
