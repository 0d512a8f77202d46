import { type Case, deepEqual, equal } from '../case.ts'
import type { StoreSubject } from './subject.ts'

/** A read finds what was written, under exactly that id. */
export const getCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/get-missing-is-null',
    title: 'answers null for an id it does not have',
    level: 'must',
    run: async ({ store, record }) => {
      equal(await store.get(record().id), null, 'get of a missing record')
    },
  },
  {
    id: 'store/get-sees-own-writes',
    title: 'a read sees every write that was acknowledged before it',
    level: 'must',
    run: async ({ store, record, next }) => {
      let latest = record()
      await store.create(latest)
      for (let round = 0; round < 20; round += 1) {
        const written = next(latest, { data: `{"round":${round}}` })
        await store.replace(written, latest.revision)
        await store.touch(latest.id, written.lastSeenAt + 1, written.expiresAt + 1)
        latest = { ...written, lastSeenAt: written.lastSeenAt + 1, expiresAt: written.expiresAt + 1 }
        deepEqual(await store.get(latest.id), latest, `the record in round ${round}`)
      }
    },
  },
  {
    id: 'store/ids-are-exact',
    title: 'ids that differ only in case are different records',
    level: 'must',
    run: async ({ store, record }) => {
      const upper = record({ id: `A${record().id.slice(1)}`, data: '"upper"' })
      const lower = record({ id: `a${upper.id.slice(1)}`, data: '"lower"' })
      await store.create(upper)
      equal(await store.get(lower.id), null, 'get of the other id')
      equal(await store.touch(lower.id, lower.lastSeenAt, lower.expiresAt), false, 'touch of the other id')
      equal(await store.create(lower), true, 'create under the other id')
      deepEqual(await store.get(upper.id), upper, 'the first record')
      deepEqual(await store.get(lower.id), lower, 'the second record')
    },
  },
]
