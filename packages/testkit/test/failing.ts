import { vi } from 'vitest'
import type { Case, Closable } from '../src/index.ts'

/** Ids of the cases that fail. What hangs is waited for by a timer of the case; it is moved instead of waited for. */
export async function failing<Subject extends object>(
  cases: readonly Case<Subject>[],
  open: () => Closable<Subject> | Promise<Closable<Subject>>,
): Promise<string[]> {
  const failed: string[] = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: false })
  try {
    for (const { id, run } of cases) {
      const settled = Promise.resolve(open())
        .then(run)
        .then(
          () => true,
          () => failed.push(id),
        )
      while (!(await Promise.race([settled, breath()]))) await vi.advanceTimersByTimeAsync(1000)
    }
  } finally {
    vi.useRealTimers()
  }
  return failed
}

function breath(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)))
}
