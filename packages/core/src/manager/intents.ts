import { requireStamp } from '../crypto/credential.ts'
import { type Changes, type Draft, dropKeys, pickKeys, type Updater } from '../data/draft.ts'
import { InvalidDataSignal } from '../data/shape.ts'
import { ConfigError, HeadersSentError, type InterruptedReason, SessionInterruptedError } from '../errors.ts'
import type { Proof } from '../kernel/reauthenticate.ts'
import type { EndedReason } from '../kernel/record.ts'
import { transition } from '../kernel/transition.ts'
import type { Handover } from './acting.ts'
import type { Flash } from './flash.ts'
import { emit } from './load.ts'
import { nothing, type Visit } from './visit.ts'

/** What may be said about a sign-in. */
export interface SignInOptions {
  /** Keys of the data to keep, instead of the `carry` option. Nothing is carried from one subject to another. */
  readonly carry?: readonly string[]
  /** Remember-me: the cookie outlives the browser, and the session has the deadlines of the `persistent` option. Default false. */
  readonly persistent?: boolean
  /** How the user proved who they are, e.g. `['password', 'totp']`. */
  readonly methods?: readonly string[]
  /** The assurance level reached, as the application counts it. */
  readonly level?: number
  /**
   * A text that changes when the user's credential does, like the password's hash or a token version: what
   * `verifyCredential()` compares. Kept as a digest that only this session's token can make.
   */
  readonly credential?: string
  /** A name for lists of sessions, kept if the `device` option is on. */
  readonly deviceName?: string
}

/** A fresh proof of identity, and the stamp of a credential that was changed with it. */
export interface Reauthentication extends Proof {
  /** The new credential stamp, as for `signIn()`: this session stays when the others find theirs changed. */
  readonly credential?: string
}

/** What a call asks of the session it is meant for; `rotate` is a hard one. */
export type Step =
  | { readonly type: 'rotate' }
  | ({ readonly type: 'reauthenticate' } & Reauthentication)
  | { readonly type: 'lock' }

/** A sign-in that the next commit carries out, and what it took over from. */
export interface SignInIntent {
  readonly subject: string
  readonly options: SignInOptions
  readonly carry: readonly string[]
  /** Set if nobody signs in: the new session comes out of this one. */
  readonly handover: Handover | null
  readonly before: Draft
  readonly stepsBefore: readonly Step[]
}

/** What the next commit has to do, besides data. */
export interface Pending {
  /** End the session this request came with. */
  end: EndedReason | null
  signIn: SignInIntent | null
  /** In the order of the calls; for the new session if there is a sign-in. */
  steps: Step[]
  /** Messages for whoever takes them; for the new session if there is a sign-in. */
  flashes: Flash[]
}

/** What one commit carries out. The visit's own intents and draft may move on while it runs. */
export interface Work {
  readonly visit: Visit
  readonly intents: Pending
  readonly draft: Draft
  readonly changes: Changes
}

/** Changes one key from its old value. */
export function update(visit: Visit, key: string, updater: Updater): void {
  requireWritable(visit, 'update()')
  void visit.data
  visit.draft.update(key, updater)
}

/** Has the next commit sign in. Data already there is carried or dropped now, as far as the application can see. */
export function signIn(visit: Visit, subject: string, options: SignInOptions): void {
  checkSubject(subject, 'signIn')
  if (options.carry !== undefined && !Array.isArray(options.carry)) {
    throw new ConfigError('signIn(…, { carry }) needs an array of keys.')
  }
  if (options.credential !== undefined) requireStamp(options.credential, 'signIn(…, { credential })')
  if (visit.headersSent) throw new HeadersSentError('signIn()')
  const { engine, pending } = visit
  if (options.persistent === true && !engine.persistent) {
    throw new ConfigError('signIn(…, { persistent: true }) is forbidden by the option `persistent: false`.')
  }
  const carry = options.carry ?? engine.carry
  const inherits = pending.end === null && visit.refused === null && visit.inheritable(visit.record, subject)
  const before = pending.signIn?.before ?? visit.draft
  const data = inherits ? carriable(visit, before, carry) : ''
  takeOver(visit, { subject, options, carry, handover: null }, pickKeys(data, carry))
  const dropped = dropKeys(data, carry)
  if (dropped.length === 0) return
  engine.advise(
    `signIn() starts with fresh data and dropped: ${dropped.join(', ')}. List in \`carry\` what should survive.`,
  )
}

/** Throws for what is nobody's name. */
export function checkSubject(subject: string, method: 'signIn' | 'actAs'): void {
  if (typeof subject === 'string' && subject !== '') return
  throw new ConfigError(`${method}(subject) needs a non-empty string: String(user.id).`)
}

/** Has the next commit issue a session in place of this one. What follows in this request, and `data` alone, is the new one's. */
export function takeOver(visit: Visit, intent: Omit<SignInIntent, 'before' | 'stepsBefore'>, data: string): void {
  const { pending } = visit
  const { before, stepsBefore } = pending.signIn ?? { before: visit.draft, stepsBefore: pending.steps }
  pending.signIn = { ...intent, before, stepsBefore }
  pending.steps = []
  visit.draft = visit.newDraft(data, visit.engine.shape.version)
}

/** The data to carry from; opened where it is versioned, so that older data is migrated first. */
function carriable(visit: Visit, before: Draft, carry: readonly string[]): string {
  try {
    if (carry.length > 0 && visit.engine.shape.version !== undefined) void before.view
    return before.changes().text
  } catch (error) {
    if (error instanceof InvalidDataSignal) return ''
    throw error
  }
}

/** Has the next commit end the session. What is written later is a new visitor's. */
export function endWith(visit: Visit, reason: EndedReason): void {
  const end = reason === 'signed-out' ? reason : (visit.pending.end ?? reason)
  visit.pending = { ...nothing(), end }
  visit.draft = visit.emptyDraft()
}

/** Has the next commit rotate hard, reauthenticate or lock. */
export function takeStep(visit: Visit, step: Step): void {
  requireWritable(visit, `${step.type}()`, step.type !== 'rotate')
  if (step.type === 'reauthenticate' && step.credential !== undefined) {
    requireStamp(step.credential, 'reauthenticate({ credential })')
  }
  if (step.type !== 'rotate' && visit.state === 'anonymous') {
    throw interrupt(visit, 'anonymous', `${step.type}() needs a signed-in session; nobody is signed in.`)
  }
  if (visit.headersSent && step.type !== 'lock') throw new HeadersSentError(`${step.type}()`)
  const { signIn: intent, end } = visit.intents
  if (intent !== null || (end === null && visit.record !== null)) visit.pending.steps.push(step)
}

/** Has the periodic rotation happen now, if nothing older than the current token can still be in flight. */
export function rotateSoon(visit: Visit): void {
  requireWritable(visit, 'rotate()')
  const { record, token, accepted, engine } = visit
  if (record === null || visit.headersSent || token?.generation !== record.generation) return
  const event = { type: 'rotate', kind: 'soft', arrivedAt: accepted.arrivedAt } as const
  if (transition(record, event, engine.policy, accepted.arrivedAt).ok) visit.due.rotate = true
}

/** Throws where a stand-in or a locked session would be changed. */
export function requireWritable(visit: Visit, action: string, opensLock = false): void {
  const { signIn: intent, end } = visit.intents
  const { refused } = visit
  if (refused !== null && intent === null && (end === null || refused === 'replaced')) {
    throw interrupt(
      visit,
      refused,
      `${action} is not possible: this request was refused (${refused}). Signing in starts a new session.`,
    )
  }
  if (visit.state === 'locked' && !opensLock) throw locked(visit, action)
}

/** What a write to a locked session meets. */
export function locked(visit: Visit, action: string): SessionInterruptedError {
  return interrupt(
    visit,
    'locked',
    `${action} is not possible: the session is locked. reauthenticate(), signIn() and signOut() are.`,
  )
}

/** What a commit meets whose session is no longer its to change. */
export function interrupted(verdict: InterruptedReason): SessionInterruptedError {
  const what = { ended: 'has ended', locked: 'was locked', superseded: 'has a new token' }[verdict as 'ended']
  return new SessionInterruptedError(verdict, `The session ${what} while this request ran; nothing was saved.`)
}

/** The error of a request that wants what its session does not allow; it is told to the listeners, too. */
function interrupt(visit: Visit, reason: InterruptedReason, message: string): SessionInterruptedError {
  emit(visit.engine, 'interrupted', visit.record, { reason })
  return new SessionInterruptedError(reason, message)
}
