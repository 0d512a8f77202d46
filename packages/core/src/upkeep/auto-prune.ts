import { ConfigError } from '../errors.ts'
import { type Duration, readDuration } from '../manager/duration.ts'
import { type Clock, type Prunable, systemClock } from '../manager/ports.ts'
import { letGo } from '../manager/timers.ts'

/** Options of {@link autoPrune}. */
export interface AutoPruneOptions {
  /**
   * How long to pause between two rounds, on average, one minute to two weeks: each pause lasts three to five quarters of it.
   * The first one lasts anything up to it, so that processes that start together do not prune together.
   */
  readonly every: Duration
  /** Most records removed by one call; default 500. A round goes on until a call removes fewer. */
  readonly batch?: number
  /** Told when a call failed. The round is over then; the next one comes as usual. Default: a line on the console. */
  readonly onError?: (error: unknown) => void
  /** Where the instants for the store come from; default `Date.now`. */
  readonly clock?: Clock
}

const MINUTE_MS = 60_000
/** Five quarters of it still fit a timer, which takes 31 bits. */
const LONGEST_MS = 14 * 24 * 60 * MINUTE_MS

/**
 * Prunes a store now and then, outside requests, for as long as the process runs; it does not keep the process running. Any
 * number of processes may do so: where the store can tell, one of them prunes at a time. Returns the function that stops it,
 * which resolves when nothing of it is under way: after that the connection may be closed.
 *
 * Where timers do not outlive a request (Workers), call `store.prune()` on a schedule of the platform.
 *
 * @throws ConfigError when an option cannot work
 */
export function autoPrune(store: Prunable, options: AutoPruneOptions): () => Promise<void> {
  const { batch = 500, onError = report, clock = systemClock } = options
  const everyMs = readDuration(options.every, 'every')
  if (typeof store?.prune !== 'function') {
    throw new ConfigError(
      'autoPrune: this store has no prune(). Redis and the memory store drop expired records by themselves.',
    )
  }
  if (everyMs < MINUTE_MS || everyMs > LONGEST_MS) throw new ConfigError('autoPrune: `every` must be 1m to 14d.')
  if (!Number.isSafeInteger(batch) || batch < 1) throw new ConfigError('autoPrune: `batch` must be a positive integer.')
  let stopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let round: Promise<void> = Promise.resolve()

  const prune = async (): Promise<void> => {
    let removed = batch
    while (!stopped && removed >= batch) removed = await store.prune(clock.now(), batch, { exclusive: true })
  }
  const pause = (ms: number): void => {
    timer = setTimeout(() => {
      round = prune()
        .catch(onError)
        .finally(() => stopped || pause(everyMs * (0.75 + Math.random() / 2)))
    }, ms)
    letGo(timer)
  }
  pause(everyMs * Math.random())
  return () => {
    stopped = true
    clearTimeout(timer)
    return round
  }
}

function report(error: unknown): void {
  console.error('sess: pruning the store failed', error)
}
