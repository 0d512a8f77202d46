import { applyPatch, type Changes, pickKeys } from '../data/draft.ts'
import { InterruptedError } from '../errors.ts'
import { invalidate } from '../kernel/invalidate.ts'
import type { Authentication, Device, SessionRecord } from '../kernel/record.ts'
import { createRecord, issueFor } from './create.ts'
import { endRecord } from './end.ts'
import type { SignInIntent } from './intents.ts'
import { emit, recall, reportFailure } from './load.ts'
import type { Budget } from './store-gate.ts'
import { swap } from './swap.ts'
import type { Visit } from './visit.ts'

/** The session that a sign-in takes over from, and whether its data may be carried. */
interface Predecessor {
  readonly record: SessionRecord
  readonly inherits: boolean
}

/**
 * Signing in issues a new session and ends the old one, in this order: create the new record; end the old one on the very
 * data that was carried, carrying again if it changed; only then may the cookie leave.
 *
 * @see OWASP ASVS 5.0 7.2.4; OWASP Session Management Cheat Sheet, Session ID Life Cycle
 */
export async function commitSignIn(
  visit: Visit,
  budget: Budget,
  intent: SignInIntent,
  changes: Changes,
): Promise<void> {
  const { engine, arrival } = visit
  visit.requireToken('signIn()')
  const old = await predecessor(visit, budget, intent)
  const data = old === null ? changes.text : newData(visit, intent, changes, old)
  const { sid, record } = issueFor(engine, arrival, {
    subject: intent.subject,
    auth: authentication(visit, intent),
    persistent: intent.options.persistent ?? false,
    device: engine.device ? deviceOf(arrival.device, intent.options.deviceName) : null,
    data,
  })
  const issued: SessionRecord = visit.state === 'locked' ? { ...record, state: 'locked' } : record
  await createRecord(engine, budget, issued, 'replicated')
  const final = old === null ? issued : await takeOver(visit, budget, intent, changes, old, issued)
  visit.adopt(final, { sid, generation: 0, oldKey: false })
  visit.due = { confirm: false, touch: false, rotate: false }
  visit.draft.settle(changes, final.data)
  visit.sendToken(null)
  emit(engine, 'signed-in', final, { replaced: old?.record.id ?? null })
}

async function predecessor(visit: Visit, budget: Budget, intent: SignInIntent): Promise<Predecessor | null> {
  const { engine, loaded, refused } = visit
  if (visit.record !== null) return { record: visit.record, inherits: visit.inheritable(visit.record, intent.subject) }
  if (refused === 'superseded' || refused === 'ahead') {
    return loaded.record === null ? null : { record: loaded.record, inherits: false }
  }
  const token = loaded.tokens[0]
  if (refused !== 'store' || token === undefined) return null
  const again = await recall(engine, budget, token, visit.arrival, loaded.arrivedAt)
  if (again.record === null || again.record.state === 'ended') return null
  return { record: again.record, inherits: again.accepted && visit.inheritable(again.record, intent.subject) }
}

/** Ends the old session; the record of the new one, with everything carried that was there when the old one ended. */
async function takeOver(
  visit: Visit,
  budget: Budget,
  intent: SignInIntent,
  changes: Changes,
  old: Predecessor,
  issued: SessionRecord,
): Promise<SessionRecord> {
  try {
    return await endReplaced(visit, budget, intent, changes, old, issued)
  } catch (error) {
    const { engine } = visit
    if (old.record.subject === null) {
      reportFailure(engine, 'replace', old.record, false, error)
      return issued
    }
    await endRecord(visit, budget, issued, 'revoked').catch((failure: unknown) => {
      reportFailure(engine, 'replace', issued, true, failure)
    })
    throw error
  }
}

async function endReplaced(
  visit: Visit,
  budget: Budget,
  intent: SignInIntent,
  changes: Changes,
  old: Predecessor,
  issued: SessionRecord,
): Promise<SessionRecord> {
  const { engine } = visit
  let fresh = issued
  let base = old.record
  for (;;) {
    const carried = fresh.data
    const dataOf = (record: SessionRecord) => newData(visit, intent, changes, { ...old, record })
    const current = await endUnlessChanged(visit, budget, base, (record) => dataOf(record) === carried)
    if (current === null) return fresh
    base = current
    const { wrote } = await swap(engine, budget, { from: fresh, build: (now) => ({ ...now, data: dataOf(base) }) })
    fresh = wrote ?? fresh
  }
}

/** Ends the old session if `unchanged` holds for what is stored; otherwise returns what is. Ended or gone needs no ending. */
async function endUnlessChanged(
  visit: Visit,
  budget: Budget,
  from: SessionRecord,
  unchanged: (current: SessionRecord) => boolean,
): Promise<SessionRecord | null> {
  const { engine } = visit
  try {
    const { wrote, current } = await swap(engine, budget, {
      from,
      durability: 'replicated',
      build: (now) =>
        now.state !== 'ended' && unchanged(now) ? invalidate(now, 'replaced', engine.policy, engine.clock.now()) : null,
    })
    if (wrote !== null) emit(engine, 'ended', wrote, { reason: 'replaced' })
    return wrote !== null || current.state === 'ended' ? null : current
  } catch (error) {
    if (error instanceof InterruptedError) return null
    throw error
  }
}

/** The new session's data: what is carried from the old record as it is now, and what was changed since the sign-in. */
function newData(visit: Visit, intent: SignInIntent, changes: Changes, old: Predecessor): string {
  if (!old.inherits) return changes.text
  const { shape } = visit.engine
  const before = intent.before.changes()
  const merged = applyPatch(before.patch, intent.before.text, old.record.data, shape).text
  const carried = pickKeys(merged, intent.carry)
  return carried === visit.draft.text ? changes.text : applyPatch(changes.patch, visit.draft.text, carried, shape).text
}

function authentication(visit: Visit, intent: SignInIntent): Authentication {
  const { methods = [], level } = intent.options
  const proofs = visit.pending.steps.filter((step) => step.type === 'reauthenticate')
  return {
    at: visit.accepted.arrivedAt,
    methods: [...new Set([...methods, ...proofs.map((proof) => proof.method)])],
    level: proofs.findLast((proof) => proof.level !== undefined)?.level ?? level ?? null,
  }
}

function deviceOf(device: Device | null, name: string | undefined): Device {
  return name === undefined ? { ...device } : { ...device, name }
}
