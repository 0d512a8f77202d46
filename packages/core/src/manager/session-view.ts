import { idleDeadline } from '../kernel/expire.ts'
import type { Authentication } from '../kernel/record.ts'
import { actorOf } from './acting.ts'
import { Habits, refuseHabits } from './habits.ts'
import { signalOf } from './live.ts'
import type { Previous, Refused } from './load.ts'
import type { Visit } from './visit.ts'

/** What can be seen of a session without changing it. */
export class SessionView extends Habits {
  readonly #visit: Visit

  constructor(visit: Visit) {
    super()
    this.#visit = visit
  }

  /** `'anonymous'` for visitors and for every refused request. */
  get state(): 'anonymous' | 'authenticated' | 'locked' {
    return this.#look().state
  }

  /** Who is signed in, or null. Null while locked. */
  get subject(): string | null {
    const visit = this.#look()
    return visit.state === 'authenticated' ? visit.subject : null
  }

  /** Who may reopen a locked session with `reauthenticate()`; null unless locked. */
  get lockedSubject(): string | null {
    const visit = this.#look()
    return visit.state === 'locked' ? visit.subject : null
  }

  /** Who acts in this session, if that is not its subject: see `actAs()`; else null. Not null while locked. */
  get actor(): string | null {
    return actorOf(this.#look())
  }

  /** Public name of the stored session, safe to log, list and show; null while nothing is stored. */
  get handle(): string | null {
    return this.#stored()?.id ?? null
  }

  /** Generation of the token, counting rotations; null while nothing is stored. */
  get generation(): number | null {
    return this.#stored()?.generation ?? null
  }

  /** When the session was issued, in ms; null while nothing is stored. */
  get createdAt(): number | null {
    return this.#stored()?.createdAt ?? null
  }

  /** Last activity written down, in ms; behind by at most `touchEvery`. */
  get lastSeenAt(): number | null {
    return this.#stored()?.lastSeenAt ?? null
  }

  /** When the session is over (or locks) if it is not used again, in ms. */
  get idleAt(): number | null {
    const record = this.#stored()
    return record === null ? null : idleDeadline(record, this.#visit.engine.policy)
  }

  /** When the session is over whatever happens, in ms. */
  get absoluteAt(): number | null {
    return this.#stored()?.absoluteAt ?? null
  }

  /** When and how the user proved who they are; null for visitors, and where somebody else acts. */
  get auth(): Authentication | null {
    return this.#stored()?.auth ?? null
  }

  /** Whether the cookie outlives the browser. */
  get persistent(): boolean {
    const visit = this.#look()
    return visit.intents.signIn?.options.persistent ?? this.#stored()?.persistent ?? false
  }

  /** Why this request sees a read-only stand-in and not its session; null normally. */
  get refused(): Refused | null {
    return this.#look().refused
  }

  /** What became of the session that the request's token belonged to, for the page that says why one is signed out. */
  get previous(): Previous | null {
    return this.#look().previous
  }

  /**
   * Aborts when the stored session is over: ended here or in another process, replaced, past a deadline, locked, or gone. Its
   * reason is a `SessionEndedError`. Never aborts while nothing is stored; after a sign-in, commit first and then ask for it.
   * It lives as long as this session object, itself, or a listener on it; one made of it by `AbortSignal.any()` does not keep it.
   */
  get signal(): AbortSignal {
    return signalOf(this.#look())
  }

  /** Handle and state only, so that a session that is logged or serialised tells no secret. */
  toJSON(): { readonly handle: string | null; readonly state: string } {
    return { handle: this.#visit.record?.id ?? null, state: this.#visit.state }
  }

  /** The request state behind a session, for the transport. */
  static visitOf(session: SessionView): Visit {
    return session.#visit
  }

  #look(): Visit {
    return this.#visit.look()
  }

  #stored(): Visit['record'] {
    const visit = this.#look()
    const { end, signIn } = visit.intents
    return end !== null || signIn !== null ? null : visit.record
  }
}

refuseHabits(SessionView.prototype)
