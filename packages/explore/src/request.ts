import type { Session } from '@sess/core'
import type { Jar } from './client.ts'
import { nothingYet, type Outcome } from './oracle.ts'
import type { Plan } from './scenario.ts'
import { type Data, SUBJECT } from './world.ts'

/** One request of a run, and how far it has come. */
export interface Request {
  readonly plan: Plan
  readonly jar: Jar
  phase: 'waiting' | 'sent' | 'running' | 'paused' | 'answered' | 'done'
  resume: (() => void) | null
  readonly outcome: Outcome
  /** It has not reached the store yet, or its answer not the browser. */
  onItsWay: boolean
  /** Everything it has been told, in order: with its plan, all that decides what it does next. */
  readonly heard: string[]
}

/** A request that has not been sent. */
export function request(index: number, plan: Plan, jar: Jar): Request {
  return {
    plan,
    jar,
    phase: 'waiting',
    resume: null,
    outcome: nothingYet(index, plan.action, plan.jar),
    onItsWay: true,
    heard: [],
  }
}

/** What its handler does. */
export function act(session: Session<Data>, { action }: Plan, index: number): void {
  if (action === 'write') session.data[`w${index}`] = index
  if (action === 'update') session.update('n', (n) => (n ?? 0) + 1)
  if (action === 'sign-in') session.signIn(SUBJECT)
  if (action === 'sign-out') session.signOut()
  if (action === 'reauthenticate') session.reauthenticate({ method: 'password' })
  if (action === 'lock') session.lock()
}
