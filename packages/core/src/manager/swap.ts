import { encodeBase64url } from '../crypto/base64url.ts'
import { InterruptedError, StoreAmbiguousError, StoreUnavailableError } from '../errors.ts'
import { bears, remembers, type SessionRecord, stamp } from '../kernel/record.ts'
import type { Engine } from './options.ts'
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
  /** The newest record seen. */
  readonly current: SessionRecord
}

const MAX_FAILURES = 2

/**
 * Writes by compare-and-set until it succeeds, `build` gives up, or the budget is spent. An answer that was lost is found by
 * reading again: our revision in the record means that the write was applied, and is never repeated.
 */
export async function swap(engine: Engine, budget: Budget, job: Swap): Promise<Swapped> {
  const tried: SessionRecord[] = []
  let current = job.from
  /** What the first write with an unknown outcome was based on. */
  let doubt: SessionRecord | null = null
  let failures = 0
  for (let attempt = 0; ; attempt += 1) {
    const landed = tried.find((record) => bears(current, [record.revision]))
    if (landed !== undefined) return { wrote: landed, current }
    if (doubt !== null && !remembers(current, doubt)) throw new StoreAmbiguousError()
    if (failures >= MAX_FAILURES) throw new StoreUnavailableError('replace')
    if (attempt > 1) await backOff(engine, attempt)
    const built = job.build(current)
    if (built === null) return { wrote: null, current }
    const next = stamp(built, revisionRandom(engine))
    tried.push(next)
    const answer = await attemptReplace(engine, budget, next, current, job.durability)
    if (answer === null) {
      failures += 1
      doubt ??= current
      current = await readAgain(engine, budget, current.id)
    } else if (answer.ok) {
      return { wrote: next, current: next }
    } else {
      current = present(answer.current)
    }
  }
}

/** Random part of a revision. */
export function revisionRandom(engine: Engine): string {
  return encodeBase64url(engine.random.bytes(9))
}

/** The store's answer, or null when it failed and the outcome is unknown. */
async function attemptReplace(
  engine: Engine,
  budget: Budget,
  next: SessionRecord,
  current: SessionRecord,
  durability: 'replicated' | undefined,
): Promise<Replaced | null> {
  try {
    return await callStore(
      engine,
      budget,
      'replace',
      (options) => engine.store.replace(next, current.revision, options),
      durability,
    )
  } catch (error) {
    if (error instanceof StoreAmbiguousError) throw error
    if (budget.spent) throw new StoreAmbiguousError({ cause: error })
    return null
  }
}

async function readAgain(engine: Engine, budget: Budget, id: string): Promise<SessionRecord> {
  try {
    return present(await callStore(engine, budget, 'get', (options) => engine.store.get(id, options)))
  } catch (error) {
    if (error instanceof InterruptedError) throw error
    throw new StoreAmbiguousError({ cause: error })
  }
}

/** A record that vanished (flushed, evicted) is over: its id is never written again. */
function present(record: SessionRecord | null): SessionRecord {
  if (record === null) throw new InterruptedError('ended', 'The session is gone from the store; nothing was saved.')
  return record
}
