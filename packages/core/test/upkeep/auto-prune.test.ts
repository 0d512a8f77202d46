import { type AutoPruneOptions, autoPrune, ConfigError, type Prunable, type PruneOptions } from '@sess/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const HOUR = 3_600_000

/** Expired records that can be pruned, and what was asked. */
class Pile implements Prunable {
  readonly calls: [now: number, limit: number, options: PruneOptions | undefined][] = []
  left: number
  gate: Promise<void> = Promise.resolve()

  constructor(left: number) {
    this.left = left
  }

  async prune(now: number, limit: number, options?: PruneOptions): Promise<number> {
    this.calls.push([now, limit, options])
    await this.gate
    const removed = Math.min(limit, this.left)
    this.left -= removed
    return removed
  }
}

describe('autoPrune', () => {
  const stops: (() => Promise<void>)[] = []
  beforeEach(() => void vi.useFakeTimers())
  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  function begin(store: Prunable, options: Partial<AutoPruneOptions> = {}): () => Promise<void> {
    const stop = autoPrune(store, { every: '1h', ...options })
    stops.push(stop)
    return stop
  }

  it('removes in batches until one is not full, as the only one and by the given clock', async () => {
    const pile = new Pile(25)
    begin(pile, { batch: 10, clock: { now: () => 7 } })
    await vi.advanceTimersByTimeAsync(HOUR)
    expect(pile.left).toBe(0)
    expect(pile.calls).toEqual(Array(3).fill([7, 10, { exclusive: true }]))
  })

  it('does nothing at once, and pauses three to five quarters of `every`', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const pile = new Pile(0)
    begin(pile)
    await vi.advanceTimersByTimeAsync(HOUR / 2 - 1)
    expect(pile.calls).toHaveLength(0)
    random.mockReturnValue(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(pile.calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(0.75 * HOUR - 1)
    expect(pile.calls).toHaveLength(1)
    random.mockReturnValue(0.999_999)
    await vi.advanceTimersByTimeAsync(1)
    expect(pile.calls).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1.24 * HOUR)
    expect(pile.calls).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(0.01 * HOUR)
    expect(pile.calls).toHaveLength(3)
  })

  it('does not begin a round while one is running', async () => {
    const pile = new Pile(0)
    let open: () => void = () => {}
    pile.gate = new Promise((resolve) => {
      open = resolve
    })
    begin(pile)
    await vi.advanceTimersByTimeAsync(10 * HOUR)
    expect(pile.calls).toHaveLength(1)
    open()
  })

  it('tells of a failure, and comes again', async () => {
    const pile = new Pile(5)
    const failure = new Error('down')
    vi.spyOn(pile, 'prune').mockRejectedValueOnce(failure)
    const onError = vi.fn()
    begin(pile, { onError })
    await vi.advanceTimersByTimeAsync(HOUR)
    expect(onError.mock.calls[0]).toEqual([failure])
    await vi.advanceTimersByTimeAsync(2 * HOUR)
    expect(pile.left).toBe(0)
  })

  it('tells the console if nobody else wants to know', async () => {
    const error = vi.spyOn(console, 'error').mockReturnValue()
    begin({ prune: () => Promise.reject(new Error('down')) })
    await vi.advanceTimersByTimeAsync(HOUR)
    expect(error.mock.calls[0]).toEqual(['sess: pruning the store failed', new Error('down')])
  })

  it('stops between two batches, and then is done', async () => {
    const pile = new Pile(1000)
    let open: () => void = () => {}
    pile.gate = new Promise((resolve) => {
      open = resolve
    })
    const stop = begin(pile, { batch: 10 })
    await vi.advanceTimersByTimeAsync(HOUR)
    const stopped = stop()
    open()
    await stopped
    expect(pile.left).toBe(990)
    await vi.advanceTimersByTimeAsync(10 * HOUR)
    expect(pile.calls).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not keep the process running', () => {
    const unref = vi.fn()
    vi.spyOn(globalThis, 'setTimeout').mockReturnValue({ unref } as unknown as NodeJS.Timeout)
    begin(new Pile(0))
    expect(unref).toHaveBeenCalledOnce()
  })

  it.each<[string, unknown, unknown, RegExp]>([
    ['a store without prune()', {}, { every: '1h' }, /has no prune\(\)/],
    ['no store', undefined, { every: '1h' }, /has no prune\(\)/],
    ['no text of a duration', new Pile(0), { every: 'often' }, /`every` is "often"/],
    ['too often', new Pile(0), { every: '59s' }, /1m to 14d/],
    ['longer than a timer', new Pile(0), { every: '15d' }, /1m to 14d/],
    ['a batch of nothing', new Pile(0), { every: '1h', batch: 0 }, /`batch` must be a positive integer/],
  ])('refuses %s', (_, store, options, message) => {
    // What JavaScript callers may hand in.
    const call = () => autoPrune(store as Prunable, options as AutoPruneOptions)
    expect(call).toThrow(ConfigError)
    expect(call).toThrow(message)
  })
})
