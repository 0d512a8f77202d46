import type { SessionRecord } from '@sess/core'
import { type Case, equal, ok } from '../case.ts'
import { asks, type IndexSubject, list, series } from './index-subject.ts'
import { ending, type StoreSubject } from './subject.ts'

const RIVALS = 20
const LIMIT = 3

/** However many ask at a time, over two handles, never more than the limit stay. */
export const admissionRaceCases: readonly Case<IndexSubject>[] = [
  {
    id: 'store/admit-in-parallel',
    title: `of ${RIVALS} parallel admissions with a limit of ${LIMIT}, all but ${LIMIT} are marked`,
    level: 'must',
    run: async (subject) => {
      const rivals = series(subject.record, RIVALS)
      const marked = new Set<string>()
      await inParallel(subject, rivals, async (store, rival) => {
        const answer = await store.admit(asks(rival, { limit: LIMIT }))
        ok(answer.ok, 'an answer')
        for (const id of answer.evicted) marked.add(id)
      })
      equal(rivals.filter(({ id }) => !marked.has(id)).length, LIMIT, 'sessions that stay')
      equal(marked.size, RIVALS - LIMIT, 'sessions that have to go')
    },
  },
  {
    id: 'store/admit-in-parallel-refuses',
    title: `of ${RIVALS} parallel admissions where nobody has to go, exactly as many as there is room for succeed`,
    level: 'must',
    run: async (subject) => {
      const [there, ...rivals] = series(subject.record, RIVALS + 1)
      await subject.store.create(there)
      let admitted = 0
      await inParallel(subject, rivals, async (store, rival) => {
        const answer = await store.admit(asks(rival, { limit: LIMIT, victims: null }))
        if (answer.ok) admitted += 1
        equal(answer.evicted.length, 0, 'sessions that have to go')
      })
      equal(admitted, LIMIT - 1, 'admissions that succeeded')
      equal((await list(subject.store, there.subject)).length, LIMIT, 'sessions listed')
    },
  },
  {
    id: 'store/admit-one-in-parallel',
    title: `${RIVALS} parallel admissions of one session count it once`,
    level: 'must',
    run: async (subject) => {
      const [there, coming] = series(subject.record, 2)
      await subject.store.create(there)
      await inParallel(subject, Array(RIVALS).fill(coming), async (store, rival) => {
        const answer = await store.admit(asks(rival, { limit: 2 }))
        ok(answer.ok && answer.evicted.length === 0, 'room for both')
      })
      equal((await list(subject.other, there.subject)).length, 2, 'sessions listed')
    },
  },
  {
    id: 'store/admit-with-create-in-parallel',
    title: `of ${RIVALS} parallel sign-ins that admit, end whoever has to go and create, exactly ${LIMIT} sessions live on`,
    level: 'must',
    run: async (subject) => {
      const [old, ...rivals] = series(subject.record, RIVALS + 1)
      await subject.store.create(old)
      await inParallel(subject, rivals, (store, rival) => signIn({ ...subject, store }, rival))
      equal(await living(subject, old), LIMIT, 'sessions that live')
    },
  },
  {
    id: 'store/admit-with-endings-in-parallel',
    title: `sign-ins and sign-outs in parallel leave at most ${LIMIT} sessions, and then there is room for the rest`,
    level: 'must',
    run: async (subject) => {
      const [first, ...rivals] = series(subject.record, RIVALS + 1)
      await subject.store.create(first)
      await inParallel(subject, rivals, async (store, rival, index) => {
        await signIn({ ...subject, store }, rival)
        if (index % 2 === 0) await end({ ...subject, store }, rival)
      })
      ok((await living(subject, first)) <= LIMIT, 'sessions that live: no more than the limit')
      for (let more = 0; more < LIMIT; more += 1) await signIn(subject, subject.record({ subject: first.subject }))
      equal(await living(subject, first), LIMIT, 'sessions that live after as many sign-ins as the limit')
    },
  },
]

/** Every other rival comes over the other handle. */
async function inParallel(
  { store, other }: IndexSubject,
  rivals: readonly SessionRecord[],
  work: (store: IndexSubject['store'], rival: SessionRecord, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(rivals.map((rival, index) => work(index % 2 === 0 ? store : other, rival, index)))
}

/** As sess signs in: what has ended is not counted, and whoever is marked ends before the new record is there. */
async function signIn(subject: IndexSubject, coming: SessionRecord): Promise<void> {
  const { store } = subject
  const uncounted: string[] = []
  for (const { id, record } of await list(store, coming.subject)) if (record?.state === 'ended') uncounted.push(id)
  const { evicted } = await store.admit(asks(coming, { limit: LIMIT, uncounted }))
  for (const id of evicted) await end(subject, { ...coming, id })
  await store.create(coming)
}

/** Ends a session, by a tombstone if it was never created. */
async function end(subject: StoreSubject, session: SessionRecord): Promise<void> {
  const { store } = subject
  for (let current = await store.get(session.id); current?.state !== 'ended'; ) {
    if (current === null) {
      if (await store.create(ending(subject, session))) return
      current = await store.get(session.id)
      continue
    }
    const answer = await store.replace(ending(subject, current), current.revision)
    if (answer.ok) return
    current = answer.current
  }
}

/** How many sessions of the subject have a record that has not ended. */
async function living({ store }: IndexSubject, { subject }: SessionRecord): Promise<number> {
  const entries = await list(store, subject)
  return entries.filter(({ record }) => record !== null && record.state !== 'ended').length
}
