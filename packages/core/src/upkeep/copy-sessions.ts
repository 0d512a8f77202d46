import { bears, remembers, type SessionRecord } from '../kernel/record.ts'
import type { ReadOptions, Scannable, SessionStore } from '../manager/ports.ts'

/** What {@link copySessions} did, in records. */
export interface CopyReport {
  /** Not there before. */
  readonly created: number
  /** There before in an older state. */
  readonly updated: number
  /** There in the same state, a later one or one of its own, and left as it was. */
  readonly kept: number
}

/** Options of {@link copySessions}. */
export interface CopyOptions extends ReadOptions {
  /** Most records on their way at a time; default 16. */
  readonly parallel?: number
}

/**
 * Copies every session from one store to another, while both are in use, as often as needed. Each record is compared and set:
 * what is there already gives way only to a later state of the same session, one that was made from it, or to its end. An
 * ended session stays ended, in whichever of the two it was. So a copy never undoes what was written to `to` (one that is more
 * than eight writes behind counts as the past of the other), and after it `to` has every session as it was in `from` when the
 * copy began, or later.
 *
 * One copy is never complete while others write to `from`. To move: copy; stop the processes that write to `from`; copy again,
 * which brings what has changed; start them on `to`, with the same `keys`. Nobody is signed out and nothing acknowledged is lost.
 * Started on `to` before the second copy, they would see sessions as they were, and of a session written on both sides what was
 * written to `from` since the first copy is lost. Copying once more later is harmless for `retainEnded`; then `to` forgets who
 * has signed out there, and `from` would bring them back.
 *
 * Rejects with the first error of a store; run it again.
 */
export async function copySessions(from: Scannable, to: SessionStore, options: CopyOptions = {}): Promise<CopyReport> {
  const { parallel = 16, signal } = options
  const counts = { created: 0, updated: 0, kept: 0 }
  const records = from.scan(signal === undefined ? {} : { signal })[Symbol.asyncIterator]()
  const failures: unknown[] = []
  const work = async (): Promise<void> => {
    while (failures.length === 0) {
      signal?.throwIfAborted()
      const next = await records.next()
      if (next.done === true) return
      counts[await bring(next.value, to)] += 1
    }
  }
  // All of them, so that nothing is written any more once the caller is told of a failure.
  await Promise.all(Array.from({ length: parallel }, () => work().catch((error: unknown) => failures.push(error))))
  await records.return?.()
  if (failures.length > 0) throw failures[0]
  return counts
}

/** Makes sure that `to` has this state of the session or a later one. */
async function bring(record: SessionRecord, to: SessionStore): Promise<keyof CopyReport> {
  if (await to.create(record)) return 'created'
  for (let current = await to.get(record.id); ; ) {
    if (current === null) {
      if (await to.create(record)) return 'created'
      current = await to.get(record.id)
      continue
    }
    if (current.revision === record.revision) {
      // Being seen is no write, and so has no revision.
      await to.touch(record.id, record.lastSeenAt, record.expiresAt)
      return 'kept'
    }
    if (!isLater(record, current)) return 'kept'
    const replaced = await to.replace(record, current.revision)
    if (replaced.ok) return 'updated'
    current = replaced.current
  }
}

function isLater(record: SessionRecord, current: SessionRecord): boolean {
  if (current.state === 'ended' || record.state === 'ended') return current.state !== 'ended'
  // Far ahead: whether it was made from the other is no longer to be seen.
  return bears(record, [current.revision]) || !remembers(record, current)
}
