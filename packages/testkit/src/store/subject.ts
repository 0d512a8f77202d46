import { type SessionRecord, type SessionStore, systemRandom } from '@sess/core'
import { defaultPolicy, issue, stamp } from '@sess/core/kernel'
import type { Closable } from '../register.ts'

/** What a store case runs against. */
export interface StoreSubject {
  readonly store: SessionStore
  /** A new valid record under an id of its own, signed in and issued just now, with `changes` on top. Nothing is stored. */
  readonly record: (changes?: Partial<SessionRecord>) => SessionRecord
  /** `base` with `changes` and its next revision: what a writer hands to `replace`. */
  readonly next: (base: SessionRecord, changes?: Partial<SessionRecord>) => SessionRecord
}

/**
 * Makes a store the subject of store cases: `register(storeCases, storeKit(() => yourStore(client)), { it })`.
 * The store need not be empty: each case uses random ids. Records expire a day from now, by the system's clock.
 *
 * @param open called once per case; may return the same store each time
 * @param close called after each case with that case's store
 */
export function storeKit<Store extends SessionStore>(
  open: () => Store | Promise<Store>,
  close?: (store: Store) => unknown,
): () => Promise<Closable<StoreSubject>> {
  return async () => {
    const store = await open()
    return { store, record, next, close: () => close?.(store) }
  }
}

function record(changes: Partial<SessionRecord> = {}): SessionRecord {
  const subject = `subject-${randomText(6)}`
  const issued = issue({ id: randomText(32), random: randomText(9), subject }, defaultPolicy, Date.now())
  return { ...issued, ...changes }
}

function next(base: SessionRecord, changes: Partial<SessionRecord> = {}): SessionRecord {
  return { ...stamp(base, randomText(9)), ...changes }
}

/** `size` random bytes as base64url; of 32 it is an id as sess makes them. */
function randomText(size: number): string {
  const binary = String.fromCharCode(...systemRandom.bytes(size))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
