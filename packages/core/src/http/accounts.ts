import {
  type EndAllOptions,
  type EndOptions,
  endAll,
  endEverything,
  endOne,
  type ListedSession,
  type ListOptions,
  list,
  type NameDevice,
} from '../manager/accounts.ts'
import type { Engine } from '../manager/engine.ts'

/** What an application does with sessions that are not the request's own. */
export class Accounts {
  readonly #engine: Engine
  readonly #nameDevice: NameDevice

  /** Part of `createSessions()`. */
  constructor(engine: Engine, nameDevice: NameDevice) {
    this.#engine = engine
    this.#nameDevice = nameDevice
  }

  /**
   * The live sessions of a subject, in no order: for the page that shows them. Locked ones are there; ended and expired ones are
   * not. A session that begins or ends meanwhile may be there or not.
   *
   * @throws {ConfigError} the store has no index of subjects
   * @throws {StoreUnavailableError} while it is iterated over
   */
  list(subject: string, options: ListOptions = {}): AsyncIterable<ListedSession> {
    return list(this.#engine, subject, options, this.#nameDevice)
  }

  /**
   * Ends one session, on behalf of its subject or of an administrator. Handles are no secret, so it must be said on whose
   * behalf. Whether the session is over now, also if it was before; false for one of somebody else, as for one that does not
   * exist, and nothing changes then.
   *
   * @throws {StoreUnavailableError} or {StoreAmbiguousError} it may live on
   */
  end(handle: string, options: EndOptions): Promise<boolean> {
    return endOne(this.#engine, handle, options)
  }

  /**
   * Ends all sessions of a subject, but those in `except` and those created at or after `before`; how many lived. A sign-in that
   * the store knows of and that is not complete fails; one that is stored later is a new session.
   *
   * @throws {StoreUnavailableError} some may live on: call it again. All have been tried
   */
  endAll(subject: string, options: EndAllOptions = {}): Promise<number> {
    return endAll(this.#engine, subject, options)
  }

  /**
   * Ends every session created before an instant (ms), visitors' included; how many lived. For a restored backup or a leaked
   * store. Reads every record of the store: takes as long as that takes.
   *
   * @throws {ConfigError} the store cannot go through its records
   * @throws {StoreUnavailableError} some may live on: call it again. All have been tried
   */
  endEverything(options: { readonly before: number }): Promise<number> {
    return endEverything(this.#engine, options)
  }
}
