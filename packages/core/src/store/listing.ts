import type { SessionRecord } from '../kernel/record.ts'
import type { SubjectEntry } from '../manager/ports.ts'
import { fromRow, type Row } from './row.ts'

/**
 * Reads the page after a row, of the first page if there is none: rows in the order of a key that never changes, as many as
 * the page has room for.
 */
export type ReadPage<Page extends Row> = (after: Page | undefined) => Promise<readonly Page[]>

/** Every record of many pages of rows, as `scan()` gives them. A page with fewer than `size` rows is the last. */
export async function* recordsOf<Page extends Row>(size: number, read: ReadPage<Page>): AsyncGenerator<SessionRecord> {
  for await (const row of rowsOf(size, read)) {
    const record = fromRow(row)
    if (record !== null) yield record
  }
}

/** Every entry of many pages of rows, as `listBySubject()` gives them. A page with fewer than `size` rows is the last. */
export async function* entriesOf<Page extends Row>(size: number, read: ReadPage<Page>): AsyncGenerator<SubjectEntry> {
  for await (const row of rowsOf(size, read)) yield { id: String(row.id), record: fromRow(row) }
}

/** Neither memory nor a cursor is held for more than a page. */
async function* rowsOf<Page extends Row>(size: number, read: ReadPage<Page>): AsyncGenerator<Page> {
  let after: Page | undefined
  do {
    const rows = await read(after)
    yield* rows
    after = rows[size - 1]
  } while (after !== undefined)
}
