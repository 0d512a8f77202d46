/** Calls that a test holds back. */
export interface Gate {
  /** Resolves when the first call has arrived. */
  readonly reached: Promise<void>
  /** Lets all of them go, and those that come later; resolves when those that had arrived are applied. */
  open(): Promise<void>
}

/** A gate that counts what it holds. */
export class Held implements Gate {
  readonly reached: Promise<void>
  readonly #passing: Promise<unknown>[] = []
  readonly #opened: Promise<void>
  #arrive: () => void = () => {}
  #release: () => void = () => {}

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#arrive = resolve
    })
    this.#opened = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  pass<T>(apply: () => Promise<T>): Promise<T> {
    const passing = this.#opened.then(apply)
    this.#passing.push(passing)
    this.#arrive()
    return passing
  }

  async open(): Promise<void> {
    this.#release()
    await Promise.allSettled(this.#passing)
  }
}
