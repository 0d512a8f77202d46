/** Gives each value a number of its own: the same for two that read the same as JSON. */
export class Numbers {
  readonly #ofText = new Map<string, number>()
  readonly #ofObject = new WeakMap<object, number>()

  get size(): number {
    return this.#ofText.size
  }

  /** Objects must not change afterwards. */
  of(value: unknown): number {
    if (typeof value !== 'object' || value === null) return this.#number(JSON.stringify(value) ?? '')
    let number = this.#ofObject.get(value)
    if (number === undefined) {
      number = this.#number(JSON.stringify(value))
      this.#ofObject.set(value, number)
    }
    return number
  }

  #number(text: string): number {
    let number = this.#ofText.get(text)
    if (number === undefined) {
      number = this.#ofText.size
      this.#ofText.set(text, number)
    }
    return number
  }
}
