import { StoreUnavailableError } from '../errors.ts'
import type { SessionRecord } from '../kernel/record.ts'
import type { Budget } from './store-gate.ts'

interface Line {
  tail: Promise<void>
  waiting: number
  latest: SessionRecord | null
}

/**
 * Commits of one session queue within a process, and each learns from the one before what is stored now. So parallel
 * requests of one browser do not fight over revisions; other processes do, and are told by the store.
 */
export class CommitQueue {
  readonly #lines = new Map<string, Line>()

  /**
   * Runs `work` after all earlier work on `id`. It gets the newest record known to be stored, and returns the one it left
   * behind. Once the budget is spent, waiting ends with a {@link StoreUnavailableError}.
   */
  async run(id: string, budget: Budget, work: (latest: SessionRecord | null) => Promise<SessionRecord>): Promise<void> {
    const line = this.#lines.get(id) ?? { tail: Promise.resolve(), waiting: 0, latest: null }
    this.#lines.set(id, line)
    line.waiting += 1
    const before = line.tail
    let leave = (): void => {}
    const done = new Promise<void>((resolve) => {
      leave = resolve
    })
    line.tail = before.then(() => done)
    try {
      if (line.waiting > 1) await inTime(before, budget)
      const { latest } = line
      line.latest = null
      line.latest = await work(latest)
    } finally {
      leave()
      line.waiting -= 1
      if (line.waiting === 0) this.#lines.delete(id)
    }
  }
}

function inTime(turn: Promise<void>, budget: Budget): Promise<void> {
  return new Promise((resolve, reject) => {
    const release = budget.limit(Number.POSITIVE_INFINITY, () => {
      reject(new StoreUnavailableError('commit: no time left'))
    })
    turn.then(() => {
      release()
      resolve()
    })
  })
}
