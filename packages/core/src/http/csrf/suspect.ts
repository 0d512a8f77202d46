import type { RequestFacts } from '../facts.ts'

/**
 * What a request still has to show before its session may be looked at: that it is no other site's page that loads or embeds
 * (`embedded`), a form token, one in its `body`, or the strict cookie (`write`). Null: nothing.
 */
export type Doubt = 'embedded' | 'token' | 'body' | 'write' | null

/** One request, as far as its provenance is concerned. */
export interface Suspect {
  readonly facts: RequestFacts
  /** Plain http on loopback: cookies have their development names. */
  readonly development: boolean
  doubt: Doubt
  /** It was refused: nobody may store the answer. */
  refused: boolean
  /** The secret drawn for a visitor who had none; the answer sets it. */
  drawn: string | null
}
