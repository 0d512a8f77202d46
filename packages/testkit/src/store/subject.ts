import { type SessionRecord, type SessionStore, systemRandom } from '@sess/core'
import { defaultPolicy, issue, stamp } from '@sess/core/kernel'
import type { Closable } from '../register.ts'

/** What a store case runs against. */
export interface StoreSubject<Store extends SessionStore = SessionStore> {
  readonly store: Store
  /** The same storage through a connection of its own, as another process has it; `store` itself if there is none. */
  readonly other: Store
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
 * @param close called after each case with that case's store, and then with the other handle, if there is one
 * @param openOther opens a second handle on the storage of the first, through another client; called once per case after
 *   `open`, with what that returned. Default: the case has one handle
 */
export function storeKit<Store extends SessionStore>(
  open: () => Store | Promise<Store>,
  close?: (store: Store) => unknown,
  openOther?: (store: Store) => Store | Promise<Store>,
): () => Promise<Closable<StoreSubject<Store>>> {
  return async () => {
    const store = await open()
    const other = openOther === undefined ? store : await openOther(store)
    const closeBoth = async (): Promise<void> => {
      await close?.(store)
      if (other !== store) await close?.(other)
    }
    return { store, other, record, next, close: closeBoth }
  }
}

/** What ends `live`: its tombstone, as `replace` takes it. */
export function ending({ next }: Pick<StoreSubject, 'next'>, live: SessionRecord): SessionRecord {
  return next(live, { state: 'ended', endedReason: 'revoked', endedAt: live.lastSeenAt, data: '' })
}

/** Creates the records, at most a hundred at a time. */
export async function createAll(store: SessionStore, records: readonly SessionRecord[]): Promise<void> {
  const left = records.values()
  const work = async (): Promise<void> => {
    for (const each of left) await store.create(each)
  }
  await Promise.all(Array.from({ length: 100 }, work))
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
