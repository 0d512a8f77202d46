import { credentialDigest } from '../crypto/credential.ts'
import { applyPatch, mergeChanges, pickKeys } from '../data/draft.ts'
import { SessionInterruptedError, ValueError } from '../errors.ts'
import type { Device, SessionRecord } from '../kernel/record.ts'
import { requireUnchanged } from './acting.ts'
import { issueFor } from './create.ts'
import { pendingStamp } from './credential.ts'
import { endedBy, endRecord } from './end.ts'
import type { Engine } from './engine.ts'
import { withFlashes } from './flash.ts'
import { authAtIssue } from './freshness.ts'
import type { SignInIntent, Work } from './intents.ts'
import { storeSignedIn } from './limits.ts'
import { emit, recall, reportFailure } from './load.ts'
import { type Budget, isStoreFailure } from './store-gate.ts'
import { swap } from './swap.ts'

/** A sign-in being carried out: what it is to do, and the session it takes over from. */
interface TakeOver {
  readonly work: Work
  readonly intent: SignInIntent
  readonly old: SessionRecord
  /** Whether the old session's data may be carried. */
  readonly inherits: boolean
}

/**
 * Signing in issues a new session and ends the old one, in this order: make room, if there is a limit; create the new record;
 * end the old one on the very data that was carried, carrying again if it changed; only then may the cookie leave.
 *
 * @see OWASP ASVS 5.0 7.2.4; OWASP Session Management Cheat Sheet, Session ID Life Cycle
 */
export async function commitSignIn(work: Work, intent: SignInIntent, budget: Budget): Promise<void> {
  const { visit, changes, draft } = work
  const { engine } = visit
  visit.requireToken('signIn()')
  const takeOver = await predecessor(work, intent, budget)
  const data = takeOver === null ? changes.text : newData(takeOver, takeOver.old)
  const { sid, record } = issueSignedIn(work, intent, data)
  await storeSignedIn(engine, budget, record, takeOver?.old ?? null)
  const final = takeOver === null ? record : await endOld(takeOver, record, budget)
  visit.adopt(final, { sid, generation: 0, oldKey: false })
  visit.due = { confirm: false, touch: false, rotate: false }
  draft.settle(changes, final.data)
  visit.sendToken(null)
  announce(engine, intent, final, takeOver?.old.id ?? null)
  if (final.state === 'locked') emit(engine, 'locked', final, { reason: 'asked' })
}

function announce(engine: Engine, { handover }: SignInIntent, issued: SessionRecord, replaced: string | null): void {
  const actor = handover?.actor ?? null
  if (actor === null) emit(engine, 'signed-in', issued, { replaced })
  else emit(engine, 'impersonation-started', issued, { actor: actor.subject, replaced, absoluteAt: issued.absoluteAt })
}

function issueSignedIn(
  { visit, intents }: Work,
  intent: SignInIntent,
  data: string,
): { sid: string; record: SessionRecord } {
  const { engine, arrival } = visit
  const { persistent = false, deviceName } = intent.options
  const { sid, record } = issueFor(engine, arrival, {
    ...intent.handover,
    subject: intent.subject,
    auth: authAtIssue(intent, intents.steps, visit.accepted.arrivedAt),
    persistent,
    device: engine.device ? deviceOf(arrival.device, deviceName) : null,
    extra: withFlashes({}, intents.flashes),
    data,
  })
  const last = intents.steps.findLast((step) => step.type !== 'rotate')
  const stamp = pendingStamp(intents)
  const credential = stamp === undefined ? null : credentialDigest(sid, stamp)
  return { sid, record: { ...record, credential, state: last?.type === 'lock' ? 'locked' : record.state } }
}

async function predecessor(work: Work, intent: SignInIntent, budget: Budget): Promise<TakeOver | null> {
  const { visit } = work
  const { loaded, refused, record } = visit
  const from = (old: SessionRecord | null, accepted: boolean): TakeOver | null => {
    if (old === null || old.state === 'ended') return null
    return { work, intent, old, inherits: accepted && visit.inheritable(old, intent.subject) }
  }
  if (record !== null) return from(record, true)
  if (refused === 'superseded' || refused === 'ahead') return from(loaded.record, false)
  const token = loaded.tokens[0]
  if (refused !== 'store' || token === undefined) return null
  const again = await recall(visit.engine, budget, token, visit.arrival, loaded.arrivedAt)
  return from(again.record, again.accepted)
}

/**
 * Ends the old session; returns the record of the new one, with everything carried that was there when the old one ended. A
 * visitor's session that cannot be ended is left behind; for a signed-in one the new session is given up instead.
 */
async function endOld(takeOver: TakeOver, issued: SessionRecord, budget: Budget): Promise<SessionRecord> {
  const { work, old } = takeOver
  const { engine } = work.visit
  let fresh = issued
  let base: SessionRecord | null = old
  try {
    for (;;) {
      base = await endUnlessChanged(takeOver, base, fresh.data, budget)
      if (base === null) return fresh
      const data = newData(takeOver, base)
      const { wrote } = await swap(engine, budget, { from: fresh, build: (now) => ({ ...now, data }) })
      fresh = wrote as SessionRecord // build() always gives one
    }
  } catch (error) {
    if (old.subject === null && isStoreFailure(error)) {
      reportFailure(engine, 'replace', old, false, error)
      return fresh
    }
    await endRecord(engine, budget, fresh, 'revoked').catch((failure: unknown) => {
      reportFailure(engine, 'replace', fresh, true, failure)
    })
    throw error
  }
}

/**
 * Ends the old session if it still gives the data that was carried; otherwise returns it as it is now. Gone needs no ending,
 * unless the new one came out of it: then it must still be there to give way.
 */
async function endUnlessChanged(
  takeOver: TakeOver,
  from: SessionRecord,
  carried: string,
  budget: Budget,
): Promise<SessionRecord | null> {
  const { visit } = takeOver.work
  const { intent } = takeOver
  try {
    const { wrote, current } = await swap(visit.engine, budget, {
      from,
      durability: 'replicated',
      build: (now) => {
        if (intent.handover !== null) requireUnchanged(visit, now)
        return newData(takeOver, now) === carried ? endedBy(visit.engine, now, 'replaced') : null
      },
    })
    if (wrote !== null) emit(visit.engine, 'ended', wrote, { reason: 'replaced' })
    return wrote !== null || current.state === 'ended' ? null : current
  } catch (error) {
    if (intent.handover === null && error instanceof SessionInterruptedError) return null
    throw error
  }
}

/** The new session's data: what is carried from the old record as it is now, and what was changed since the sign-in. */
function newData({ work, intent, inherits }: TakeOver, old: SessionRecord): string {
  const { shape } = work.visit.engine
  if (!inherits || old.state === 'ended') return work.changes.text
  const merged = applyPatch(intent.before.changes().patch, old.data, shape).text
  try {
    return mergeChanges(work.changes, pickKeys(merged, intent.carry), shape).text
  } catch (error) {
    if (error instanceof ValueError) return work.changes.text // what does not fit is not carried
    throw error
  }
}

function deviceOf(device: Device | null, name: string | undefined): Device {
  return name === undefined ? { ...device } : { ...device, name }
}
