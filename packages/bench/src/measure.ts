import { deepStrictEqual } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Admission, SessionRecord } from '@sess/core'
import { defaultPolicy, stamp } from '@sess/core/kernel'
import { idOf, PER_SUBJECT, type Sample } from './sample.ts'
import { createAll, type Target } from './targets/target.ts'

/** What is timed. Each is one call. */
export const OPERATIONS = ['get', 'replace', 'touch', 'list', 'admit', 'prune'] as const
export type Operation = (typeof OPERATIONS)[number]

/** Microseconds of one call: the median of the rounds' medians, and the least and the greatest of those. */
export interface Timing {
  readonly median: number
  readonly from: number
  readonly to: number
}

/** How many sessions one call of `prune` removes. */
export const PRUNED = 500

/** Calls per round. A round takes their median. */
const CALLS = 400

/** Fills the target and makes sure that it holds what it was given. Answers the seconds that filling took. */
export async function fill(target: Target, sample: Sample): Promise<number> {
  const began = performance.now()
  await target.fill(sample.first(sample.size))
  const seconds = (performance.now() - began) / 1000
  await target.settle()
  deepStrictEqual(await target.count(), sample.size)
  for (let checked = 0; checked < 200; checked += 1) {
    const expected = sample.at(any(sample.size))
    deepStrictEqual(await target.store.get(expected.id), expected)
  }
  return seconds
}

/** One round on one target: the median time of one call, in microseconds, per operation that the store has. */
export async function round(target: Target, sample: Sample): Promise<Partial<Record<Operation, number>>> {
  const { store } = target
  const get = await timed(
    () => idOf(any(sample.size)),
    (id) => store.get(id),
  )
  const replace = await timed(
    () => changed(target, sample),
    ([record, expected]) => store.replace(record, expected),
  )
  const touch = await timed(
    () => present(target, sample),
    ({ id, lastSeenAt, expiresAt }) => store.touch(id, lastSeenAt + 60_000, expiresAt + 60_000),
  )
  const list = await timed(
    () => any(sample.size),
    async (index) => (await listed(target, sample.subjectOf(index))).includes(idOf(index)),
  )
  return { get, replace, touch, list, admit: await admit(target, sample), ...(await prune(target, sample)) }
}

/** Handles of a subject, as `sessions.list()` asks for them. */
async function listed({ store }: Target, subject: string, abandonedBefore = Date.now()): Promise<string[]> {
  const handles: string[] = []
  for await (const { id } of store.listBySubject(subject, abandonedBefore)) handles.push(id)
  return handles
}

/** One more session of a subject, with room for it. The places are given back afterwards. */
async function admit(target: Target, sample: Sample): Promise<number> {
  const subjects = new Set<string>()
  const newcomer = (): Admission => {
    const subject = sample.subjectOf(any(sample.size))
    subjects.add(subject)
    return admissionOf(subject)
  }
  const time = await timed(newcomer, (admission) => target.store.admit(admission))
  for (const subject of subjects) {
    const abandonedBefore = Date.now() + 60_000
    await listed(target, subject, abandonedBefore)
    // Without room nobody is admitted, and abandoned places are forgotten.
    await target.store.admit({ ...admissionOf(subject), abandonedBefore, limit: 1 })
    deepStrictEqual((await listed(target, subject)).length <= PER_SUBJECT, true)
  }
  return time
}

function admissionOf(subject: string): Admission {
  const at = Date.now()
  return {
    subject,
    id: randomBytes(32).toString('base64url'),
    at,
    deadline: at + defaultPolicy.absoluteMs,
    abandonedBefore: 0,
    limit: 1000,
    uncounted: [],
    victims: null,
  }
}

/** Twice as many have expired as one call removes: the oldest ones, which are then put back. */
async function prune({ store }: Target, sample: Sample): Promise<{ readonly prune?: number }> {
  if (store.prune === undefined) return {}
  const began = performance.now()
  const removed = await store.prune(sample.prunable(2 * PRUNED), PRUNED)
  const took = (performance.now() - began) * 1000
  deepStrictEqual(removed, PRUNED)
  await createAll(store, sample.first(PRUNED))
  return { prune: took }
}

async function changed(target: Target, sample: Sample): Promise<readonly [record: SessionRecord, expected: string]> {
  const record = await present(target, sample)
  const random = Math.random().toString(36).slice(2).padEnd(12, '0').slice(0, 12)
  return [stamp({ ...record, data: record.data.replace('dark', 'pale') }, random), record.revision]
}

async function present({ store }: Target, { size }: Sample): Promise<SessionRecord> {
  const record = await store.get(idOf(any(size)))
  if (record === null) throw new Error('A session is missing.')
  return record
}

const any = (size: number): number => Math.floor(Math.random() * size)

/** Prepares each call out of the clock's sight. A call that says it did nothing is an error. */
async function timed<Input>(
  prepare: () => Input | Promise<Input>,
  call: (input: Input) => Promise<unknown>,
): Promise<number> {
  const times: number[] = []
  while (times.length < CALLS) {
    const input = await prepare()
    const began = performance.now()
    const answer = await call(input)
    times.push((performance.now() - began) * 1000)
    const refused = typeof answer === 'object' && answer !== null && 'ok' in answer && answer.ok === false
    if (answer === null || answer === false || refused) throw new Error('A call did nothing.')
  }
  return median(times)
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2
}

/** The rounds of one operation as one line of the report. */
export function summary(rounds: readonly number[]): Timing {
  const [middle, from, to] = [median(rounds), Math.min(...rounds), Math.max(...rounds)].map(Math.round)
  return { median: middle ?? 0, from: from ?? 0, to: to ?? 0 }
}
