import type { Prunable, SessionRecord, SessionStore } from '@sess/core'
import { type Case, deepEqual, equal, ok } from '../case.ts'
import { createAll, ending, type StoreSubject } from './subject.ts'

type PruneSubject = StoreSubject<SessionStore & Prunable>

const DAY = 86_400_000
/** Long ago, so that pruning by this clock leaves alone what others have in the storage. */
const THEN = Date.UTC(2001, 0, 1)

/** Everything that `Prunable` promises, for stores that have it. */
export const pruneCases: readonly Case<PruneSubject>[] = [
  {
    id: 'store/prune-is-half-open',
    title: 'removes a record when its expiresAt has come and not a millisecond before',
    level: 'must',
    run: async ({ store, other, record }) => {
      await pruneAll(store, THEN)
      const due = old(record)
      await store.create(due)
      await pruneAll(other, THEN - 1)
      deepEqual(await store.get(due.id), due, 'the record before its time')
      await pruneAll(other, THEN)
      equal(await store.get(due.id), null, 'the record at its time')
    },
  },
  {
    id: 'store/prune-keeps-the-rest',
    title: 'keeps whatever has not expired: seen again, in any state',
    level: 'must',
    run: async (subject) => {
      const { store, record } = subject
      const later = { expiresAt: THEN + 1 }
      const rest = [
        record(),
        old(record, later),
        old(record, { ...later, subject: null, state: 'anonymous' }),
        ending(subject, old(record, later)),
      ]
      const seen = old(record)
      await createAll(store, [...rest, seen, old(record)])
      await store.touch(seen.id, seen.lastSeenAt, THEN + 1)
      await pruneAll(store, THEN)
      for (const each of rest) deepEqual(await store.get(each.id), each, 'a record that has not expired')
      deepEqual(await store.get(seen.id), { ...seen, expiresAt: THEN + 1 }, 'a record that was seen again')
      await pruneAll(store, THEN + 1)
    },
  },
  {
    id: 'store/prune-removes-every-kind',
    title: 'removes expired sessions of every state, tombstones included, and their ids may be used again',
    level: 'must',
    run: async (subject) => {
      const { store, record } = subject
      const expired = [
        old(record),
        old(record, { state: 'anonymous', subject: null }),
        old(record, { state: 'locked' }),
        ending(subject, old(record)),
      ]
      await createAll(store, expired)
      await pruneAll(store, THEN)
      for (const each of expired) equal(await store.get(each.id), null, `get of what was ${each.state}`)
      for (const each of expired) equal(await store.create(each), true, 'create under its id')
      await pruneAll(store, THEN)
    },
  },
  {
    id: 'store/prune-stops-at-limit',
    title: 'removes no more than the limit in one call, and fewer only when nothing is left',
    level: 'must',
    run: async ({ store, record }) => {
      await pruneAll(store, THEN)
      const expired = Array.from({ length: 25 }, () => old(record))
      await createAll(store, expired)
      for (const left of [15, 5, 0]) {
        equal(await store.prune(THEN, 10), left === 0 ? 5 : 10, 'how many it says it removed')
        equal(await present(store, expired), left, 'how many are left')
      }
      equal(await store.prune(THEN, 10), 0, 'how many it says it removed from nothing')
    },
  },
  {
    id: 'store/prune-in-parallel',
    title: 'several callers share the work: none fails, and no record is counted twice',
    level: 'must',
    run: async ({ store, other, record }) => {
      await pruneAll(store, THEN)
      const expired = Array.from({ length: 60 }, () => old(record))
      await createAll(store, expired)
      const callers = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? store : other).prune(THEN, 10))
      const removed = (await Promise.all(callers)).reduce((sum, count) => sum + count, 0)
      equal(await present(store, expired), expired.length - removed, 'how many are left')
      equal(removed + (await pruneAll(other, THEN)), expired.length, 'how many were removed in all')
      equal(await present(store, expired), 0, 'how many are left in the end')
    },
  },
  {
    id: 'store/prune-exclusive',
    title: 'callers who want to be the only one remove each record once, and none keeps the others out for good',
    level: 'must',
    run: async ({ store, other, record }) => {
      await pruneAll(store, THEN)
      const expired = Array.from({ length: 60 }, () => old(record))
      await createAll(store, expired)
      let removed = 0
      const work = async (handle: Prunable): Promise<void> => {
        for (let call = 0; call < 3; call += 1) {
          const count = await handle.prune(THEN, 5, { exclusive: true })
          removed += count
        }
      }
      await Promise.all([work(store), work(other), work(store), work(other)])
      ok(removed >= 5, 'how many were removed by callers at a time: at least by one of them')
      equal(await present(store, expired), expired.length - removed, 'how many are left')
      for (const handle of [other, store]) {
        const last = old(record)
        await store.create(last)
        await pruneAll(handle, THEN, { exclusive: true })
        equal(await present(store, [...expired, last]), 0, 'how many are left when one goes on alone')
      }
    },
  },
]

/** A record that expires at `THEN`, its absolute deadline long past by then. */
function old(record: PruneSubject['record'], changes: Partial<SessionRecord> = {}): SessionRecord {
  const [createdAt, absoluteAt] = [THEN - 40 * DAY, THEN - 30 * DAY]
  return record({ createdAt, absoluteAt, confirmedAt: createdAt, lastSeenAt: createdAt, expiresAt: THEN, ...changes })
}

/** Prunes until nothing is left to prune; how many records were removed. */
async function pruneAll(store: Prunable, now: number, options?: { readonly exclusive: boolean }): Promise<number> {
  const limit = 100
  for (let total = 0; ; ) {
    const removed = await store.prune(now, limit, options)
    total += removed
    if (removed < limit) return total
  }
}

async function present(store: SessionStore, records: readonly SessionRecord[]): Promise<number> {
  const found = await Promise.all(records.map(({ id }) => store.get(id)))
  return found.filter((record) => record !== null).length
}
