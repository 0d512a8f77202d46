import { mintSid, sidToId } from '../crypto/token.ts'
import { VERSION_KEY } from '../data/shape.ts'
import { SessionInterruptedError, StoreAmbiguousError, StoreUnavailableError } from '../errors.ts'
import { type IssueInput, issue } from '../kernel/issue.ts'
import { bears, type SessionRecord } from '../kernel/record.ts'
import { fingerprintOf } from './client.ts'
import type { Engine } from './engine.ts'
import type { Arrival } from './load.ts'
import { type Budget, callStore } from './store-gate.ts'
import { revisionRandom } from './swap.ts'

/** A new session and the secret that opens it. */
export interface Issued {
  readonly sid: string
  readonly record: SessionRecord
}

/** Issues a session with a fresh sid; nothing is stored yet. */
export function issueFor(
  engine: Engine,
  arrival: Arrival,
  input: Omit<IssueInput, 'id' | 'random' | 'fingerprint'>,
): Issued {
  const sid = mintSid(engine.random.bytes(32))
  const version = engine.shape.version === undefined ? {} : { [VERSION_KEY]: engine.shape.version }
  const extra = { ...input.extra, ...version }
  const fingerprint = fingerprintOf(arrival.client, sid)
  const complete = { ...input, id: sidToId(sid), random: revisionRandom(engine), fingerprint, extra }
  return { sid, record: issue(complete, engine.policy, engine.clock.now()) }
}

/**
 * Stores a new record. A lost answer is found by reading again; the sid has not left the process, so trying twice is safe.
 * Somebody may have ended the session before it was there, or before we knew.
 */
export async function createRecord(
  engine: Engine,
  budget: Budget,
  record: SessionRecord,
  durability?: 'replicated',
): Promise<void> {
  let failure: unknown
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const created = await callStore(
        engine,
        budget,
        'create',
        (options) => engine.store.create(record, options),
        durability,
      )
      if (created) return
    } catch (error) {
      if (error instanceof StoreAmbiguousError || budget.spent) throw error
      failure = error
    }
    const there = await callStore(engine, budget, 'get', (options) => engine.store.get(record.id, options))
    if (there?.state === 'ended') {
      throw new SessionInterruptedError('ended', 'The new session was ended while it was being made.')
    }
    if (there !== null && bears(there, [record.revision])) return
  }
  throw failure ?? new StoreUnavailableError('create: the store says there is a record of this id')
}
