import type { Prunable, SessionRecord, SessionStore, SubjectIndex } from '@sess/core'

/** How much room the sessions take, in bytes. */
export interface Bytes {
  readonly total: number
  /** The part that indexes take, where the database tells. */
  readonly indexes?: number
}

/** One store, empty, in a place of its own: a table, a database, a file. */
export interface Target {
  readonly store: SessionStore & SubjectIndex & Partial<Prunable>
  /** Stores all of them, as fast as it goes. */
  fill(records: Iterable<SessionRecord>): Promise<void>
  /** Called once after `fill`: what the database does by itself in quiet hours. */
  settle(): Promise<void>
  count(): Promise<number>
  bytes(): Promise<Bytes>
}

/** A database with room for several targets. */
export interface Database {
  /** Names and versions of the database and its client. */
  readonly versions: string
  /** Settings that the numbers depend on. */
  readonly settings: string
  /** How `fill` does it. */
  readonly filling: string
  open(name: string): Promise<Target>
  stop(): Promise<void>
}

/** How many sessions are written in one go. */
export const BATCH = 500

/** The records in groups of {@link BATCH}, the last one smaller. */
export function* batches(records: Iterable<SessionRecord>): Generator<SessionRecord[]> {
  let batch: SessionRecord[] = []
  for (const record of records) {
    batch.push(record)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Creates the records batch by batch, those of a batch all at once. */
export async function createAll(store: SessionStore, records: Iterable<SessionRecord>): Promise<void> {
  for (const batch of batches(records)) {
    const created = await Promise.all(batch.map((record) => store.create(record)))
    if (created.includes(false)) throw new Error('A session was there already.')
  }
}

/**
 * For a client that writes the rows of all statements of one tick as one statement: the store makes the rows, so they are
 * those that it would have written. `insert` is given the text of the store's statement.
 */
export function gather<Value>(
  insert: (text: string, rows: readonly Value[][]) => Promise<unknown>,
): (text: string, row: Value[]) => Promise<unknown> {
  let rows: Value[][] = []
  let written: Promise<unknown> | undefined
  return (text, row) => {
    rows.push(row)
    written ??= Promise.resolve().then(() => {
      const batch = rows
      rows = []
      written = undefined
      return insert(text, batch)
    })
    return written
  }
}
