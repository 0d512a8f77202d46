/** Names that were added within the last `forMs`, the longest unseen first. */
export class InUse {
  readonly #forMs: number
  readonly #seenAt = new Map<string, number>()

  constructor(forMs: number) {
    this.#forMs = forMs
  }

  get size(): number {
    this.#forget()
    return this.#seenAt.size
  }

  add(name: string): void {
    this.#seenAt.delete(name)
    this.#seenAt.set(name, performance.now())
    this.#forget()
  }

  delete(name: string): void {
    this.#seenAt.delete(name)
  }

  #forget(): void {
    const until = performance.now() - this.#forMs
    for (const [name, at] of this.#seenAt) {
      if (at > until) return
      this.#seenAt.delete(name)
    }
  }
}
