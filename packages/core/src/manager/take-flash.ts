import { SessionInterruptedError } from '../errors.ts'
import { type SessionRecord, writes } from '../kernel/record.ts'
import { rejudge } from '../kernel/rejudge.ts'
import { withDues } from './commit.ts'
import { checkKey, waitingIn, withoutFlashes } from './flash.ts'
import { reportFailure } from './load.ts'
import { type Budget, withBudget } from './store-gate.ts'
import { swap } from './swap.ts'
import type { Visit } from './visit.ts'

/**
 * Takes the messages under a key, at once and for good: whoever else takes them meanwhile gets none. A session that may not be
 * changed gives none, and keeps them. Nothing is written where there is nothing to take.
 */
export async function takeFlash(visit: Visit, key: string): Promise<unknown[]> {
  checkKey(key, 'takeFlash')
  const { shape } = visit.engine
  const record = takenFrom(visit)
  const stored = record === null || waitingIn(record.extra, key).length === 0 ? [] : await take(visit, record, key)
  const { flashes } = visit.pending
  visit.pending.flashes = flashes.filter((each) => each.key !== key)
  const own = flashes.filter((each) => each.key === key).map(({ text }) => text)
  return [...stored.map((value) => JSON.stringify(value)), ...own].map((text) => shape.decodeValue(text))
}

/** The stored session, unless it is locked or this request gives it up. */
function takenFrom({ record, pending, state, accepted }: Visit): SessionRecord | null {
  return pending.end !== null || state === 'locked' || accepted.locked ? null : record
}

async function take(visit: Visit, known: SessionRecord, key: string): Promise<unknown[]> {
  const { engine } = visit
  let taken: unknown[] = []
  const work = async (latest: SessionRecord | null, budget: Budget): Promise<SessionRecord> => {
    const from = latest !== null && writes(latest) > writes(known) ? latest : known
    const outcome = await swap(engine, budget, { from, build: (current) => withTaken(visit, current, key) })
    if (outcome.wrote !== null) {
      taken = waitingIn(outcome.from.extra, key)
      visit.record = outcome.wrote
      visit.due = { confirm: false, touch: false, rotate: visit.due.rotate }
    }
    return outcome.current
  }
  try {
    await withBudget(2 * engine.storeTimeoutMs, (budget) =>
      engine.queue.run(known.id, budget, (latest) => work(latest, budget)),
    )
  } catch (error) {
    if (error instanceof SessionInterruptedError) return [] // gone, and the messages with it
    reportFailure(engine, 'replace', known, true, error)
    throw error
  }
  return taken
}

/** The record without the messages; null where there are none any more, or they are no longer this request's to take. */
function withTaken(visit: Visit, current: SessionRecord, key: string): SessionRecord | null {
  const { engine, accepted } = visit
  if (waitingIn(current.extra, key).length === 0) return null
  if (rejudge(current, accepted, engine.policy, engine.clock.now()) !== null) return null
  return { ...withDues(visit, current, true), extra: withoutFlashes(current.extra, key) }
}
