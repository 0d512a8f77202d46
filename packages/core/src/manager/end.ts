import { sidToId, type Token } from '../crypto/token.ts'
import { SessionInterruptedError, StoreUnavailableError } from '../errors.ts'
import { expire } from '../kernel/expire.ts'
import type { EndedReason, SessionRecord } from '../kernel/record.ts'
import { transition } from '../kernel/transition.ts'
import type { Engine } from './engine.ts'
import { byOthers, emit } from './load.ts'
import { type Budget, callStore } from './store-gate.ts'
import { swap } from './swap.ts'
import type { Visit } from './visit.ts'

/**
 * Carries out a sign-out: ends the record for any genuine token of it, superseded and expired ones too, and has the cookie
 * cleared if the request sent it. Right after a new sign-in (`replaced`) it does neither.
 */
export async function endSource(visit: Visit, budget: Budget, reason: EndedReason): Promise<void> {
  const { refused } = visit
  if (refused === 'store') throw new StoreUnavailableError('sign-out: the session could not be read')
  if (refused !== 'replaced') {
    const record = visit.record ?? visit.loaded.record
    if (record !== null) await endRecord(visit.engine, budget, record, reason)
    else for (const token of new Set(visit.loaded.tokens)) await endUnread(visit, budget, token, reason)
    visit.effect = reason === 'signed-out' && visit.arrival.tokens.length > 0 ? { type: 'clear' } : null
    visit.refused = null
  }
  visit.record = null
  visit.token = null
  visit.due = { confirm: false, touch: false, rotate: false }
}

async function endUnread(visit: Visit, budget: Budget, token: Token, reason: EndedReason): Promise<void> {
  const { engine } = visit
  const id = sidToId(token.sid)
  const record = await callStore(engine, budget, 'get', (options) => engine.store.get(id, options))
  if (record !== null) await endRecord(engine, budget, record, reason)
}

/** Ends one record for good; whether it lived until now. Already ended, or gone from the store, is as good. */
export async function endRecord(
  engine: Engine,
  budget: Budget,
  record: SessionRecord,
  reason: EndedReason,
): Promise<boolean> {
  let lived = false
  await engine.queue.run(record.id, budget, async (latest) => {
    try {
      const { wrote, from, current } = await swap(engine, budget, {
        from: latest ?? record,
        durability: 'replicated',
        build: (now) => endedBy(engine, now, reason),
      })
      if (wrote !== null) lived = announce(engine, from, reason)
      return current
    } catch (error) {
      if (error instanceof SessionInterruptedError) return record
      throw error
    }
  })
  return lived
}

/** One event for an end: what others end may have been over by its deadlines. Whether it was not. */
function announce(engine: Engine, from: SessionRecord, reason: EndedReason): boolean {
  const expiry = expire(from, engine.policy, engine.clock.now())
  if (expiry !== null && byOthers(reason)) emit(engine, 'expired', from, { reason: expiry })
  else emit(engine, 'ended', from, { reason })
  return expiry === null
}

/** The ended record, or null if it has ended already. */
export function endedBy(engine: Engine, record: SessionRecord, reason: EndedReason): SessionRecord | null {
  const now = engine.clock.now()
  const outcome = transition(record, { type: 'invalidate', reason, arrivedAt: now }, engine.policy, now)
  return outcome.ok && outcome.record !== record ? outcome.record : null
}
