import { StoreAmbiguousError, StoreUnavailableError } from '../errors.ts'
import type { Engine } from './engine.ts'
import type { WriteOptions } from './ports.ts'

/** How much time a load or a commit may still spend on the store. */
export class Budget {
  readonly #ms: number
  readonly #timer: ReturnType<typeof setTimeout>
  readonly #waiting = new Set<() => void>()
  #spent = false

  constructor(ms: number) {
    this.#ms = ms
    this.#timer = setTimeout(() => this.#end(), ms)
  }

  get spent(): boolean {
    return this.#spent
  }

  /** Calls `cutOff` once, after `ms` or when the budget is spent. Returns the function that calls it off. */
  limit(ms: number, cutOff: () => void): () => void {
    const end = (): void => {
      release()
      cutOff()
    }
    const timer = ms < this.#ms ? setTimeout(end, ms) : null
    const release = (): void => {
      if (timer !== null) clearTimeout(timer)
      this.#waiting.delete(end)
    }
    this.#waiting.add(end)
    return release
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #end(): void {
    this.#spent = true
    for (const cutOff of this.#waiting) cutOff()
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

/** Options of one store call. Few stores look at the signal, so it is made when they do. */
class CallOptions implements WriteOptions {
  declare readonly durability?: 'replicated'
  #controller: AbortController | null = null
  #aborted = false

  constructor(durability: 'replicated' | undefined) {
    if (durability !== undefined) this.durability = durability
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
  }
}

/**
 * One store call, cut off at `storeTimeout` and at the end of the budget. What it rejects with is a
 * {@link StoreUnavailableError}, or the {@link StoreAmbiguousError} of a store that applied a write but could not replicate it.
 */
export function callStore<T>(
  engine: Engine,
  budget: Budget,
  operation: string,
  call: (options: WriteOptions) => Promise<T>,
  durability?: 'replicated',
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const options = new CallOptions(durability)
    const release = budget.limit(engine.storeTimeoutMs, () => {
      options.abort()
      reject(new StoreUnavailableError(`${operation}: no answer in time`))
    })
    const fail = (error: unknown) => {
      release()
      reject(isStoreFailure(error) ? error : new StoreUnavailableError(operation, { cause: error }))
    }
    try {
      Promise.resolve(call(options)).then((value) => {
        release()
        resolve(value)
      }, fail)
    } catch (error) {
      fail(error)
    }
  })
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
