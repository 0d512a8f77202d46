import { type Case, deepEqual, equal } from '../case.ts'
import type { StoreSubject } from './subject.ts'

const PARALLEL = 50

/** A record comes into being once. */
export const createCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/create-is-exclusive',
    title: 'creates a record only once, and the first one stays',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record({ data: '{"by":"first"}' })
      equal(await store.create(first), true, 'the first create')
      equal(await store.create(next(first, { data: '{"by":"second"}' })), false, 'the second create')
      deepEqual(await store.get(first.id), first, 'the record after both')
    },
  },
  {
    id: 'store/create-does-not-revive',
    title: 'creates nothing over the tombstone of an ended session',
    level: 'must',
    run: async ({ store, record }) => {
      const ended = record({ state: 'ended', endedReason: 'signed-out', endedAt: Date.now() })
      await store.create(ended)
      equal(await store.create(record({ id: ended.id })), false, 'create over a tombstone')
      deepEqual(await store.get(ended.id), ended, 'the tombstone')
    },
  },
  {
    id: 'store/create-in-parallel',
    title: `of ${PARALLEL} parallel creates of one id exactly one succeeds, and its record is the one kept`,
    level: 'must',
    run: async ({ store, record }) => {
      const { id } = record()
      const rivals = Array.from({ length: PARALLEL }, (_, index) => record({ id, data: `{"by":${index}}` }))
      const answers = await Promise.all(rivals.map((rival) => store.create(rival)))
      equal(answers.filter((created) => created).length, 1, 'creates that succeeded')
      deepEqual(await store.get(id), rivals[answers.indexOf(true)], 'the record kept')
    },
  },
]
