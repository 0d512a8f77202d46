/** Gives each text a number of its own, and each value that of its JSON. */
export class Numbers {
  readonly #ofText = new Map<string, number>()
  readonly #ofObject = new WeakMap<object, number>()

  get size(): number {
    return this.#ofText.size
  }

  /** Objects, of which `part` is what counts, must not change afterwards. */
  of<T extends object | string | boolean | null>(value: T, part: (value: T) => unknown = (all) => all): number {
    if (typeof value === 'string') return this.#number(value)
    if (typeof value !== 'object' || value === null) return this.#number(String(value))
    let number = this.#ofObject.get(value)
    if (number === undefined) {
      number = this.#number(JSON.stringify(part(value)))
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
