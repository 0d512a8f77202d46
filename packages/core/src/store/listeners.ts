type Listener = (handle: string) => void

/** Those who want to be told of endings: what `EndingsFeed.onEnding` adds to. */
export class Listeners {
  readonly #listeners = new Set<Listener>()
  readonly #onFirst: () => void
  readonly #onLast: () => void

  /**
   * @param onFirst called when somebody listens again; default: nothing happens
   * @param onLast called when nobody listens any more; default: nothing happens
   */
  constructor(onFirst: () => void = nothing, onLast: () => void = nothing) {
    this.#onFirst = onFirst
    this.#onLast = onLast
  }

  /** Adds a listener, the same one as often as it comes. Returns the function that removes it. */
  add(listener: Listener): () => void {
    const own: Listener = (handle) => listener(handle)
    this.#listeners.add(own)
    if (this.#listeners.size === 1) this.#onFirst()
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#onLast()
    }
  }

  /** Calls every listener. What one of them throws goes to the console, and keeps no other from being called. */
  tell(handle: string): void {
    for (const listener of this.#listeners) {
      try {
        listener(handle)
      } catch (error) {
        console.error('sess: a listener to endings threw', error)
      }
    }
  }
}

function nothing(): void {}
