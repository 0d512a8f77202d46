import type { SessionState } from '@sess/core/kernel'
import { type Case, deepEqual, equal } from '../case.ts'
import type { StoreSubject } from './subject.ts'

const MINUTE = 60_000
const LIVE: readonly SessionState[] = ['anonymous', 'authenticated', 'locked']

/** Activity moves two instants forward and nothing else. */
export const touchCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/touch-moves-forward',
    title: 'moves lastSeenAt and expiresAt of a live session forward and changes nothing else, the revision included',
    level: 'must',
    run: async ({ store, record }) => {
      for (const state of LIVE) {
        const before = record({ state, data: '{"n":1}', recent: ['0.a', '1.b'], extra: { binding: 'key' } })
        const lastSeenAt = before.lastSeenAt + MINUTE
        const expiresAt = before.expiresAt + MINUTE
        await store.create(before)
        equal(await store.touch(before.id, lastSeenAt, expiresAt), true, `touch (${state})`)
        deepEqual(await store.get(before.id), { ...before, lastSeenAt, expiresAt }, `the record (${state})`)
      }
    },
  },
  {
    id: 'store/touch-never-lowers',
    title: 'keeps lastSeenAt and expiresAt, each by itself, when asked to lower them, and still answers true',
    level: 'must',
    run: async ({ store, record }) => {
      const before = record()
      const { id, lastSeenAt: seen, expiresAt } = before
      await store.create(before)
      equal(await store.touch(id, seen - MINUTE, expiresAt - MINUTE), true, 'touch that lowers both')
      deepEqual(await store.get(id), before, 'after lowering both')
      equal(await store.touch(id, seen - MINUTE, expiresAt + MINUTE), true, 'touch that lowers lastSeenAt')
      deepEqual(await store.get(id), { ...before, expiresAt: expiresAt + MINUTE }, 'after lowering lastSeenAt')
      equal(await store.touch(id, seen + MINUTE, expiresAt), true, 'touch that lowers expiresAt')
      const after = { ...before, lastSeenAt: seen + MINUTE, expiresAt: expiresAt + MINUTE }
      deepEqual(await store.get(id), after, 'after lowering expiresAt')
      equal(await store.touch(id, after.lastSeenAt, after.expiresAt), true, 'touch that changes nothing')
    },
  },
  {
    id: 'store/touch-never-creates',
    title: 'answers false for a missing record and does not create it',
    level: 'must',
    run: async ({ store, record }) => {
      const { id, lastSeenAt, expiresAt } = record()
      equal(await store.touch(id, lastSeenAt, expiresAt), false, 'touch of a missing record')
      equal(await store.get(id), null, 'get afterwards')
    },
  },
  {
    id: 'store/touch-leaves-ended',
    title: 'answers false for an ended session and leaves its tombstone as it is',
    level: 'must',
    run: async ({ store, record, next }) => {
      const live = record()
      const ended = next(live, { state: 'ended', endedReason: 'signed-out', endedAt: live.lastSeenAt })
      await store.create(live)
      await store.replace(ended, live.revision)
      equal(await store.touch(live.id, live.lastSeenAt + MINUTE, live.expiresAt + MINUTE), false, 'touch')
      deepEqual(await store.get(live.id), ended, 'the tombstone')
    },
  },
  {
    id: 'store/touch-is-no-conflict',
    title: 'a replace prepared before a touch succeeds after it',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      const second = next(first, { data: '{"n":1}' })
      await store.create(first)
      await store.touch(first.id, first.lastSeenAt + MINUTE, first.expiresAt + MINUTE)
      deepEqual(await store.replace(second, first.revision), { ok: true }, 'the answer')
      equal((await store.get(first.id))?.data, second.data, 'the data')
    },
  },
]
