import type { ReadOptions } from '../manager/ports.ts'

const ATTEMPTS = 8

/**
 * What `work` answers. Run again, at most seven times within 0.3 s of random pauses, while it fails with what `isTransient`
 * accepts: another transaction was in the way, and nothing was written.
 *
 * @throws what `work` threw last; the signal's reason as soon as nobody waits for the answer any more
 */
export async function retry<T>(
  work: () => T | PromiseLike<T>,
  isTransient: (error: unknown) => boolean,
  options?: ReadOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    options?.signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !isTransient(error)) throw error
    }
    await new Promise<void>((resolve) => {
      setTimeout(resolve, Math.random() * 2 ** attempt)
    })
  }
}
