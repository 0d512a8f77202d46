import { type Case, deepEqual, equal } from '../case.ts'
import type { StoreSubject } from './subject.ts'

/** A write is a compare-and-set on the revision, and says what was in its way. */
export const replaceCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/replace-matches-revision',
    title: 'replaces a record whose revision is the expected one',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      await store.create(first)
      const second = next(first, { data: '{"n":1}', generation: 1, confirmedAt: null })
      deepEqual(await store.replace(second, first.revision), { ok: true }, 'the answer')
      deepEqual(await store.get(first.id), second, 'the record')
    },
  },
  {
    id: 'store/replace-conflict-returns-current',
    title: 'refuses any other revision, changes nothing and returns the current record',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      const second = next(first, { data: '{"n":1}' })
      await store.create(first)
      await store.replace(second, first.revision)
      const late = next(first, { data: '{"n":2}', lastSeenAt: first.lastSeenAt + 1000 })
      deepEqual(await store.replace(late, first.revision), { ok: false, current: second }, 'the answer')
      deepEqual(await store.get(first.id), second, 'the record')
    },
  },
  {
    id: 'store/replace-conflict-is-current',
    title: 'the record that comes with a conflict is the one that get returns, touches included',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      const second = next(first, { data: '{"n":1}' })
      await store.create(first)
      await store.replace(second, first.revision)
      await store.touch(first.id, second.lastSeenAt + 5000, second.expiresAt + 5000)
      const answer = await store.replace(next(first), first.revision)
      equal(answer.ok, false, 'replace on an old revision: ok')
      deepEqual(answer, { ok: false, current: await store.get(first.id) }, 'the answer')
    },
  },
  {
    id: 'store/replace-never-creates',
    title: 'answers a missing record with null and does not create it',
    level: 'must',
    run: async ({ store, record, next }) => {
      const missing = record()
      const answer = await store.replace(next(missing), missing.revision)
      deepEqual(answer, { ok: false, current: null }, 'the answer')
      equal(await store.get(missing.id), null, 'get afterwards')
    },
  },
  {
    id: 'store/revisions-are-exact',
    title: 'revisions that differ in case, or only as text and not as numbers, do not match',
    level: 'must',
    run: async ({ store, record, next }) => {
      const kept = record({ revision: '1.50aB' })
      const numeric = record({ revision: '1.50' })
      await store.create(kept)
      await store.create(numeric)
      deepEqual(await store.replace(next(kept), '1.50Ab'), { ok: false, current: kept }, 'in another case')
      deepEqual(await store.replace(next(numeric), '1.5'), { ok: false, current: numeric }, 'as an equal number')
    },
  },
  {
    id: 'store/replicated-writes-apply',
    title: 'applies writes that ask for durability: replicated',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      const second = next(first, { data: '{"n":1}' })
      const touched = { ...second, lastSeenAt: second.lastSeenAt + 1, expiresAt: second.expiresAt + 1 }
      const options = { durability: 'replicated' } as const
      equal(await store.create(first, options), true, 'create')
      deepEqual(await store.replace(second, first.revision, options), { ok: true }, 'replace')
      equal(await store.touch(first.id, touched.lastSeenAt, touched.expiresAt, options), true, 'touch')
      deepEqual(await store.get(first.id), touched, 'the record')
    },
  },
]
