import { CsrfError } from '../../errors.ts'
import type { Engine } from '../../manager/engine.ts'
import type { SessionEvents } from '../../manager/events.ts'
import { emit } from '../../manager/load.ts'
import type { Visit } from '../../manager/visit.ts'
import { headerOf, type RequestFacts } from '../facts.ts'
import type { FormTokens } from './form-tokens.ts'
import { isSafe, isSimple, judgeHandshake, judgeProvenance, mayLoad } from './judge.ts'
import type { CsrfPolicy } from './options.ts'
import type { Doubt, Suspect } from './suspect.ts'
import type { WriteCookie } from './write-cookie.ts'

type Reason = SessionEvents['csrf-refused']['reason']

/** Methods whose content has to carry the token in the `nist` profile. @see NIST SP 800-63B-4 §5.1 */
const WITH_CONTENT: readonly string[] = ['POST', 'PUT', 'PATCH']

/**
 * Refuses requests that other sites have made. What the headers give away is refused before the session is loaded; what needs a
 * token is refused when the session is looked at, so that the application can read the body first.
 */
export class CsrfGuard {
  readonly #engine: Engine
  readonly #policy: CsrfPolicy
  readonly #tokens: FormTokens
  readonly #write: WriteCookie | null

  constructor(engine: Engine, policy: CsrfPolicy, tokens: FormTokens, write: WriteCookie | null) {
    this.#engine = engine
    this.#policy = policy
    this.#tokens = tokens
    this.#write = write
  }

  /** Name of the form field that carries tokens. */
  get field(): string {
    return this.#policy.field
  }

  /** Whether answers that depend on the session depend on the page that asks as well. */
  get isolates(): boolean {
    return this.#policy.isolation !== 'off'
  }

  /** Refuses what is certain, and notes what the request still has to show. `known`: it carries the session cookie. */
  examine(suspect: Suspect, known: boolean): void {
    const { method, upgrade = false, headers, token } = suspect.facts
    if (headers === undefined || token !== undefined) return
    if (method !== undefined && isSafe(method) && !upgrade) suspect.doubt = this.isolates ? 'embedded' : null
    else if (!this.#policy.exempt?.(suspect.facts)) this.#examineUnsafe(suspect, known)
  }

  #examineUnsafe(suspect: Suspect, known: boolean): void {
    const { facts } = suspect
    const { profile, missing, header } = this.#policy
    // Of the safe methods only a handshake gets here.
    const handshake = facts.method === undefined || isSafe(facts.method)
    const provenance = handshake ? judgeHandshake(facts, this.#policy) : judgeProvenance(facts, this.#policy)
    if (provenance === 'other-site') this.#refuse(suspect, null, 'site')
    else if (provenance === 'other-origin') this.#refuse(suspect, null, 'origin')
    else if (!handshake && profile === 'apiOnly' && isSimple(facts, header)) this.#refuse(suspect, null, 'form')
    else if (provenance === 'unknown' && missing === 'deny') this.#refuse(suspect, null, 'missing')
    else if (!handshake) suspect.doubt = this.#doubtOf(suspect, provenance === 'unknown', known)
  }

  #doubtOf(suspect: Suspect, unknown: boolean, known: boolean): Doubt {
    const { profile, missing, strictWrites } = this.#policy
    if (profile === 'nist') return WITH_CONTENT.includes(suspect.facts.method ?? '') ? 'body' : 'token'
    // What got past the form check of apiOnly, no other site can send unasked.
    const asks = unknown && missing === 'token' && profile === 'modern'
    if (asks && (known || this.#tokens.marks(suspect))) return 'token'
    return strictWrites ? 'write' : null
  }

  /** The session is about to be looked at: what is still in doubt has to be settled by what the request carries. */
  settle(suspect: Suspect, visit: Visit): void {
    const reason = this.#reasonAgainst(suspect, visit)
    if (reason === null) suspect.doubt = null
    else this.#refuse(suspect, visit, reason)
  }

  /** Settles the doubt by a token from the body; undefined: there was none. */
  prove(suspect: Suspect, visit: Visit, token: unknown): void {
    if (suspect.doubt !== 'token' && suspect.doubt !== 'body') return
    const given = token !== undefined && token !== null
    if (given && this.#tokens.accepts(suspect, visit, token)) suspect.doubt = 'write'
    if (given && suspect.doubt !== 'write') this.#refuse(suspect, visit, 'token')
    else this.settle(suspect, visit)
  }

  #reasonAgainst(suspect: Suspect, visit: Visit): Reason | null {
    const { doubt, facts } = suspect
    if (doubt === 'embedded') return mayLoad(facts, this.#policy) || this.#policy.exempt?.(facts) ? null : 'embedded'
    const token = doubt === 'token' ? headerOf(facts, this.#policy.header) : undefined
    if (doubt !== 'write' && !this.#tokens.accepts(suspect, visit, token)) return 'token'
    return this.#write?.allows(suspect, visit) === false ? 'write' : null
  }

  /** One event, and the same words for every reason: whoever is turned away learns nothing about why. */
  #refuse(suspect: Suspect, visit: Visit | null, reason: Reason): void {
    const enforced = !this.#policy.reportOnly
    if (!suspect.refused) this.#tell(suspect.facts, visit, reason, enforced)
    suspect.refused = enforced
    if (enforced) throw new CsrfError()
    suspect.doubt = null
  }

  #tell(facts: RequestFacts, visit: Visit | null, reason: Reason, enforced: boolean): void {
    const origin = headerOf(facts, 'origin') ?? ''
    emit(this.#engine, 'csrf-refused', visit?.record ?? null, {
      reason,
      enforced,
      method: facts.method ?? null,
      path: facts.url?.replace(/^[a-z]+:\/\/[^/?#]*|[?#].*$/gis, '') ?? null,
      origin: /^[\x21-\x7e]{1,255}$/.test(origin) ? origin : null,
    })
    if (reason === 'token') this.#advise(facts.method)
  }

  #advise(method: string | undefined): void {
    const { profile, header, field } = this.#policy
    const why = profile === 'nist' ? 'in the nist profile' : 'without Sec-Fetch-Site and Origin (no browser sends that)'
    this.#engine.advise(
      `a ${method} ${why} needs a form token: session.csrfToken() in the field \`${field}\`, read by csrf(sessions) behind the body parser, or by session.verifyCsrf(token)${profile === 'nist' ? '' : `; or in the header \`${header}\`. Clients of your own can send Origin`}.`,
    )
  }
}
