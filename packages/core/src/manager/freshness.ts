import { FreshnessError, type FreshnessReason } from '../errors/freshness-error.ts'
import { ConfigError, SessionInterruptedError, StoreUnavailableError } from '../errors.ts'
import { type Demand, lacking } from '../kernel/freshness.ts'
import { addProof } from '../kernel/reauthenticate.ts'
import type { Authentication } from '../kernel/record.ts'
import { type Duration, display, readDuration } from './duration.ts'
import type { SignInIntent, Step } from './intents.ts'
import type { Visit } from './visit.ts'

/** How recent a proof of identity must be, and what it must have been: see {@link Session.requireFresh}. */
export interface FreshnessOptions {
  /** A proof must be younger than this. */
  readonly maxAge: Duration
  /** All of these must have been used within `maxAge`, e.g. `['pwd', 'otp']`. @see RFC 8176 §2 */
  readonly methods?: readonly string[]
  /** At least this level must have been reached within `maxAge`. */
  readonly level?: number
}

/** A maximum age alone, or with methods and level. */
export type Freshness = Duration | FreshnessOptions

/** The demand, checked; throws {@link ConfigError} for what cannot be met or would ask for nothing. */
export function readFreshness(freshness: Freshness): Demand {
  const options = typeof freshness === 'object' && freshness !== null ? freshness : { maxAge: freshness }
  const { maxAge, methods = [], level = null } = options
  const unknown = Object.keys(options).find((name) => !['maxAge', 'methods', 'level'].includes(name))
  if (unknown !== undefined) {
    throw new ConfigError(`\`${unknown}\` is nothing that can be required. There are: maxAge, methods, level.`)
  }
  const maxAgeMs = readDuration(maxAge, 'maxAge')
  if (maxAgeMs === 0) throw new ConfigError('`maxAge` must be longer than 0, or no proof would ever do.')
  if (!Array.isArray(methods) || !methods.every((method) => typeof method === 'string')) {
    throw new ConfigError("`methods` must be an array of names, like ['pwd', 'otp'].")
  }
  if (level !== null && !Number.isFinite(level)) throw new ConfigError(`\`level\` is ${display(level)}; use a number.`)
  return { maxAgeMs, methods, level }
}

/** Why the user's proof does not do, or null if it does. A stand-in is nobody here. */
export function staleness(visit: Visit, demand: Demand): FreshnessReason | null {
  const { state } = visit
  if (state !== 'authenticated') return state === 'locked' ? 'locked' : 'signed-out'
  const auth = authOf(visit)
  return auth === null ? 'impersonated' : lacking(auth, demand, visit.accepted.arrivedAt)
}

/**
 * Throws unless the proof does. Where the session is only out of sight, nobody is told to sign in: loading again shows it, or
 * the store has to recover first.
 */
export function requireFresh(visit: Visit, demand: Demand): void {
  const reason = staleness(visit, demand)
  if (reason === null) return
  const { refused } = visit
  if (refused === 'store') throw new StoreUnavailableError('requireFresh(): the session could not be read')
  if (refused === 'superseded' || refused === 'replaced') {
    throw new SessionInterruptedError(
      refused,
      `requireFresh(): this request was refused (${refused}), and its session goes on with a newer token. Load again.`,
    )
  }
  throw new FreshnessError(reason, demand)
}

/** When and how the user proved who they are, with what this request has said about it. Null: not at all. */
export function authOf(visit: Visit): Authentication | null {
  const { signIn, steps } = visit.intents
  const { arrivedAt } = visit.accepted
  return signIn === null ? proved(visit.record?.auth ?? null, steps, arrivedAt) : authAtIssue(signIn, steps, arrivedAt)
}

/** What a session starts with that a sign-in issues. */
export function authAtIssue(
  { handover, options }: SignInIntent,
  steps: readonly Step[],
  arrivedAt: number,
): Authentication | null {
  const { methods = [], level = null } = options
  const given = { at: arrivedAt, methods: [...new Set(methods)], level }
  return proved(handover === null ? given : handover.auth, steps, arrivedAt)
}

function proved(auth: Authentication | null, steps: readonly Step[], arrivedAt: number): Authentication | null {
  let known = auth
  for (const step of steps) if (step.type === 'reauthenticate') known = addProof(known, step, arrivedAt)
  return known
}
