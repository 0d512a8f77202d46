import { ConfigError } from '../errors.ts'
import type { Prunable, Scannable, SessionStore, SubjectIndex } from '../manager/ports.ts'

/** What a store does whose records are rows of a table. */
export interface TableStore extends SessionStore, SubjectIndex, Prunable, Scannable {}

/** Options of every table store. */
export interface TableStoreOptions {
  /**
   * `retainEnded` of `createSessions()`, in ms; default 86 400 000 (24 h). `prune` looks no nearer than this to the absolute
   * deadlines. Too small costs time, too great costs space; neither drops a record too early.
   */
  readonly retainEndedMs?: number
}

/**
 * The option, or its default.
 *
 * @param store what the message begins with: the name of the function that makes the store
 * @throws ConfigError if it is no number of ms
 */
export function readRetainEnded(store: string, { retainEndedMs = 86_400_000 }: TableStoreOptions): number {
  if (!(retainEndedMs >= 0)) throw new ConfigError(`${store}: \`retainEndedMs\` must be a number of ms.`)
  return retainEndedMs
}
