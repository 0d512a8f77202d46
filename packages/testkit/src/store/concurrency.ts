import type { SessionRecord } from '@sess/core'
import { type Case, deepEqual, equal, ok } from '../case.ts'
import type { StoreSubject } from './subject.ts'

const RIVALS = 100
const WRITERS = 10
const WRITES = 10
const ROUNDS = 20

/** Parallel writers of one record neither lose each other's writes nor undo an ending. */
export const concurrencyCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/replace-in-parallel',
    title: `of ${RIVALS} parallel replaces on one revision exactly one succeeds, and all others get its record`,
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      await store.create(first)
      const rivals = Array.from({ length: RIVALS }, (_, index) => next(first, { data: `{"by":${index}}` }))
      const answers = await Promise.all(rivals.map((rival) => store.replace(rival, first.revision)))
      equal(answers.filter((answer) => answer.ok).length, 1, 'replaces that succeeded')
      const winner = rivals[answers.findIndex((answer) => answer.ok)]
      deepEqual(await store.get(first.id), winner, 'the record kept')
      for (const answer of answers) if (!answer.ok) deepEqual(answer.current, winner, 'the record in the way')
    },
  },
  {
    id: 'store/increments-in-parallel',
    title: `${WRITERS} writers that retry on conflict make ${WRITERS * WRITES} increments, and none is lost`,
    level: 'must',
    run: async (subject) => {
      const counter = subject.record({ data: '0' })
      await subject.store.create(counter)
      const writer = async () => {
        for (let made = 0; made < WRITES; made += 1) await increment(subject, counter)
      }
      await Promise.all(Array.from({ length: WRITERS }, writer))
      equal((await subject.store.get(counter.id))?.data, String(WRITERS * WRITES), 'the counter')
    },
  },
  {
    id: 'store/touch-with-replace',
    title: 'a touch and a replace in parallel both last',
    level: 'must',
    run: async ({ store, record, next }) => {
      let latest = record()
      await store.create(latest)
      for (let round = 1; round <= ROUNDS; round += 1) {
        const written = next(latest, { data: `{"round":${round}}` })
        const moved = { lastSeenAt: latest.lastSeenAt + 1000, expiresAt: latest.expiresAt + 1000 }
        const touch = () => store.touch(latest.id, moved.lastSeenAt, moved.expiresAt)
        const replace = () => store.replace(written, latest.revision)
        const answers = await inEitherOrder(round, touch, replace)
        deepEqual(answers, [true, { ok: true }], `the answers in round ${round}`)
        latest = { ...written, ...moved }
        deepEqual(await store.get(latest.id), latest, `the record in round ${round}`)
      }
    },
  },
  {
    id: 'store/touch-with-ending',
    title: 'a touch in parallel with an ending does not bring the session back',
    level: 'must',
    run: async ({ store, record, next }) => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const live = record({ data: '{"secret":1}' })
        await store.create(live)
        const ended = next(live, { state: 'ended', endedReason: 'revoked', endedAt: live.lastSeenAt, data: '' })
        const touch = () => store.touch(live.id, live.lastSeenAt + 1000, live.expiresAt + 1000)
        await inEitherOrder(round, touch, () => store.replace(ended, live.revision))
        const after = await store.get(live.id)
        ok(after, 'the tombstone')
        const { lastSeenAt, expiresAt } = after
        deepEqual(after, { ...ended, lastSeenAt, expiresAt }, `the tombstone in round ${round}`)
      }
    },
  },
]

async function increment({ store, next }: StoreSubject, seen: SessionRecord): Promise<void> {
  let current = seen
  for (let attempt = 0; attempt < WRITERS * WRITES; attempt += 1) {
    const written = next(current, { data: String(Number(current.data) + 1) })
    const answer = await store.replace(written, current.revision)
    if (answer.ok) return
    ok(answer.current, 'the record in the way')
    current = answer.current
  }
  throw new Error('an increment met more conflicts than there are writes')
}

async function inEitherOrder<A, B>(round: number, a: () => Promise<A>, b: () => Promise<B>): Promise<[A, B]> {
  if (round % 2 === 1) return Promise.all([a(), b()])
  const [second, first] = await Promise.all([b(), a()])
  return [first, second]
}
