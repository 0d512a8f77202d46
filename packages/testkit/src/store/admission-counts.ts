import type { Admitted } from '@sess/core'
import { type Case, deepEqual, equal, ok } from '../case.ts'
import { asks, evicts, type IndexSubject, list, lists, series } from './index-subject.ts'
import { createAll, ending } from './subject.ts'

const MINUTE = 60_000

/** Which sessions take a place, and which do not. */
export const admissionCountCases: readonly Case<IndexSubject>[] = [
  {
    id: 'store/admit-leaves-out-uncounted',
    title: 'neither counts nor marks the sessions that it is told not to count',
    level: 'must',
    run: async ({ store, record }) => {
      const [replaced, a, b, coming] = series(record, 4)
      await createAll(store, [replaced, a, b])
      const uncounted = [replaced.id, record().id, '__proto__']
      const asked = asks(coming, { limit: 3, uncounted, victims: null })
      deepEqual(await store.admit(asked), { ok: true, evicted: [] }, 'the answer')
      const next = record({ subject: coming.subject })
      evicts(await store.admit(asks(next, { limit: 2, uncounted })), [a, b], 'the next answer')
    },
  },
  {
    id: 'store/admit-leaves-out-ended',
    title: 'does not count sessions that have ended, if those listed as ended are named',
    level: 'must',
    run: async (subject) => {
      const { store, record } = subject
      const [a, b, c, coming] = series(record, 4)
      await createAll(store, [a, b])
      for (const each of [a, b]) await store.replace(ending(subject, each), each.revision)
      await store.admit(asks(c, { limit: 9 }))
      await store.create(ending(subject, c))
      const listed = await list(store, a.subject)
      const uncounted = listed.filter((entry) => entry.record?.state === 'ended').map(({ id }) => id)
      const asked = asks(coming, { limit: 1, uncounted, victims: null })
      deepEqual(await store.admit(asked), { ok: true, evicted: [] }, 'the answer')
    },
  },
  {
    id: 'store/admit-leaves-out-overtaken',
    title:
      'does not count a session that had to go before it was created, though its create() comes after its tombstone',
    level: 'must',
    run: async (subject) => {
      const { store, other, record } = subject
      const [slow, winner, coming] = series(record, 3)
      await store.admit(asks(slow))
      evicts(await store.admit(asks(winner)), [slow], 'the answer to the winner')
      equal(await store.create(ending(subject, slow)), true, 'create of the tombstone')
      equal(await store.create(winner), true, 'create of the winner')
      await list(store, slow.subject)
      equal(await other.create(slow), false, 'create of the session that has ended')
      const asked = asks(coming, { limit: 2, victims: null })
      deepEqual(await store.admit(asked), { ok: true, evicted: [] }, 'the next answer')
    },
  },
  {
    id: 'store/admit-leaves-out-past-deadline',
    title: 'does not count sessions whose deadline has come, announced or created; half-open',
    level: 'must',
    run: async ({ store, record }) => {
      const [a, b, early, onTime] = series(record, 4)
      const absoluteAt = a.createdAt + 10 * MINUTE
      await store.create({ ...a, absoluteAt })
      await store.admit(asks(b, { limit: 9, deadline: absoluteAt }))
      const asked = { limit: 2, victims: null }
      const before = asks(early, { ...asked, at: absoluteAt - 1 })
      deepEqual(await store.admit(before), { ok: false, evicted: [] }, 'one ms before the deadline')
      const then = asks(onTime, { ...asked, at: absoluteAt, limit: 1 })
      deepEqual(await store.admit(then), { ok: true, evicted: [] }, 'at the deadline')
    },
  },
  {
    id: 'store/admit-leaves-out-abandoned',
    title:
      'does not count a session announced before `abandonedBefore` and never created, once it was listed with the same',
    level: 'must',
    run: async ({ store, record }) => {
      const [lost, kept, coming] = series(record, 3)
      await store.admit(asks(lost, { limit: 9 }))
      await store.create(kept)
      const { createdAt: announcedAt } = lost
      const ask = async (abandonedBefore: number): Promise<Admitted> => {
        await list(store, lost.subject, abandonedBefore)
        return store.admit(asks(coming, { limit: 2, victims: null, abandonedBefore }))
      }
      deepEqual(await ask(announcedAt), { ok: false, evicted: [] }, 'announced at that instant')
      deepEqual(await ask(announcedAt + 1), { ok: true, evicted: [] }, 'announced before it')
      equal(await store.create(lost), true, 'create of the session that was forgotten')
      const listed = await list(store, lost.subject)
      ok(
        listed.some(({ id, record: found }) => id === lost.id && found !== null),
        'it is listed all the same',
      )
    },
  },
  {
    id: 'store/admit-keeps-created',
    title: 'counts a session that was created, however long ago it was announced',
    level: 'must',
    run: async ({ store, record }) => {
      const [a, b, coming] = series(record, 3)
      await store.admit(asks(a, { limit: 9 }))
      await createAll(store, [a, b])
      const abandonedBefore = b.createdAt + MINUTE
      await lists([store], a.subject, [a, b], 'the list')
      await list(store, a.subject, abandonedBefore)
      const asked = asks(coming, { limit: 2, victims: null, abandonedBefore, at: b.createdAt + MINUTE })
      deepEqual(await store.admit(asked), { ok: false, evicted: [] }, 'the answer')
      await lists([store], a.subject, [a, b], 'the list afterwards')
    },
  },
]
