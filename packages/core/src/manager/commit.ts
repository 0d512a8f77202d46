import { applyPatch, type Changes } from '../data/draft.ts'
import { VERSION_KEY } from '../data/shape.ts'
import { InterruptedError, type InterruptedReason, ValueError } from '../errors.ts'
import { type SessionRecord, stamp, writes } from '../kernel/record.ts'
import { rejudge } from '../kernel/rejudge.ts'
import { touch } from '../kernel/touch.ts'
import { transition } from '../kernel/transition.ts'
import { createRecord, issueFor } from './create.ts'
import { endSource } from './end.ts'
import { emit, reportFailure } from './load.ts'
import { commitSignIn } from './sign-in.ts'
import { type Budget, callStore, isStoreFailure, withBudget } from './store-gate.ts'
import { revisionRandom, swap } from './swap.ts'
import type { Visit } from './visit.ts'

/**
 * Whether a commit has anything to do, and doing it. Undefined means nothing: the answer may leave at once. `status` is the
 * answer's; from 500 on, what the handler may not have meant is dropped first.
 */
export function settle(visit: Visit, status: number): Promise<void> | undefined {
  if (status >= 500 && visit.engine.onServerError === 'drop') visit.dropFragile()
  try {
    return start(visit, visit.draft.changes())
  } catch (error) {
    if (!(error instanceof ValueError)) return Promise.reject(error)
    visit.dropFragile()
    return (start(visit, visit.draft.changes()) ?? Promise.resolve()).then(() => Promise.reject(error))
  }
}

/** Commits everything pending; rejects with what the store or a concurrent request made of it. */
export function start(visit: Visit, changes: Changes): Promise<void> | undefined {
  const { pending, due } = visit
  const intends = pending.end !== null || pending.signIn !== null || pending.steps.length > 0
  if (intends || changes.patch.size > 0) return run(visit, changes)
  return due.confirm || due.touch || due.rotate ? catchUp(visit) : undefined
}

async function run(visit: Visit, changes: Changes): Promise<void> {
  const { engine } = visit
  try {
    await withBudget(2 * engine.storeTimeoutMs, async (budget) => {
      if (visit.pending.end !== null) await endSource(visit, budget)
      if (visit.pending.signIn !== null) await commitSignIn(visit, budget, visit.pending.signIn, changes)
      else if (visit.record !== null) await modify(visit, budget, changes)
      else if (changes.patch.size > 0) await begin(visit, budget, changes)
    })
  } catch (error) {
    if (isStoreFailure(error)) reportFailure(engine, 'commit', visit.record, true, error)
    visit.fail(error)
    throw error
  }
  visit.pending = { end: null, signIn: null, steps: [] }
}

/** A visitor's first write: an anonymous session. */
async function begin(visit: Visit, budget: Budget, changes: Changes): Promise<void> {
  visit.checkWritable(changes)
  visit.requireToken('The first write to session.data')
  const { sid, record } = issueFor(visit.engine, visit.arrival, { subject: null, data: changes.text })
  await createRecord(visit.engine, budget, record)
  visit.adopt(record, { sid, generation: 0, oldKey: false })
  visit.draft.settle(changes, record.data)
  visit.sendToken(null)
  emit(visit.engine, 'created', record, {})
}

/** Data and steps on the session that the request came with. */
async function modify(visit: Visit, budget: Budget, changes: Changes): Promise<void> {
  visit.checkWritable(changes)
  const { engine, pending } = visit
  const known = visit.record as SessionRecord
  const hard = pending.steps.some((step) => step.type !== 'lock')
  if (hard) visit.requireToken('A new token')
  const overwritten = new Set<string>()
  const decidedAt = engine.clock.now()
  let written: SessionRecord | null = null
  await engine.queue.run(known.id, budget, async (latest) => {
    const from = latest !== null && writes(latest) > writes(known) ? latest : known
    const build = (current: SessionRecord) => nextRecord(visit, current, changes, overwritten)
    const outcome = await swap(engine, budget, hard ? { from, build, durability: 'replicated' } : { from, build })
    written = outcome.wrote
    return outcome.current
  })
  if (written !== null) settled(visit, written, changes, decidedAt, overwritten)
}

/** The visit goes on with what it wrote; the answer carries the token if that changed. */
function settled(
  visit: Visit,
  written: SessionRecord,
  changes: Changes,
  decidedAt: number,
  overwritten: ReadonlySet<string>,
): void {
  const { engine, pending } = visit
  const before = visit.record as SessionRecord
  const unlocked = visit.accepted.locked && written.state !== 'locked'
  if (visit.token !== null) visit.adopt(written, visit.token)
  visit.due = { confirm: false, touch: false, rotate: false }
  visit.draft.settle(changes, written.data)
  if (unlocked || written.state === 'locked') visit.draft = visit.freshDraft()
  for (const key of overwritten) emit(engine, 'data-overwritten', written, { key })
  for (const step of pending.steps) {
    if (step.type === 'reauthenticate') emit(engine, 'reauthenticated', written, { method: step.method })
    if (step.type === 'lock') emit(engine, 'locked', written, {})
  }
  if (written.generation === before.generation) return
  visit.sendToken(written.rotation === 'soft' ? decidedAt : null)
  emit(engine, 'rotated', written, { kind: written.rotation, generation: written.generation })
}

/** What this request makes of the record that is stored now; throws when the session is no longer its to change. */
function nextRecord(visit: Visit, current: SessionRecord, changes: Changes, overwritten: Set<string>): SessionRecord {
  const { engine, accepted, pending } = visit
  const now = engine.clock.now()
  const verdict = rejudge(current, accepted, engine.policy, now)
  const proves = pending.steps.some((step) => step.type === 'reauthenticate')
  if (verdict === 'ended' || (verdict !== null && !proves)) throw interrupted(verdict)
  let next = withDues(visit, current)
  if (changes.patch.size > 0) {
    const data = mergedData(visit, current, changes, overwritten)
    const extra =
      engine.shape.version === undefined ? next.extra : { ...next.extra, [VERSION_KEY]: engine.shape.version }
    next = { ...next, data, extra }
  }
  for (const step of pending.steps) {
    const event = step.type === 'rotate' ? ({ type: 'rotate', kind: 'hard' } as const) : step
    const outcome = transition(next, { ...event, arrivedAt: accepted.arrivedAt }, engine.policy, now)
    if (outcome.ok) next = outcome.record
  }
  return next
}

/** Confirmation, activity and a due soft rotation, as far as they still apply to the record that is stored now. */
function withDues(visit: Visit, current: SessionRecord): SessionRecord {
  const { record, token, due, accepted, engine } = visit
  let next = current
  if (due.confirm && record !== null && current.revision === record.revision) next = { ...record }
  else if (token?.generation === current.generation && current.confirmedAt === null) {
    next = { ...current, confirmedAt: accepted.arrivedAt }
  }
  if (visit.counts) next = touch(next, engine.policy, accepted.arrivedAt)
  const hard = visit.pending.steps.some((step) => step.type !== 'lock')
  if (!due.rotate || hard || visit.headersSent || token?.generation !== next.generation) return next
  const event = { type: 'rotate', kind: 'soft', arrivedAt: accepted.arrivedAt } as const
  const outcome = transition(next, event, engine.policy, engine.clock.now())
  return outcome.ok ? outcome.record : next
}

function mergedData(visit: Visit, current: SessionRecord, changes: Changes, overwritten: Set<string>): string {
  const { draft, engine } = visit
  overwritten.clear()
  if (current.data === draft.text) return changes.text
  const applied = applyPatch(changes.patch, draft.text, current.data, engine.shape)
  for (const key of applied.overwritten) overwritten.add(key)
  if (overwritten.size > 0 && engine.onOverwrite === 'throw') {
    const keys = [...overwritten].join(', ')
    throw new InterruptedError('conflict', `Another request changed session.data.${keys} meanwhile; nothing was saved.`)
  }
  return applied.text
}

function interrupted(verdict: InterruptedReason): InterruptedError {
  const what = { ended: 'has ended', locked: 'was locked', superseded: 'has a new token' }[verdict as 'ended']
  return new InterruptedError(verdict, `The session ${what} while this request ran; nothing was saved.`)
}

/** Confirmation, touch and periodic rotation: tried once; a failure is an event and costs nobody a page. */
async function catchUp(visit: Visit): Promise<void> {
  const { engine, due } = visit
  const record = visit.record as SessionRecord
  const writesRecord = due.confirm || (due.rotate && !visit.headersSent)
  try {
    await withBudget(engine.storeTimeoutMs, (budget) =>
      writesRecord ? catchUpRecord(visit, budget, record) : catchUpTouch(visit, budget, record),
    )
  } catch (error) {
    reportFailure(engine, writesRecord ? 'replace' : 'touch', record, false, error)
  }
  visit.due = { confirm: false, touch: false, rotate: false }
}

async function catchUpTouch(visit: Visit, budget: Budget, record: SessionRecord): Promise<void> {
  const { engine, accepted } = visit
  const touched = touch(record, engine.policy, accepted.arrivedAt)
  await callStore(engine, budget, 'touch', (options) =>
    engine.store.touch(record.id, touched.lastSeenAt, touched.expiresAt, options),
  )
  visit.record = touched
}

async function catchUpRecord(visit: Visit, budget: Budget, record: SessionRecord): Promise<void> {
  const { engine } = visit
  const decidedAt = engine.clock.now()
  const next = stamp(withDues(visit, record), revisionRandom(engine))
  const answer = await callStore(engine, budget, 'replace', (options) =>
    engine.store.replace(next, record.revision, options),
  )
  if (!answer.ok) return
  const rotated = next.generation !== record.generation
  visit.record = next
  if (!rotated) return
  visit.sendToken(decidedAt)
  emit(engine, 'rotated', next, { kind: 'soft', generation: next.generation })
}
