import type { Fault } from './storage.ts'

/** What a request does between opening its session and answering. */
export type Action = 'read' | 'write' | 'update' | 'sign-in' | 'sign-out' | 'reauthenticate' | 'lock'

/** One request of a scenario. */
export interface Plan {
  readonly action: Action
  /** Whose cookie it sends. The thief's is a copy of the token, or the planter's own. */
  readonly jar: 'client' | 'thief'
  /** The handler takes its time: others may come between opening and acting. */
  readonly slow?: boolean
}

/** Where a scenario begins. */
export type Beginning =
  | 'visitor'
  | 'anonymous'
  | 'signed-in'
  | 'rotation-due'
  /** Rotated; the response with the new token never came. */
  | 'rotation-lost'
  /** Rotated; the client has the new token and has not used it. */
  | 'rotation-fresh'
  /** Rotated and confirmed; requests with the old token may be under way, and the thief has it. */
  | 'overlap'
  /** Rotated twice, the last time just now; the thief has the first token. */
  | 'two-behind'
  | 'locked'
  /** The store has never heard of the client's session. */
  | 'unknown'
  /** The client holds a visitor's token that the thief planted. */
  | 'planted'

/** What may go wrong, once per run. */
export type Mishap = Exclude<Fault, 'ok'> | 'response-lost' | 'repeated' | 'failover'

/** One small world, to be gone through in every order. */
export interface Scenario {
  readonly from: Beginning
  readonly requests: readonly Plan[]
  readonly mishap: Mishap | null
  /** An instant to which the clock may jump at any time, once; or null. */
  readonly tick: number | null
  /** All requests in one process, so that their commits queue. Default: each has a process of its own. */
  readonly together?: boolean
  /** How often a request may be interrupted while it could go on. Default: no bound. */
  readonly preemptions?: number
}

/** Times of the policy, in ms: small round numbers, so that deadlines do not meet by chance. */
export const times = {
  idle: 1_800_000,
  absolute: 86_400_000,
  rotateEvery: 900_000,
  overlap: 60_000,
  touchEvery: 60_000,
} as const

/** When scenarios begin. */
export const START = 1_000_000_000_000

/** Instants at which something changes. */
export const deadlines: readonly number[] = [times.overlap, times.rotateEvery, times.idle, times.absolute].map(
  (ms) => START + ms,
)

/** The same, and those just before. */
export const instants: readonly number[] = deadlines.flatMap((at) => [at - 1, at])

/** A word that tells one plan from all others. */
export function nameOfPlan({ action, jar, slow }: Plan): string {
  return `${jar === 'thief' ? 'thief:' : ''}${slow === true ? 'slow-' : ''}${action}`
}

/** A line that tells one scenario from all others. */
export function nameOf(scenario: Scenario): string {
  const parts = [scenario.from, scenario.requests.map(nameOfPlan).join(' | ')]
  if (scenario.mishap !== null) parts.push(scenario.mishap)
  if (scenario.tick !== null) parts.push(`+${scenario.tick - START} ms`)
  if (scenario.together === true) parts.push('one process')
  return parts.join(', ')
}
