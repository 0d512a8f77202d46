/**
 * The rows of many, page by page, so that neither memory nor a cursor is held for all of them.
 *
 * @param size rows of a full page; the first page with fewer is the last
 * @param read the page after the row given, in the order of a key that never changes; of the first page if there is none
 */
export async function* pages<Row>(
  size: number,
  read: (after: Row | undefined) => Promise<readonly Row[]>,
): AsyncGenerator<Row> {
  let after: Row | undefined
  do {
    const rows = await read(after)
    yield* rows
    after = rows[size - 1]
  } while (after !== undefined)
}
