import { credentialDigest } from '../crypto/credential.ts'
import type { Token } from '../crypto/token.ts'
import { type Changes, mergeChanges } from '../data/draft.ts'
import { VERSION_KEY } from '../data/shape.ts'
import { type InterruptedReason, SessionInterruptedError, ValueError } from '../errors.ts'
import { type SessionRecord, stamp, writes } from '../kernel/record.ts'
import { rejudge } from '../kernel/rejudge.ts'
import { touch } from '../kernel/touch.ts'
import { type SessionEvent, transition } from '../kernel/transition.ts'
import { createRecord, issueFor } from './create.ts'
import { endSource } from './end.ts'
import { locked, requireWritable, type Step, type Work } from './intents.ts'
import { emit, reportFailure } from './load.ts'
import { commitSignIn } from './sign-in.ts'
import { type Budget, callStore, isStoreFailure, withBudget } from './store-gate.ts'
import { revisionRandom, type Swapped, swap } from './swap.ts'
import { timeCommit } from './timing.ts'
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
  if (changes.patch.size > 0 && visit.refused !== null) requireWritable(visit, 'Changing session.data')
  const hidden = visit.takeHiddenWrites() && pending.end === null && pending.signIn === null
  const intends = pending.end !== null || pending.signIn !== null || pending.steps.length > 0
  let work: Promise<void> | undefined
  if (intends || changes.patch.size > 0)
    work = timeCommit(visit, () => run({ visit, changes, draft: visit.draft, intents: visit.begin() }))
  else if (due.confirm || due.touch || due.rotate) work = timeCommit(visit, () => catchUp(visit))
  return hidden ? (work ?? Promise.resolve()).then(() => Promise.reject(locked(visit, 'Changing session.data'))) : work
}

async function run(work: Work): Promise<void> {
  const { visit, changes, intents } = work
  const { engine } = visit
  try {
    await withBudget(2 * engine.storeTimeoutMs, async (budget) => {
      if (intents.end !== null) await endSource(visit, budget, intents.end)
      if (intents.signIn !== null) await commitSignIn(work, intents.signIn, budget)
      else if (visit.record !== null) await modify(work, budget)
      else if (changes.patch.size > 0) await begin(work, budget)
    })
    visit.failure = null
  } catch (error) {
    if (isStoreFailure(error)) reportFailure(engine, 'commit', visit.record, true, error)
    if (error instanceof SessionInterruptedError) emit(engine, 'interrupted', visit.record, { reason: error.reason })
    visit.fail(error)
    throw error
  } finally {
    visit.underway = null
  }
}

/** A visitor's first write: an anonymous session. */
async function begin({ visit, changes, draft }: Work, budget: Budget): Promise<void> {
  visit.requireToken('The first write to session.data')
  const { sid, record } = issueFor(visit.engine, visit.arrival, { subject: null, data: changes.text })
  await createRecord(visit.engine, budget, record)
  visit.adopt(record, { sid, generation: 0, oldKey: false })
  draft.settle(changes, record.data)
  visit.sendToken(null)
  emit(visit.engine, 'created', record, {})
}

/** Data and steps on the session that the request came with. */
async function modify(work: Work, budget: Budget): Promise<void> {
  const { visit, intents } = work
  const { engine } = visit
  const known = visit.record as SessionRecord
  const hard = intents.steps.some((step) => step.type !== 'lock')
  if (hard) visit.requireToken('A new token')
  const overwritten = new Set<string>()
  const decidedAt = engine.clock.now()
  let outcome: Swapped | null = null
  await engine.queue.run(known.id, budget, async (latest) => {
    const from = latest !== null && writes(latest) > writes(known) ? latest : known
    const build = (current: SessionRecord) => nextRecord(work, current, overwritten)
    outcome = await swap(engine, budget, hard ? { from, build, durability: 'replicated' } : { from, build })
    return outcome.current
  })
  // Assigned in the callback above, and `nextRecord` always gives a record; TypeScript follows neither.
  const { wrote, from } = outcome as unknown as Swapped & { wrote: SessionRecord }
  settled(work, wrote, from, decidedAt)
  for (const key of overwritten) emit(engine, 'data-overwritten', wrote, { key })
}

/** The visit goes on with what it wrote; the answer carries the token if this very write changed it. */
function settled(
  { visit, changes, draft, intents }: Work,
  wrote: SessionRecord,
  from: SessionRecord,
  decidedAt: number,
): void {
  const { engine } = visit
  visit.adopt(wrote)
  visit.due = { confirm: false, touch: false, rotate: false }
  draft.settle(changes, wrote.data)
  for (const step of intents.steps) {
    if (step.type === 'reauthenticate') emit(engine, 'reauthenticated', wrote, { method: step.method })
    if (step.type === 'lock') emit(engine, 'locked', wrote, { reason: 'asked' })
  }
  if (changes.patch.size > 0) emit(engine, 'saved', wrote, {})
  if (wrote.generation === from.generation) return
  visit.sendToken(wrote.rotation === 'soft' ? decidedAt : null)
  emit(engine, 'rotated', wrote, { kind: wrote.rotation, generation: wrote.generation })
}

/** What this request makes of the record that is stored now; throws when the session is no longer its to change. */
function nextRecord(work: Work, current: SessionRecord, overwritten: Set<string>): SessionRecord {
  const { visit, changes, intents } = work
  const { engine, accepted } = visit
  const now = engine.clock.now()
  const verdict = rejudge(current, accepted, engine.policy, now)
  const proves = intents.steps.some((step) => step.type === 'reauthenticate')
  if (verdict === 'ended' || (verdict !== null && !proves)) throw interrupted(verdict)
  const rotates = intents.steps.some((step) => step.type !== 'lock')
  let next = withDues(visit, current, rotates)
  if (changes.patch.size > 0) {
    const data = mergedData(work, current, overwritten)
    const version = engine.shape.stampOver(next.extra[VERSION_KEY])
    next = { ...next, data, extra: version === undefined ? next.extra : { ...next.extra, [VERSION_KEY]: version } }
  }
  for (const step of intents.steps) {
    const outcome = transition(next, eventOf(step, visit), engine.policy, now)
    if (outcome.ok) next = outcome.record
  }
  return next
}

function eventOf(step: Step, visit: Visit): SessionEvent {
  const { arrivedAt } = visit.accepted
  if (step.type === 'rotate') return { ...step, kind: 'hard', arrivedAt }
  if (step.type === 'lock') return { ...step, arrivedAt }
  const { credential, ...proof } = step
  const event = { ...proof, arrivedAt, fingerprint: visit.arrival.fingerprint }
  if (credential === undefined) return event
  const { sid } = visit.token as Token // whoever is signed in came with one
  return { ...event, credential: credentialDigest(sid, credential) }
}

/** Confirmation, activity and a due soft rotation, as far as they still apply to the record that is stored now. */
function withDues(visit: Visit, current: SessionRecord, rotatesAnyway: boolean): SessionRecord {
  const { record, token, due, accepted, engine } = visit
  let next = current
  if (due.confirm && record !== null && current.revision === record.revision) next = { ...record }
  else if (token?.generation === current.generation && current.confirmedAt === null) {
    next = { ...current, confirmedAt: accepted.arrivedAt }
  }
  if (visit.counts) next = touch(next, engine.policy, accepted.arrivedAt)
  if (!due.rotate || rotatesAnyway || visit.headersSent || token?.generation !== next.generation) return next
  const event = { type: 'rotate', kind: 'soft', arrivedAt: accepted.arrivedAt } as const
  const outcome = transition(next, event, engine.policy, engine.clock.now())
  return outcome.ok ? outcome.record : next
}

function mergedData({ visit, changes }: Work, current: SessionRecord, overwritten: Set<string>): string {
  const { engine } = visit
  const merged = mergeChanges(changes, current.data, engine.shape)
  overwritten.clear()
  for (const key of merged.overwritten) overwritten.add(key)
  if (overwritten.size > 0 && engine.onOverwrite === 'throw') {
    const keys = [...overwritten].join(', ')
    throw new SessionInterruptedError(
      'conflict',
      `Another request changed session.data.${keys} meanwhile; nothing was saved.`,
    )
  }
  return merged.text
}

function interrupted(verdict: InterruptedReason): SessionInterruptedError {
  const what = { ended: 'has ended', locked: 'was locked', superseded: 'has a new token' }[verdict as 'ended']
  return new SessionInterruptedError(verdict, `The session ${what} while this request ran; nothing was saved.`)
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
  emit(engine, 'touched', touched, {})
}

async function catchUpRecord(visit: Visit, budget: Budget, record: SessionRecord): Promise<void> {
  const { engine } = visit
  const decidedAt = engine.clock.now()
  const next = stamp(withDues(visit, record, false), revisionRandom(engine))
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
