import type { AsyncLocalStorage } from 'node:async_hooks'

/** A timer that fires when the explorer says so. */
export interface VirtualTimer {
  readonly request: number
  readonly ms: number
  readonly fire: () => void
}

/** Stands in for the timers of a process, so that a time-out is a choice and not a wait. `running` tells whose a timer is. */
export class Timers {
  readonly #running: AsyncLocalStorage<number>
  readonly #waiting = new Set<VirtualTimer>()

  constructor(running: AsyncLocalStorage<number>) {
    this.#running = running
  }

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

  /** The timers of one request that are due within `ms`, the oldest first. */
  due(request: number, ms: number): VirtualTimer[] {
    return [...this.#waiting].filter((timer) => timer.request === request && timer.ms <= ms)
  }

  #add(fire: () => void, ms: number): VirtualTimer {
    const timer: VirtualTimer = {
      request: this.#running.getStore() ?? -1,
      ms,
      fire: () => {
        if (this.#waiting.delete(timer)) fire()
      },
    }
    this.#waiting.add(timer)
    return timer
  }
}
