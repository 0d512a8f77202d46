import { type Case, deepEqual, equal, ok } from '../case.ts'
import { admissionCountCases } from './admission-counts.ts'
import { admissionRaceCases } from './admission-races.ts'
import { asks, evicts, type IndexSubject, list, lists, series } from './index-subject.ts'
import { createAll, ending } from './subject.ts'
import { HOSTILE, UNICODE } from './text.ts'

const CROWD = 200

/** Room for one more session is found in one step, and whoever has to go for it is remembered until gone. */
export const admissionCases: readonly Case<IndexSubject>[] = [
  {
    id: 'store/admit-announces',
    title: 'lists an admitted session without a record, and has none of it yet',
    level: 'must',
    run: async ({ store, other, record, next }) => {
      const coming = record()
      deepEqual(await store.admit(asks(coming)), { ok: true, evicted: [] }, 'the answer')
      const announced = [{ id: coming.id, record: null }]
      for (const handle of [store, other]) deepEqual(await list(handle, coming.subject), announced, 'the list')
      equal(await other.get(coming.id), null, 'get')
      equal(await store.touch(coming.id, coming.lastSeenAt, coming.expiresAt), false, 'touch')
      deepEqual(await store.replace(next(coming), coming.revision), { ok: false, current: null }, 'replace')
      deepEqual(await list(store, coming.subject), announced, 'the list afterwards')
    },
  },
  {
    id: 'store/admit-then-create',
    title: 'a session that is created fills the place that was kept for it',
    level: 'must',
    run: async ({ store, other, record }) => {
      const [first, second, third] = series(record, 3)
      await store.admit(asks(first, { limit: 2 }))
      equal(await other.create(first), true, 'create of an admitted session')
      await lists([store, other], first.subject, [first], 'the list')
      deepEqual(await store.admit(asks(second, { limit: 2 })), { ok: true, evicted: [] }, 'the second admission')
      equal(await store.create(second), true, 'create of the second')
      const answer = { ok: true, evicted: [first.id] }
      deepEqual(await other.admit(asks(third, { limit: 2 })), answer, 'the third admission')
    },
  },
  {
    id: 'store/admit-without-need',
    title: 'marks nobody while there is room, whoever is named',
    level: 'must',
    run: async ({ store, record }) => {
      const [first, second, third] = series(record, 3)
      await createAll(store, [first, second])
      const asked = asks(third, { limit: 3, victims: [first.id, second.id] })
      deepEqual(await store.admit(asked), { ok: true, evicted: [] }, 'the answer')
    },
  },
  {
    id: 'store/admit-takes-named-first',
    title: 'marks the sessions named, in that order, before any other',
    level: 'must',
    run: async ({ store, record }) => {
      const [a, b, c, d, coming] = series(record, 5)
      for (const each of [a, b, c, d]) await store.create(each)
      const asked = asks(coming, { limit: 3, victims: [d.id, b.id, a.id] })
      evicts(await store.admit(asked), [d, b], 'the answer')
    },
  },
  {
    id: 'store/admit-takes-oldest-next',
    title: 'marks sessions that are not named in the order of their admission, not of their deadlines',
    level: 'must',
    run: async ({ store, record }) => {
      const [a, b, c, d, e, coming] = series(record, 6)
      await store.create(a)
      await store.admit(asks(b, { limit: 9 }))
      for (const each of [c, d, e]) await store.create(each)
      evicts(await store.admit(asks(coming, { limit: 3, victims: [d.id] })), [d, a, b], 'the answer')
    },
  },
  {
    id: 'store/admit-ignores-strange-victims',
    title: 'marks neither the new session nor one of another subject, nor a handle that it does not know',
    level: 'must',
    run: async ({ store, record }) => {
      const [a, b, coming] = series(record, 3)
      const [stranger, later] = series(record, 2)
      await createAll(store, [a, b, stranger])
      const victims = [coming.id, stranger.id, record().id, 'not a handle', '', '__proto__', b.id]
      evicts(await store.admit(asks(coming, { limit: 2, victims })), [b], 'the answer')
      deepEqual(await store.admit(asks(later, { limit: 2 })), { ok: true, evicted: [] }, 'for the other subject')
    },
  },
  {
    id: 'store/admit-refuses',
    title: 'refuses when nobody has to go, and changes nothing',
    level: 'must',
    run: async ({ store, other, record }) => {
      const [a, b, coming] = series(record, 3)
      await createAll(store, [a, b])
      const asked = asks(coming, { limit: 2, victims: null })
      deepEqual(await store.admit(asked), { ok: false, evicted: [] }, 'the answer')
      await lists([store, other], a.subject, [a, b], 'the list')
      deepEqual(await store.admit({ ...asked, limit: 3 }), { ok: true, evicted: [] }, 'the answer once there is room')
    },
  },
  {
    id: 'store/admit-twice',
    title: 'answers the same when asked again for the same session, created or not, and counts it once',
    level: 'must',
    run: async ({ store, other, record }) => {
      const [a, b, coming, last] = series(record, 4)
      await createAll(store, [a, b])
      const asked = asks(coming, { limit: 2 })
      const answer = { ok: true, evicted: [a.id] }
      deepEqual(await store.admit(asked), answer, 'the first answer')
      deepEqual(await other.admit(asked), answer, 'the second')
      deepEqual(await other.admit({ ...asked, victims: null }), answer, 'where nobody has to go')
      await store.create(coming)
      deepEqual(await store.admit(asked), answer, 'after create')
      deepEqual(await store.admit(asks(last, { limit: 3 })), answer, 'for the next session')
    },
  },
  {
    id: 'store/admit-returns-marked-until-ended',
    title: 'returns every marked session with every admission until it has ended, and counts it never again',
    level: 'must',
    run: async (subject) => {
      const { store, other, record, next } = subject
      const [a, b, c, d, e] = series(record, 5)
      await store.create(a)
      evicts(await store.admit(asks(b)), [a], 'the first admission')
      const written = next(a, { data: '{"n":1}' })
      await store.replace(written, a.revision)
      await store.touch(a.id, a.lastSeenAt + 1, a.expiresAt + 1)
      evicts(await other.admit(asks(c, { limit: 9, victims: [a.id] })), [a], 'with room for all')
      evicts(await other.admit(asks(d, { limit: 2, victims: [a.id, c.id] })), [a, c], 'with one more too many')
      const listed = (await list(store, a.subject)).map(({ id }) => id)
      ok(listed.includes(a.id) && listed.includes(c.id), 'marked sessions are listed')
      await other.replace(ending(subject, written), written.revision)
      await store.create(ending(subject, c))
      await list(store, a.subject)
      deepEqual(await store.admit(asks(e, { limit: 9 })), { ok: true, evicted: [] }, 'once they have ended')
    },
  },
  {
    id: 'store/admit-marks-announced',
    title: 'marks a session that is only announced; its tombstone keeps it from being created',
    level: 'must',
    run: async (subject) => {
      const { store, other, record } = subject
      const [slow, fast] = series(record, 2)
      await store.admit(asks(slow))
      evicts(await other.admit(asks(fast)), [slow], 'the answer')
      equal(await other.create(ending(subject, slow)), true, 'create of the tombstone')
      equal(await store.create(slow), false, 'create of the session')
      equal((await store.get(slow.id))?.state, 'ended', 'its state')
      equal(await other.create(fast), true, 'create of the other session')
      const live = (await list(store, slow.subject)).filter((entry) => entry.record?.state !== 'ended')
      deepEqual(live, [{ id: fast.id, record: fast }], 'what is listed as not ended')
    },
  },
  {
    id: 'store/admit-lowers-a-crowd',
    title: `marks all but the limit when it finds ${CROWD} sessions too many`,
    level: 'must',
    run: async ({ store, record }) => {
      const [staying, ...crowd] = series(record, CROWD + 1)
      await createAll(store, [staying, ...crowd])
      const victims = crowd.map(({ id }) => id)
      const asked = asks(record({ subject: staying.subject }), { limit: 2, victims })
      evicts(await store.admit(asked), crowd, 'the answer')
    },
  },
  {
    id: 'store/admit-keeps-subjects-apart',
    title: 'counts for each subject by itself, whatever its text',
    level: 'must',
    run: async ({ store, record }) => {
      const unique = record().id
      const subjects = [...new Set(['ada', 'Ada', 'ada ', ...HOSTILE, ...UNICODE])].map((text) => unique + text)
      const asked = subjects.map((subject) => asks(record({ subject }), { victims: null }))
      for (const each of asked) {
        deepEqual(await store.admit(each), { ok: true, evicted: [] }, `for ${JSON.stringify(each.subject)}`)
      }
      for (const { subject } of asked) {
        const again = asks(record({ subject }), { victims: null })
        deepEqual(await store.admit(again), { ok: false, evicted: [] }, `again for ${JSON.stringify(subject)}`)
      }
    },
  },
  {
    id: 'store/admit-replicated',
    title: 'takes admissions that ask for durability: replicated',
    level: 'must',
    run: async ({ store, record }) => {
      const coming = record()
      const options = { durability: 'replicated' } as const
      deepEqual(await store.admit(asks(coming), options), { ok: true, evicted: [] }, 'the answer')
      equal(await store.create(coming, options), true, 'create')
    },
  },
  ...admissionCountCases,
  ...admissionRaceCases,
]
