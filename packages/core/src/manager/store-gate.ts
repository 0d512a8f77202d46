import { StoreAmbiguousError, StoreUnavailableError } from '../errors.ts'
import type { Engine } from './options.ts'
import type { ReadOptions } from './ports.ts'

/** How much time a load or a commit may still spend on the store. */
export class Budget {
  readonly #controller = new AbortController()
  readonly #timer: unknown

  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#controller.abort(), ms)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get spent(): boolean {
    return this.#controller.signal.aborted
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}

/** Runs `work` with a budget of `ms` for all its store calls together. */
export async function withBudget<T>(ms: number, work: (budget: Budget) => Promise<T>): Promise<T> {
  const budget = new Budget(ms)
  try {
    return await work(budget)
  } finally {
    budget.close()
  }
}

/** One store call, cut off at `storeTimeout` and at the end of the budget. What it throws is a {@link StoreUnavailableError}, or
 * the {@link StoreAmbiguousError} of a store that knows that a write was applied but not replicated. */
export async function callStore<T>(
  engine: Engine,
  budget: Budget,
  operation: string,
  call: (options: Required<ReadOptions>) => Promise<T>,
): Promise<T> {
  if (budget.spent) throw new StoreUnavailableError(`${operation}: no time left`)
  const controller = new AbortController()
  let timer: unknown
  let cutOff = (): void => {}
  const limit = new Promise<never>((_, reject) => {
    cutOff = () => {
      controller.abort()
      reject(new StoreUnavailableError(`${operation}: no answer in time`))
    }
    timer = setTimeout(cutOff, engine.storeTimeoutMs)
  })
  budget.signal.addEventListener('abort', cutOff)
  try {
    return await Promise.race([call({ signal: controller.signal }), limit])
  } catch (error) {
    if (isStoreFailure(error)) throw error
    throw new StoreUnavailableError(operation, { cause: error })
  } finally {
    clearTimeout(timer)
    budget.signal.removeEventListener('abort', cutOff)
  }
}

/** Whether the store is to blame. */
export function isStoreFailure(error: unknown): error is StoreUnavailableError | StoreAmbiguousError {
  return error instanceof StoreUnavailableError || error instanceof StoreAmbiguousError
}

/** Waits a short random while, so that processes that collided do not collide again in step. */
export async function backOff(engine: Engine, attempt: number): Promise<void> {
  const [byte = 0] = engine.random.bytes(1)
  const ms = Math.min(2 ** attempt, 32) * (byte / 255)
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })
}
