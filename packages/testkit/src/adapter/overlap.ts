/** Lets other work of this process go first, `count` times. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Runs `work` for 0 … count − 1, `width` at a time. */
export async function inLanes(count: number, width: number, work: (round: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}
/** Holds a handler back until the case lets it go on. */
export class Barrier {
  /** Resolves when the first handler waits here. */
  readonly reached: Promise<void>
  /** Lets all of them go on, and those that come later. */
  readonly open: () => void
  readonly #opened: Promise<void>
  #arrive: () => void = () => {}

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#arrive = resolve
    })
    let open = (): void => {}
    this.#opened = new Promise((resolve) => {
      open = resolve
    })
    this.open = open
  }

  async wait(): Promise<void> {
    this.#arrive()
    await this.#opened
  }
}
