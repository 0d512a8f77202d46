import { copySessions, memoryStore, type Scannable, type SessionRecord, type SessionStore } from '@sess/core'
import { type Case, deepEqual, equal, ok } from '../case.ts'
import { settles } from './abort.ts'
import { createAll, ending, type StoreSubject } from './subject.ts'

type ScanSubject = StoreSubject<SessionStore & Scannable>

/** More than the records that a store is likely to read at a time. */
const MANY = 1100

/**
 * Everything that `Scannable` promises, for stores that have it. They go through the whole storage: give them a table or a
 * prefix of their own.
 */
export const scanCases: readonly Case<ScanSubject>[] = [
  {
    id: 'store/scan-finds-everything',
    title: `finds each of ${MANY} records, in any state, as get returns it`,
    level: 'must',
    run: async (subject) => {
      const { store, other, record, next } = subject
      const records = Array.from({ length: MANY }, () => record({ data: '{"name":"Žofie"}' }))
      const odd = [
        record({ state: 'anonymous', subject: null }),
        record({ state: 'locked' }),
        ending(subject, record()),
        { ...record(), later: { list: [1] } },
      ]
      await createAll(store, [...records, ...odd])
      const [changed] = records as [SessionRecord]
      records[0] = next(changed, { data: '{"n":1}' })
      await store.replace(records[0], changed.revision)
      const found = await scanned(other)
      for (const each of [...records, ...odd]) deepEqual(found.get(each.id), each, 'a record that was scanned')
    },
  },
  {
    id: 'store/scan-finds-only-records',
    title: 'finds records and nothing else: no session that was announced and not created, no key of another kind',
    level: 'must',
    run: async ({ store, record }) => {
      const [coming, there] = [record(), record()]
      // For stores that have an index of subjects too.
      if ('admit' in store && typeof store.admit === 'function') {
        const { id, subject, createdAt: at, absoluteAt: deadline } = coming
        await store.admit({ id, subject, at, deadline, abandonedBefore: 0, limit: 9, uncounted: [], victims: [] })
      }
      await store.create(there)
      const found = await scanned(store)
      deepEqual(found.get(there.id), there, 'a record that is there')
      equal(found.has(coming.id), false, 'whether it found a session that was not created')
      for (const each of found.values()) ok(typeof each.revision === 'string' && each.state, 'a record')
    },
  },
  {
    id: 'store/scan-while-records-come-and-go',
    title: 'finds what is there from beginning to end while other records are created and ended, and can be left early',
    level: 'must',
    run: async (subject) => {
      const { store, other, record } = subject
      const [staying, going, coming] = [make(record), make(record), make(record)]
      await createAll(
        store,
        going.flatMap((each, index) => [each, staying[index] as SessionRecord]),
      )
      const traffic = Promise.all([
        createAll(other, coming),
        ...going.map((each) => other.replace(ending(subject, each), each.revision)),
      ])
      const [found] = await Promise.all([scanned(store), traffic])
      for (const each of staying) deepEqual(found.get(each.id), each, 'a record that stayed')
      for await (const each of store.scan()) {
        ok(each.id, 'a record')
        break
      }
      deepEqual(await store.get(staying[0]?.id ?? ''), staying[0], 'get, after a scan was left')
    },
  },
  {
    id: 'store/scan-feeds-copies',
    title: 'gives up every record to copySessions(), takes every one, and is told what has changed since',
    level: 'must',
    run: async (subject) => {
      const { store, record, next } = subject
      const origin = memoryStore()
      const records = make(record)
      await createAll(origin, records)
      deepEqual(await copySessions(origin, store), { created: MANY, updated: 0, kept: 0 }, 'the first copy')
      const [written, over] = records as [SessionRecord, SessionRecord]
      await store.replace(next(written, { data: '{}' }), written.revision)
      await origin.replace(ending(subject, over), over.revision)
      deepEqual(await copySessions(origin, store), { created: 0, updated: 1, kept: MANY - 1 }, 'the second copy')
      const back = memoryStore()
      await copySessions(store, back)
      equal((await back.get(written.id))?.data, '{}', 'what was written meanwhile')
      equal((await back.get(over.id))?.state, 'ended', 'the state of the one that ended')
      for (const each of records.slice(2)) deepEqual(await back.get(each.id), each, 'a record that came back')
    },
  },
  {
    id: 'store/scan-aborted-settles',
    title: 'a scan whose signal was aborted before settles, and the store goes on working',
    level: 'must',
    run: async ({ store, record }) => {
      const kept = record()
      await store.create(kept)
      ok(await settles(store.scan({ signal: AbortSignal.abort() })[Symbol.asyncIterator]().next()), 'the scan settles')
      deepEqual(await store.get(kept.id), kept, 'get afterwards')
    },
  },
]

function make(record: ScanSubject['record']): SessionRecord[] {
  return Array.from({ length: MANY }, () => record())
}

/** What a scan finds, by id. A record may come twice. */
async function scanned(store: Scannable): Promise<Map<string, SessionRecord>> {
  const found = new Map<string, SessionRecord>()
  for await (const record of store.scan()) found.set(record.id, record)
  return found
}
