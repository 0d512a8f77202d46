import { InsecureError } from '../errors.ts'
import type { Engine } from '../manager/engine.ts'
import { emit } from '../manager/load.ts'
import type { Carrier, Visit } from '../manager/visit.ts'
import type { FormTokens } from './csrf/form-tokens.ts'
import type { CsrfGuard } from './csrf/guard.ts'
import type { Doubt, Suspect } from './csrf/suspect.ts'
import type { RequestFacts } from './facts.ts'

/** One request and its connection, as far as tokens are concerned. */
export class Channel implements Carrier, Suspect {
  readonly facts: RequestFacts
  readonly guard: CsrfGuard | null
  doubt: Doubt = null
  refused = false
  drawn: string | null = null
  readonly #engine: Engine
  readonly #formTokens: FormTokens
  readonly #security: 'secure' | 'insecure' | 'development'

  constructor(
    engine: Engine,
    formTokens: FormTokens,
    guard: CsrfGuard | null,
    facts: RequestFacts,
    security: 'secure' | 'insecure' | 'development',
  ) {
    this.#engine = engine
    this.#formTokens = formTokens
    this.guard = guard
    this.facts = facts
    this.#security = security
  }

  get development(): boolean {
    return this.#security === 'development'
  }

  requireSecure(): void {
    if (this.#security !== 'insecure') return
    emit(this.#engine, 'insecure', null, {})
    throw new InsecureError(
      'The request came over plain http, where a session token must not travel. Serve https; behind a proxy that terminates it, tell the framework to trust that proxy (trust proxy, trustProxy, app.proxy).',
    )
  }

  requireProvenance(visit: Visit): void {
    if (this.doubt !== null) this.guard?.settle(this, visit)
  }

  proveProvenance(visit: Visit, token: unknown): void {
    this.guard?.prove(this, visit, token)
  }

  issueFormToken(visit: Visit): string {
    return this.#formTokens.issue(this, visit)
  }
}
