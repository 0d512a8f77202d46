import { ConfigError, HeadersSentError, SessionInterruptedError } from '../errors.ts'
import type { Actor, Authentication, SessionRecord } from '../kernel/record.ts'
import { rejudge } from '../kernel/rejudge.ts'
import { type Duration, readDuration } from './duration.ts'
import { authOf } from './freshness.ts'
import { checkSubject, interrupted, requireWritable, takeOver } from './intents.ts'
import type { Visit } from './visit.ts'

/** What may be said about acting as somebody else. */
export interface ActOptions {
  /** Who you found to be allowed to; throws if somebody else is signed in here. Default: whoever is. */
  readonly by?: string
  /** How long at most, default `'1h'`; never longer than the actor's own session. */
  readonly absolute?: Duration
}

/** What a session starts with that comes out of another one, not out of a sign-in: nothing that was not there before. */
export interface Handover {
  readonly actor: Actor | null
  readonly auth: Authentication | null
  readonly absoluteAt: number
}

const ACTING_MS = 3_600_000

/** Has the next commit issue a session of `subject` in which the signed-in subject acts. */
export function actAs(visit: Visit, subject: string, options: ActOptions): void {
  checkSubject(subject, 'actAs')
  const record = requireHolder(visit, 'actAs()')
  const own = record?.subject ?? null
  if (record === null || own === null) {
    throw new SessionInterruptedError('anonymous', 'actAs() needs a signed-in session; nobody is signed in.')
  }
  if (record.actor !== null) {
    throw new SessionInterruptedError('acting', 'actAs() is not possible while acting: stopActing() comes first.')
  }
  if (options.by !== undefined && options.by !== own) {
    throw new ConfigError('actAs(…, { by }): somebody else is signed in here than the one you asked about.')
  }
  if (subject === own) throw new ConfigError('actAs(subject) needs somebody else than the one who is signed in.')
  const absoluteMs = readDuration(options.absolute ?? ACTING_MS, 'absolute')
  if (absoluteMs === 0) throw new ConfigError('actAs(…, { absolute }) must be longer than 0.')
  const actor = { subject: own, auth: authOf(visit), absoluteAt: record.absoluteAt, persistent: record.persistent }
  const absoluteAt = Math.min(visit.accepted.arrivedAt + absoluteMs, record.absoluteAt)
  takeOver(visit, { subject, options: {}, carry: [], handover: { actor, auth: null, absoluteAt } }, '')
}

/** Has the next commit go back to a session of the actor's own; nothing where nobody acts. */
export function stopActing(visit: Visit): void {
  const actor = requireHolder(visit, 'stopActing()')?.actor ?? null
  if (actor === null) return
  const { subject, persistent, auth, absoluteAt } = actor
  takeOver(visit, { subject, options: { persistent }, carry: [], handover: { actor: null, auth, absoluteAt } }, '')
}

/** Who acts in the session, if that is not its subject. */
export function actorOf(visit: Visit): string | null {
  const { signIn, end } = visit.intents
  if (signIn !== null) return signIn.handover?.actor?.subject ?? null
  return end !== null ? null : (visit.record?.actor?.subject ?? null)
}

/** Throws where the session that a new one is to come out of has ended, was locked or has moved on since it was loaded. */
export function requireUnchanged(visit: Visit, current: SessionRecord): void {
  const { engine, accepted } = visit
  const verdict = rejudge(current, accepted, engine.policy, engine.clock.now())
  if (verdict !== null) throw interrupted(verdict)
}

/** The stored session, which must be what the request acts on and may be given up; null where there is none. */
function requireHolder(visit: Visit, action: string): SessionRecord | null {
  requireWritable(visit, action)
  if (visit.headersSent) throw new HeadersSentError(action)
  const { signIn, end } = visit.intents
  if (signIn !== null) {
    throw new ConfigError(
      `${action} after signIn(), actAs() or stopActing(): \`await session.commit()\` comes between.`,
    )
  }
  return end === null ? visit.record : null
}
