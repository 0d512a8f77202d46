import { Shards } from './shards.ts'

/** Which handles belong to which subject. Most subjects have one, so a set is made only for the second. */
export class Subjects {
  readonly #handles: Shards<string | Set<string>>

  /** @param capacity subjects that there will be at most, roughly */
  constructor(capacity: number) {
    this.#handles = new Shards(capacity)
  }

  add(subject: string, handle: string): void {
    const known = this.#handles.get(subject)
    if (known === undefined || known === handle) this.#handles.set(subject, handle)
    else if (typeof known === 'string') this.#handles.set(subject, new Set([known, handle]))
    else known.add(handle)
  }

  remove(subject: string, handle: string): void {
    const known = this.#handles.get(subject)
    if (known === handle) this.#handles.delete(subject)
    if (typeof known !== 'object') return
    known.delete(handle)
    const [last] = known
    if (known.size === 1 && last !== undefined) this.#handles.set(subject, last)
  }

  /** The handles of a subject as they are now. */
  of(subject: string): readonly string[] {
    const known = this.#handles.get(subject)
    if (known === undefined) return []
    return typeof known === 'string' ? [known] : [...known]
  }
}
