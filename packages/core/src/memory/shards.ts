/**
 * A map in parts, each small enough that growing or shrinking one is no pause: a single `Map` of a million entries moves all of
 * them at once when it does.
 */
export class Shards<Value> {
  readonly #maps: readonly Map<string, Value>[]
  #size = 0

  /** @param capacity entries that it will have at most, roughly */
  constructor(capacity: number) {
    this.#maps = Array.from({ length: Math.min(Math.ceil(capacity / SHARD), MOST) }, () => new Map())
  }

  get size(): number {
    return this.#size
  }

  has(key: string): boolean {
    return this.#of(key).has(key)
  }

  get(key: string): Value | undefined {
    return this.#of(key).get(key)
  }

  set(key: string, value: Value): void {
    const map = this.#of(key)
    const before = map.size
    this.#size += map.set(key, value).size - before
  }

  delete(key: string): void {
    if (this.#of(key).delete(key)) this.#size -= 1
  }

  [Symbol.iterator](): Iterator<[string, Value]> {
    const maps = this.#maps.values()
    let entries: Iterator<[string, Value]> = new Map<string, Value>().entries()
    // Twenty times as fast as a generator that hands on each entry.
    const next = (): IteratorResult<[string, Value]> => {
      for (;;) {
        const entry = entries.next()
        if (entry.done !== true) return entry
        const map = maps.next()
        if (map.done === true) return { done: true, value: undefined }
        entries = map.value.entries()
      }
    }
    return { next }
  }

  #of(key: string): Map<string, Value> {
    return this.#maps[shardOf(key, this.#maps.length)] as Map<string, Value> // There is one for each.
  }
}

/** Just below a power of two, at which a map doubles. */
const SHARD = 3800
const MOST = 1024

/** Which of `count` shards a key belongs to: FNV-1a, whose low bits are mixed with the high ones. */
export function shardOf(key: string, count: number): number {
  let sum = 0x811c9dc5
  for (let at = 0; at < key.length; at += 1) sum = Math.imul(sum ^ key.charCodeAt(at), 0x01000193)
  return ((sum ^ (sum >>> 15)) >>> 0) % count
}
