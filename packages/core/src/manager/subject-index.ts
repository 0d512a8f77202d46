import { StoreAmbiguousError, StoreUnavailableError } from '../errors.ts'
import { invalidate } from '../kernel/invalidate.ts'
import { issue } from '../kernel/issue.ts'
import type { EndedReason, SessionRecord } from '../kernel/record.ts'
import { endRecord } from './end.ts'
import type { Engine } from './engine.ts'
import type { ReadOptions, SessionStore, SubjectEntry, SubjectIndex } from './ports.ts'
import { type Budget, callStore, withBudget } from './store-gate.ts'
import { revisionRandom } from './swap.ts'

/** The store's index of subjects, or null if it has none. */
export function indexOf(store: SessionStore & Partial<SubjectIndex>): SubjectIndex | null {
  if (typeof store.listBySubject !== 'function' || typeof store.admit !== 'function') return null
  return store as SubjectIndex // both methods are there
}

/** Announced before this and not created, a session never will be: its commit has run out of time, whatever clock it went by. */
export function abandonedBefore({ storeTimeoutMs, policy }: Engine, now: number): number {
  return now - 2 * storeTimeoutMs - 2 * policy.clockSkewMs
}

/** The subject's sessions, each once; every answer of the store is due in time. */
export async function* entriesOf(
  engine: Engine,
  index: SubjectIndex,
  subject: string,
  at: number,
  budget?: Budget,
): AsyncGenerator<SubjectEntry> {
  const seen = new Set<string>()
  const open = (options: ReadOptions) => index.listBySubject(subject, abandonedBefore(engine, at), options)
  for await (const entry of inTime(engine, 'listBySubject', open, budget)) {
    if (!seen.has(entry.id)) yield entry
    seen.add(entry.id)
  }
}

/** What the store iterates over, with `storeTimeout` (and the budget, if there is one) for each step. */
export async function* inTime<T>(
  engine: Engine,
  operation: string,
  open: (options: ReadOptions) => AsyncIterable<T>,
  budget?: Budget,
): AsyncGenerator<T> {
  const over = new AbortController()
  let items: AsyncIterator<T> | null = null
  const next = (within: Budget) =>
    callStore(engine, within, operation, () => {
      items ??= open({ signal: over.signal })[Symbol.asyncIterator]()
      return items.next()
    })
  try {
    for (;;) {
      const step = await (budget === undefined ? withBudget(engine.storeTimeoutMs, next) : next(budget))
      if (step.done === true) return
      yield step.value
    }
  } finally {
    over.abort()
    close(items)
  }
}

/** Not waited for: a step that hangs would hold it up for ever. */
function close(items: AsyncIterator<unknown> | null): void {
  Promise.resolve(items?.return?.()).catch(() => {})
}

const LANES = 16

/** Runs `work` on every item, some at a time, whatever fails; what it failed with. */
export async function onEach<T>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<unknown>,
): Promise<unknown[]> {
  const failures: unknown[] = []
  const running = new Set<Promise<unknown>>()
  try {
    for await (const item of items) {
      const task: Promise<unknown> = work(item)
        .catch((error: unknown) => failures.push(error))
        .then(() => running.delete(task))
      running.add(task)
      if (running.size >= LANES) await Promise.race(running)
    }
  } finally {
    await Promise.all(running)
  }
  return failures
}

const ATTEMPTS = 3

/**
 * Ends an entry of the index; whether a session lived until now. One that is announced and not stored yet never will be: a
 * tombstone takes its place.
 */
export async function endEntry(
  engine: Engine,
  budget: Budget,
  entry: SubjectEntry,
  subject: string,
  reason: EndedReason,
): Promise<boolean> {
  let { record } = entry
  let failure: unknown
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (record !== null) return endRecord(engine, budget, record, reason)
    try {
      const stone = tombstone(engine, entry.id, subject, reason)
      if (await callStore(engine, budget, 'create', (options) => engine.store.create(stone, options), 'replicated')) {
        return false
      }
    } catch (error) {
      if (error instanceof StoreAmbiguousError || budget.spent) throw error
      failure = error
    }
    record = await callStore(engine, budget, 'get', (options) => engine.store.get(entry.id, options))
  }
  throw failure ?? new StoreUnavailableError('create: the store says there is a record of this id')
}

function tombstone(engine: Engine, id: string, subject: string, reason: EndedReason): SessionRecord {
  const now = engine.clock.now()
  const issued = issue({ id, random: revisionRandom(engine), subject }, engine.policy, now)
  return invalidate(issued, reason, engine.policy, now)
}
