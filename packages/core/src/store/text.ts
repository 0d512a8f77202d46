/**
 * Refuses text that a database would not give back as it was: lone surrogates have no UTF-8, and some end a text at a NUL.
 * Only text that is stored as it is needs it; `JSON.stringify` writes both as escapes.
 *
 * @param store what the message begins with: the name of the function that made the store
 * @param texts what is to be stored, by the names of the record's fields
 * @param unfit what must not occur, with flag `u`: `/\p{Surrogate}/u` finds lone surrogates
 * @throws TypeError that names the field, not its content
 */
export function refuseText(store: string, texts: Readonly<Record<string, string | null>>, unfit: RegExp): void {
  for (const [field, text] of Object.entries(texts)) {
    if (text === null || !unfit.test(text)) continue
    throw new TypeError(`${store}: \`${field}\` holds a NUL or a lone surrogate, which this database does not keep.`)
  }
}
