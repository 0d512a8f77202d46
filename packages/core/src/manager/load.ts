import { readToken, sidToId, type Token } from '../crypto/token.ts'
import { SessionInterruptedError, StoreUnavailableError } from '../errors.ts'
import { type Expiry, expire } from '../kernel/expire.ts'
import type { Actor, Device, EndedReason, SessionRecord } from '../kernel/record.ts'
import { type Effect, type Refusal, type SessionEvent, standing, transition } from '../kernel/transition.ts'
import { type Client, observedBy } from './client.ts'
import type { Engine } from './engine.ts'
import type { SessionEvents, SessionEventType } from './events.ts'
import { type Budget, callStore, withBudget } from './store-gate.ts'
import { swap } from './swap.ts'

/** What a transport knows about one request. */
export interface Arrival {
  /** Texts that were sent as our token, at most three. */
  readonly tokens: readonly string[]
  readonly client: Client | null
  readonly device: Device | null
  /** Nothing can be set on the answer. */
  readonly upgrade: boolean
  /** The request does not count as activity. */
  readonly passive: boolean
}

/**
 * Why a request sees a read-only, anonymous stand-in in place of its session. `superseded`: its token was replaced by a hard
 * rotation. `replaced`: it was signed in anew a moment ago. `store`: the store failed. `ahead`: the store lost more
 * rotations than can be rolled forward. `ambiguous`: tokens of several sessions were sent.
 */
export type Refused = 'superseded' | 'replaced' | 'store' | 'ahead' | 'ambiguous'

/** What became of the session that the request's token belonged to. */
export interface Previous {
  readonly reason: EndedReason | Expiry
}

/** The session as this request found it. */
export interface Loaded {
  readonly arrivedAt: number
  /** Set for a stand-in. */
  readonly refused: Refused | null
  readonly previous: Previous | null
  /** The genuine tokens that were sent: none for a new visitor, several sids only when `ambiguous`. */
  readonly tokens: readonly Token[]
  /** The stored record the token belongs to, even if it was refused; when accepted, with this request's own row applied. */
  readonly record: SessionRecord | null
  readonly accepted: boolean
  readonly locked: boolean
  readonly effects: readonly Effect[]
}

/** Emits one event about a record. */
export function emit<T extends SessionEventType>(
  engine: Engine,
  type: T,
  about: (Pick<SessionRecord, 'id' | 'subject'> & { readonly actor?: Actor | null }) | null,
  detail: SessionEvents[T],
): void {
  const { id: handle = null, subject = null, actor } = about ?? {}
  const acting = actor == null ? {} : { actor: actor.subject }
  const at = engine.clock.now()
  // The detail fits the type by the signature; TypeScript does not distribute the union over a generic.
  engine.hub.emit({ type, at, handle, subject, ...acting, ...detail } as never)
  if (type === 'ended' && actor != null) {
    engine.hub.emit({ type: 'impersonation-ended', at, handle, subject, ...acting, ...detail } as never)
  }
}

/** Reports a failed store call. */
export function reportFailure(
  engine: Engine,
  operation: string,
  record: SessionRecord | null,
  fatal: boolean,
  error: unknown,
): void {
  const { cause, message: own } = error as Error // what callStore() rejects with, or worse
  const message = cause instanceof Error ? cause.message : own
  emit(engine, 'store-failed', record, { operation, fatal, message })
}

/** Verifies the tokens, reads the record once, and judges the request. Input that is not authentic costs no store call. */
export async function load(engine: Engine, arrival: Arrival): Promise<Loaded> {
  const arrivedAt = engine.clock.now()
  const tokens = arrival.tokens
    .slice(0, 3)
    .map((text) => readToken(text, engine.tokens))
    .filter((token) => token !== null)
  if (tokens.length === 0) {
    if (arrival.tokens.length > 0) emit(engine, 'token-refused', null, { reason: 'malformed' })
    return refusal(arrivedAt, [], null)
  }
  const token = tokens.reduce((best, next) => (next.generation > best.generation ? next : best))
  if (tokens.some((other) => other.sid !== token.sid)) {
    emit(engine, 'token-refused', null, { reason: 'ambiguous' })
    return refusal(arrivedAt, tokens, null, 'ambiguous')
  }
  try {
    return await withBudget(engine.storeTimeoutMs, (budget) => recall(engine, budget, token, arrival, arrivedAt))
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error
    reportFailure(engine, 'get', null, engine.onStoreError === 'fail', error)
    if (engine.onStoreError === 'fail') throw error
    return refusal(arrivedAt, [token], null, 'store')
  }
}

/** Reads the record of a verified token and judges the request. */
export async function recall(
  engine: Engine,
  budget: Budget,
  token: Token,
  arrival: Arrival,
  arrivedAt: number,
): Promise<Loaded> {
  const id = sidToId(token.sid)
  const record = await callStore(engine, budget, 'get', (options) => engine.store.get(id, options))
  const event: SessionEvent = {
    type: 'present',
    arrivedAt,
    generation: token.generation,
    oldKey: token.oldKey,
    upgrade: arrival.upgrade,
    fingerprint: observedBy(engine, arrival.client, token.sid, record),
  }
  return judge(engine, budget, record, token, event)
}

function judge(
  engine: Engine,
  budget: Budget,
  record: SessionRecord | null,
  token: Token,
  event: Extract<SessionEvent, { type: 'present' }>,
): Loaded | Promise<Loaded> {
  const { arrivedAt } = event
  const outcome = transition(record, event, engine.policy, arrivedAt)
  if (outcome.ok) {
    announce(engine, outcome.record, outcome.effects)
    const locked = standing(outcome.record, engine.policy, arrivedAt, arrivedAt) === 'locked'
    if (locked) announceLock(engine, record, outcome.record)
    const { effects } = outcome
    return {
      arrivedAt,
      refused: null,
      previous: null,
      tokens: [token],
      record: outcome.record,
      accepted: true,
      locked,
      effects,
    }
  }
  if (record === null) {
    emit(engine, 'token-refused', { id: sidToId(token.sid), subject: null }, { reason: 'unknown' })
    return refusal(arrivedAt, [token], null)
  }
  if (outcome.record !== record) return endAtLoad(engine, budget, record, token, event)
  return refuse(engine, record, token, arrivedAt, outcome.refusal)
}

/** Ends the session that the presented token gives away. Unwritten, the request is refused as superseded. */
async function endAtLoad(
  engine: Engine,
  budget: Budget,
  record: SessionRecord,
  token: Token,
  event: Extract<SessionEvent, { type: 'present' }>,
): Promise<Loaded> {
  const { arrivedAt } = event
  let effects: readonly Effect[] = []
  try {
    const { wrote, current } = await swap(engine, budget, {
      from: record,
      durability: 'replicated',
      build: (now) => {
        const outcome = transition(now, event, engine.policy, arrivedAt)
        effects = outcome.effects
        return !outcome.ok && outcome.record !== now ? outcome.record : null
      },
    })
    if (wrote === null) return await judge(engine, budget, current, token, event)
    announce(engine, wrote, effects)
    const reason = wrote.endedReason as EndedReason
    emit(engine, 'ended', wrote, { reason })
    return refusal(arrivedAt, [token], wrote, null, { reason })
  } catch (error) {
    if (error instanceof SessionInterruptedError) return refusal(arrivedAt, [token], null)
    reportFailure(engine, 'replace', record, false, error)
    return refusal(arrivedAt, [token], record, 'superseded')
  }
}

function refuse(engine: Engine, record: SessionRecord, token: Token, arrivedAt: number, why: Refusal): Loaded {
  if (why.why === 'expired') {
    emit(engine, 'expired', record, { reason: why.reason })
    return refusal(arrivedAt, [token], record, null, { reason: why.reason })
  }
  if (why.why === 'ended') {
    emit(engine, 'token-refused', record, { reason: 'ended' })
    return refusal(arrivedAt, [token], record, null, { reason: reasonOf(engine, record, why.reason) })
  }
  // Of all refusals a presentation can meet, these three are left: see `admit` and `gone` in the grid.
  const refused = why.why as 'superseded' | 'ahead' | 'replaced'
  emit(engine, 'token-refused', record, { reason: refused })
  return refusal(arrivedAt, [token], record, refused, refused === 'replaced' ? { reason: 'replaced' } : null)
}

/** What others ended may have been over by its deadlines already; then that is why. */
function reasonOf(engine: Engine, record: SessionRecord, reason: EndedReason): EndedReason | Expiry {
  if (!byOthers(reason) || record.endedAt === null) return reason
  return expire(record, engine.policy, record.endedAt) ?? reason
}

/** Whether such an end comes from another request than the session's own. */
export function byOthers(reason: EndedReason): boolean {
  return reason === 'evicted' || reason === 'revoked'
}

function announce(engine: Engine, record: SessionRecord, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.type === 'store-rollback') emit(engine, 'store-rollback', record, { generation: record.generation })
    if (effect.type === 'fingerprint-changed') {
      const { score, reasons, band, enforced } = effect
      emit(engine, 'fingerprint-changed', record, { score, reasons, verdict: band, enforced })
    }
  }
}

/** A lock that this request has found or brought about; one that was asked for has been told already. */
function announceLock(engine: Engine, before: SessionRecord | null, record: SessionRecord): void {
  if (record.state !== 'locked') emit(engine, 'locked', record, { reason: 'idle' })
  else if (before?.state !== 'locked') emit(engine, 'locked', record, { reason: 'fingerprint' })
}

function refusal(
  arrivedAt: number,
  tokens: readonly Token[],
  record: SessionRecord | null,
  refused: Refused | null = null,
  previous: Previous | null = null,
): Loaded {
  return { arrivedAt, refused, previous, tokens, record, accepted: false, locked: false, effects: [] }
}
