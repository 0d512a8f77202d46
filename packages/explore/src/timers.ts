/** A timer that fires when the explorer says so. */
export interface VirtualTimer {
  readonly request: number
  readonly ms: number
  readonly fire: () => void
}

/**
 * Stands in for the timers of the process, so that a time-out is a choice and not a wait. `current` names the request that
 * runs right now.
 */
export class Timers {
  current = -1
  readonly #waiting = new Set<VirtualTimer>()

  /** Puts itself in the place of `setTimeout`; returns the function that undoes it. */
  install(): () => void {
    const { setTimeout, clearTimeout } = globalThis
    globalThis.setTimeout = ((fire: () => void, ms = 0) => this.#add(fire, ms)) as unknown as typeof setTimeout
    globalThis.clearTimeout = ((timer: VirtualTimer) =>
      void this.#waiting.delete(timer)) as unknown as typeof clearTimeout
    return () => {
      globalThis.setTimeout = setTimeout
      globalThis.clearTimeout = clearTimeout
    }
  }

  /** The timers of one request that are due within `ms`, or all short ones. */
  due(request: number, ms: number): VirtualTimer[] {
    return [...this.#waiting].filter((timer) => timer.request === request && timer.ms <= ms)
  }

  fire(timer: VirtualTimer): void {
    if (this.#waiting.delete(timer)) timer.fire()
  }

  clear(): void {
    this.#waiting.clear()
  }

  #add(fire: () => void, ms: number): VirtualTimer {
    const timer = { request: this.current, ms, fire }
    this.#waiting.add(timer)
    return timer
  }
}
