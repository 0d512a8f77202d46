/** Throws a TypeError if one of the texts, each by the name of its field, is not kept by the database. */
export type Refusal = (texts: Readonly<Record<string, string | null>>) => void

/**
 * Refuses text that a database would not give back as it was: lone surrogates have no UTF-8, and some end a text at a NUL.
 * Only text that is stored as it is needs it; `JSON.stringify` writes both as escapes.
 *
 * @param store what the message begins with: the name of the function that made the store
 * @param unfit what must not occur, with flag `u`: `/\p{Surrogate}/u` finds lone surrogates
 */
export function refusing(store: string, unfit: RegExp): Refusal {
  return (texts) => {
    for (const [field, text] of Object.entries(texts)) {
      if (text === null || !unfit.test(text)) continue
      throw new TypeError(`${store}: \`${field}\` holds a NUL or a lone surrogate, which this database does not keep.`)
    }
  }
}
