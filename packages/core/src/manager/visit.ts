import type { Token } from '../crypto/token.ts'
import { Draft } from '../data/draft.ts'
import { InvalidDataSignal, VERSION_KEY } from '../data/shape.ts'
import { HeadersSentError, type InterruptedReason, SessionInterruptedError } from '../errors.ts'
import type { SessionRecord } from '../kernel/record.ts'
import type { Accepted } from '../kernel/rejudge.ts'
import type { Engine } from './engine.ts'
import { endWith, type Pending } from './intents.ts'
import type { Arrival, Loaded, Previous, Refused } from './load.ts'
import { isStoreFailure } from './store-gate.ts'

/** The token that the answer has to carry. A soft one must not leave after `until`. */
export type TokenEffect =
  | {
      readonly type: 'send'
      readonly sid: string
      readonly generation: number
      readonly lastsUntil: number | null
      readonly until: number | null
    }
  | { readonly type: 'clear' }

/** What the transport does for the manager. */
export interface Carrier {
  /** Throws when a token must not be set on this answer (plain http). */
  requireSecure(): void
  /** Throws a `CsrfError` as long as another site's page may have made the request. */
  requireProvenance(visit: Visit): void
  /** Shows by a form token that it was a page of the application; throws a `CsrfError` for a wrong one. */
  proveProvenance(visit: Visit, token: unknown): void
  /** A token for the forms of this answer. */
  issueFormToken(visit: Visit): string
}

/** One request's dealings with its session: what it found, what it wants, what the answer has to carry. */
export class Visit {
  readonly engine: Engine
  readonly arrival: Arrival
  readonly carrier: Carrier
  readonly loaded: Loaded
  /** The live stored session this visit acts on, or null. */
  record: SessionRecord | null
  token: Token | null
  accepted: Accepted
  /** Set for a stand-in: data cannot be written, and only signing in or out has effects. */
  refused: Refused | null
  previous: Previous | null
  /** What the next commit saves. Not shown while locked. */
  draft: Draft
  pending: Pending = nothing()
  /** Intents that a commit is carrying out. */
  underway: Pending | null = null
  effect: TokenEffect | null = null
  /** What the load left to write when convenient; the first commit takes it. */
  due: { confirm: boolean; touch: boolean; rotate: boolean }
  headersSent = false
  /** The application has looked at the session, so the answer depends on it. */
  read = false
  failure: unknown = null
  /** What a locked session shows instead of its data. */
  #hidden: Draft

  constructor(engine: Engine, arrival: Arrival, carrier: Carrier, loaded: Loaded) {
    this.engine = engine
    this.arrival = arrival
    this.carrier = carrier
    this.loaded = loaded
    this.record = loaded.accepted ? loaded.record : null
    this.token = loaded.accepted ? (loaded.tokens[0] as Token) : null // accepted by its token
    this.refused = loaded.refused
    this.previous = loaded.previous
    this.headersSent = arrival.upgrade
    const { arrivedAt, locked, effects } = loaded
    this.accepted = { arrivedAt, locked, hardRotations: this.record?.hardRotations ?? 0 }
    this.due = {
      confirm: effects.some((effect) => effect.type === 'replace'),
      touch: !arrival.passive && effects.some((effect) => effect.type === 'touch'),
      rotate: effects.some((effect) => effect.type === 'rotate'),
    }
    this.draft = this.freshDraft()
    this.#hidden = this.emptyDraft()
    if (effects.some((effect) => effect.type === 'send-token')) this.sendToken(arrivedAt)
  }

  /** Whether requests of this kind move the idle deadline: not passive ones, and not those in flight during a rotation. */
  get counts(): boolean {
    if (this.arrival.passive || this.accepted.locked || this.record === null || this.token === null) return false
    return this.token.generation >= this.record.generation || this.record.confirmedAt === null
  }

  /** Whether the client's harmless changes may become its baseline: not those of a client that is not accepted as the same. */
  get drifts(): boolean {
    const found = this.loaded.effects.find((effect) => effect.type === 'fingerprint-changed')
    return !this.accepted.locked && (found === undefined || found.band === 'observe')
  }

  /** The application looks at the session: the request has to come from its own pages, and the answer depends on it. */
  look(): this {
    this.carrier.requireProvenance(this)
    this.read = true
    return this
  }

  /** The session as the application sees it now: none while signed out, locked or refused. */
  get state(): 'anonymous' | 'authenticated' | 'locked' {
    const { signIn, end, steps } = this.intents
    const last = steps.findLast((step) => step.type !== 'rotate')
    if (signIn !== null) return last?.type === 'lock' ? 'locked' : 'authenticated'
    if (end !== null || this.record === null || this.record.subject === null) return 'anonymous'
    if (last !== undefined) return last.type === 'lock' ? 'locked' : 'authenticated'
    return this.accepted.locked ? 'locked' : 'authenticated'
  }

  /** Whose session it is, or will be after the sign-in. */
  get subject(): string | null {
    return this.intents.signIn?.subject ?? (this.record as SessionRecord).subject // asked only where there is one
  }

  /** Everything wanted and not yet done. */
  get intents(): Pending {
    const { underway, pending } = this
    if (underway === null || pending.end !== null || pending.signIn !== null) return pending
    return { ...underway, steps: [...underway.steps, ...pending.steps] }
  }

  get data(): Record<string, unknown> {
    if (this.state === 'locked') return this.#hidden.view
    try {
      return this.draft.view
    } catch (error) {
      if (!(error instanceof InvalidDataSignal)) throw error
      endWith(this, 'invalid')
      return this.draft.view
    }
  }

  /** Data goes from a visitor to anybody, and from a subject to itself, unless somebody else acted as that subject. */
  inheritable(record: SessionRecord | null, subject: string): boolean {
    return record === null || record.subject === null || (record.subject === subject && record.actor === null)
  }

  /** A response of 500 and above keeps what protects (sign-out, lock, rotate) and drops what it may not have meant. */
  dropFragile(): void {
    const { signIn, steps } = this.pending
    const kept = signIn === null ? steps : signIn.stepsBefore
    this.pending.steps = kept.filter((step) => step.type !== 'reauthenticate')
    this.pending.signIn = null
    this.pending.flashes = []
    this.draft = this.freshDraft()
    this.#hidden = this.emptyDraft()
  }

  /** Hands the intents over to a commit; what is wanted from here on is the next one's. */
  begin(): Pending {
    this.underway = this.pending
    this.pending = nothing()
    return this.underway
  }

  /** The commit failed. Unless the request itself was at fault, it sees a stand-in from here on. */
  fail(error: unknown): void {
    this.failure = error
    this.pending = { ...nothing(), end: this.pending.end }
    this.due = { confirm: false, touch: false, rotate: false }
    this.effect = null
    if (isStoreFailure(error)) this.refused = 'store'
    else if (error instanceof SessionInterruptedError) this.#interrupted(error.reason)
    if (this.refused !== null) this.record = null
    this.draft = this.freshDraft()
  }

  /** From here on the visit acts on `record`, which is stored; `token` is new where the record is. */
  adopt(record: SessionRecord, token: Token | null = this.token): void {
    this.record = record
    this.token = token
    this.refused = null
    this.accepted = {
      arrivedAt: this.accepted.arrivedAt,
      hardRotations: record.hardRotations,
      locked: record.state === 'locked',
    }
  }

  /** The answer has to carry the current token; until when, if a later answer may have overtaken it. */
  sendToken(softSince: number | null): void {
    const { persistent, absoluteAt, generation } = this.record as SessionRecord // only live sessions send tokens
    const { sid } = this.token as Token // which they were opened with
    const until = softSince === null ? null : softSince + this.engine.policy.overlapMs / 2
    this.effect = { type: 'send', sid, generation, lastsUntil: persistent ? absoluteAt : null, until }
  }

  /** Throws what keeps a token from being set on this answer. */
  requireToken(change: string): void {
    if (this.headersSent) throw new HeadersSentError(change)
    this.carrier.requireSecure()
  }

  /** Whether a locked session's substitute for data was written to; asked once. */
  takeHiddenWrites(): boolean {
    const written = this.#hidden.changes().patch.size > 0
    if (written) this.#hidden = this.emptyDraft()
    return written
  }

  freshDraft(): Draft {
    const { record } = this
    return record === null || this.pending.end !== null
      ? this.emptyDraft()
      : this.newDraft(record.data, record.extra[VERSION_KEY])
  }

  emptyDraft(): Draft {
    return this.newDraft('', this.engine.shape.version)
  }

  newDraft(text: string, version: string | undefined): Draft {
    return new Draft(text, this.engine.shape, version)
  }

  /** An ended session may have been replaced by a sign-in, whose cookie nothing here may overwrite. */
  #interrupted(reason: InterruptedReason): void {
    if (reason === 'ended') this.refused = 'replaced'
    if (reason === 'superseded') this.refused = 'superseded'
    if (reason === 'locked') this.accepted = { ...this.accepted, locked: true }
  }
}

/** No intents. */
export function nothing(): Pending {
  return { end: null, signIn: null, steps: [], flashes: [] }
}
