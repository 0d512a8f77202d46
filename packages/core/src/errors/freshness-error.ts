import { SessError } from '../errors.ts'

/**
 * Why a proof of identity did not do. `signed-out`: there is nobody to prove anything. `locked`: the session has to be opened
 * first. `impersonated`: somebody else acts in it, and its subject has proved nothing. `methods`, `level`: the proof was of
 * another kind. `age`: it was given too long ago.
 */
export type FreshnessReason = 'signed-out' | 'locked' | 'impersonated' | 'methods' | 'level' | 'age'

/** What a {@link FreshnessError} asks for. */
export interface FreshnessDemand {
  /** How old the proof may be, in ms. */
  readonly maxAgeMs: number
  /** Methods that must all have been used within that time. */
  readonly methods: readonly string[]
  /** Level that must have been reached within that time, or null. */
  readonly level: number | null
}

/** Body of an answer with the type `application/problem+json`. @see RFC 9457 */
export interface FreshnessProblem {
  readonly type: string
  readonly title: string
  readonly status: 401
  readonly detail: string
  readonly code: 'ERR_SESS_FRESHNESS'
  readonly reason: FreshnessReason
  /** In seconds, as in the challenge. */
  readonly max_age: number
  readonly methods: readonly string[]
  readonly level: number | null
}

/** `requireFresh()`: the user has to prove who they are (again) before this request may go on; then it can be repeated. */
export class FreshnessError extends SessError {
  readonly reason: FreshnessReason
  readonly demand: FreshnessDemand

  constructor(reason: FreshnessReason, demand: FreshnessDemand) {
    super('ERR_SESS_FRESHNESS', 401, explain(reason, demand))
    this.reason = reason
    this.demand = demand
  }

  /**
   * Header lines for the answer, under the name that Express, Koa and Fastify look for: the challenge that a 401 must have.
   * It is that of RFC 9470 under a scheme of our own, for a session is no OAuth token; browsers show no dialogue for it.
   *
   * @see [RFC 9470 - OAuth 2.0 Step Up Authentication Challenge Protocol](https://www.rfc-editor.org/rfc/rfc9470#section-3)
   */
  get headers(): Readonly<Record<string, string>> {
    return { 'WWW-Authenticate': challenge(this.reason, this.demand) }
  }

  /** The body for an answer of the type `application/problem+json`. */
  toProblem(): FreshnessProblem {
    const { reason, message, demand } = this
    return {
      type: 'https://github.com/sess-js/sess/blob/main/docs/step-up.md',
      title: 'A fresh proof of identity is needed',
      status: 401,
      detail: message,
      code: 'ERR_SESS_FRESHNESS',
      reason,
      max_age: seconds(demand),
      methods: demand.methods,
      level: demand.level,
    }
  }

  /** The whole answer: challenge and problem. */
  override getResponse(): Response {
    const headers = { ...this.headers, 'Content-Type': 'application/problem+json' }
    return new Response(JSON.stringify(this.toProblem()), { status: this.status, headers })
  }
}

function explain(reason: FreshnessReason, { methods, level, maxAgeMs }: FreshnessDemand): string {
  switch (reason) {
    case 'signed-out':
      return 'Nobody is signed in.'
    case 'locked':
      return 'The session is locked: prove who you are to open it.'
    case 'impersonated':
      return 'Somebody else acts in this session, so its subject has proved nothing.'
    case 'methods':
      return `A proof of identity by other methods is needed: ${methods.join(' and ')}.`
    case 'level':
      return `A proof of identity of level ${level} is needed.`
    case 'age':
      return `A proof of identity of the last ${maxAgeMs / 1000} s is needed.`
  }
}

/** Nobody is told what their proof lacks who has given none. @see RFC 6750 §3.1 */
function challenge(reason: FreshnessReason, demand: FreshnessDemand): string {
  if (reason === 'signed-out') return 'Session'
  const level = demand.level === null ? '' : `, acr_values="${demand.level}"`
  return `Session error="insufficient_user_authentication", max_age="${seconds(demand)}"${level}`
}

function seconds({ maxAgeMs }: FreshnessDemand): number {
  return Math.floor(maxAgeMs / 1000)
}
