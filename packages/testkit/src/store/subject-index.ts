import type { SessionRecord } from '@sess/core'
import { type Case, deepEqual, equal, ok } from '../case.ts'
import { settles } from './abort.ts'
import { admissionCases } from './admission.ts'
import { asks, type IndexSubject, list, lists } from './index-subject.ts'
import { createAll, ending } from './subject.ts'
import { HOSTILE, UNICODE } from './text.ts'

const MANY = 10_000

const listingCases: readonly Case<IndexSubject>[] = [
  {
    id: 'store/index-lists-from-create',
    title: 'lists a session with its record as it is now, from the moment it was created',
    level: 'must',
    run: async ({ store, other, record, next }) => {
      const first = record()
      await store.create(first)
      await lists([store, other], first.subject, [first], 'after create')
      const second = next(first, { data: '{"n":1}' })
      await other.replace(second, first.revision)
      await lists([store, other], first.subject, [second], 'after replace')
      const seen = { ...second, lastSeenAt: second.lastSeenAt + 1, expiresAt: second.expiresAt + 1 }
      await store.touch(seen.id, seen.lastSeenAt, seen.expiresAt)
      await lists([store, other], first.subject, [seen], 'after touch')
    },
  },
  {
    id: 'store/index-lists-each-once',
    title: 'lists every session of the subject once and nothing of other subjects',
    level: 'must',
    run: async ({ store, other, record }) => {
      const { subject } = record()
      const own = Array.from({ length: 30 }, () => record({ subject }))
      await createAll(store, [...own.slice(0, 15), record(), record(), ...own.slice(15)])
      await lists([store, other], subject, own, 'the list')
    },
  },
  {
    id: 'store/index-unknown-subject-is-empty',
    title: 'lists nothing for a subject that it has never seen',
    level: 'must',
    run: async ({ store, record }) => {
      await lists([store], record().subject, [], 'the list')
    },
  },
  {
    id: 'store/index-leaves-visitors-out',
    title: 'lists sessions without a subject under no subject',
    level: 'must',
    run: async ({ store, record }) => {
      const visitor = record({ subject: null, state: 'anonymous' })
      await store.create(visitor)
      for (const subject of ['', 'null', 'undefined', '\\N']) {
        const ids = (await list(store, subject)).map(({ id }) => id)
        ok(!ids.includes(visitor.id), `the visitor is not listed under ${JSON.stringify(subject)}`)
      }
    },
  },
  {
    id: 'store/index-lists-until-ended',
    title: 'lists a session that has ended as ended, or not at all',
    level: 'must',
    run: async (subject) => {
      const { store, other, record } = subject
      const [live, over] = [record(), record()]
      await createAll(store, [live, { ...over, subject: live.subject }])
      await store.replace({ ...ending(subject, over), subject: live.subject }, over.revision)
      await store.create({ ...ending(subject, record()), subject: live.subject })
      for (const handle of [store, other]) {
        const listed = (await list(handle, live.subject)).filter((entry) => entry.record?.state !== 'ended')
        deepEqual(listed, [{ id: live.id, record: live }], 'what is listed as not ended')
      }
    },
  },
  {
    id: 'store/index-keeps-subjects-apart',
    title: 'takes any text for a subject, and none for another: case, accents, spaces, length, look-alikes of keys',
    level: 'must',
    run: async ({ store, other, record }) => {
      const long = 'x'.repeat(1023)
      const alike = ['ada', 'Ada', 'ADA', 'adá', 'ada ', ' ada', 'ada:', 'ad', `${long}a`, `${long}b`]
      const keys = ['sess:', 'subject', 'subject:ada', 'sess:subject:ada', '*', '{ada}', record().id]
      const own = [...new Set([...alike, ...keys, ...HOSTILE, ...UNICODE])].map((subject) => record({ subject }))
      await createAll(store, own)
      const ids = new Set(own.map(({ id }) => id))
      for (const each of own) {
        const listed = (await list(other, each.subject)).filter(({ id }) => ids.has(id))
        deepEqual(listed, [{ id: each.id, record: each }], `the list of ${JSON.stringify(each.subject)}`)
      }
    },
  },
  {
    id: 'store/index-lists-ten-thousand',
    title: `lists each of the ${MANY} sessions of one subject, and can be left before the end`,
    level: 'must',
    run: async ({ store, other, record }) => {
      const { subject } = record()
      const own = Array.from({ length: MANY }, () => record({ subject }))
      await createAll(store, own)
      const revisions = new Map(own.map(({ id, revision }) => [id, revision]))
      for await (const { id, record: found } of other.listBySubject(subject as string, 0)) {
        equal(found?.revision, revisions.get(id), 'the revision of a listed record')
        revisions.delete(id)
      }
      equal(revisions.size, 0, 'sessions that were not listed')
      for await (const { id } of other.listBySubject(subject as string, 0)) {
        ok(id, 'an entry')
        break
      }
      deepEqual(await other.get(own[0]?.id ?? ''), own[0], 'get, after a list was left')
    },
  },
  {
    id: 'store/index-lists-while-sessions-come-and-go',
    title: 'lists the sessions that are there all the time while others are created and ended',
    level: 'must',
    run: async (subject) => {
      const { store, other, record } = subject
      const owner = record().subject
      const make = (): SessionRecord[] => Array.from({ length: 700 }, () => record({ subject: owner }))
      const [staying, going, coming] = [make(), make(), make()]
      await createAll(
        store,
        going.flatMap((each, index) => [each, staying[index] as SessionRecord]),
      )
      const traffic = Promise.all([
        createAll(store, coming),
        ...going.map((each) => store.replace(ending(subject, each), each.revision)),
      ])
      const [entries] = await Promise.all([list(other, owner), traffic])
      const listed = new Map(entries.map(({ id, record: found }) => [id, found]))
      for (const each of staying) deepEqual(listed.get(each.id), each, 'a session that stayed')
      const known = new Set([staying, going, coming].flatMap((group) => group.map(({ id }) => id)))
      deepEqual(
        [...listed.keys()].filter((id) => !known.has(id)),
        [],
        'handles that nobody created',
      )
    },
  },
  {
    id: 'store/index-aborted-calls-settle',
    title: 'a list and an admission whose signal was aborted before settle, and the store goes on working',
    level: 'must',
    run: async ({ store, record }) => {
      const kept = record()
      await store.create(kept)
      const options = { signal: AbortSignal.abort() }
      ok(await settles(list(store, kept.subject, 0, options)), 'listBySubject settles')
      ok(await settles(store.admit(asks(record()), options)), 'admit settles')
      await lists([store], kept.subject, [kept], 'afterwards')
    },
  },
]

/** Everything that `SubjectIndex` promises, for stores that have it: `listBySubject` and `admit`. */
export const subjectIndexCases: readonly Case<IndexSubject>[] = [...listingCases, ...admissionCases]
