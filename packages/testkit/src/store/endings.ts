import type { EndingsFeed, SessionStore } from '@sess/core'
import { type Case, deepEqual, equal, ok } from '../case.ts'
import { ending, type StoreSubject } from './subject.ts'

type FeedSubject = StoreSubject<SessionStore & EndingsFeed>

/** How long a subscription, or what it has to tell, may be on its way, in ms. A second is promised; slow machines get more. */
const PATIENCE = 10_000
const PAUSE = 20

/** Everything that `EndingsFeed` promises, for stores that have it. */
export const endingsCases: readonly Case<FeedSubject>[] = [
  {
    id: 'store/endings-are-told',
    title: 'tells of a session that ends, whether it was ended by this handle or by another',
    level: 'must',
    run: async (subject) => {
      for (const listening of [subject.store, subject.other]) {
        const listener = await listen(subject, listening)
        for (const store of [subject.store, subject.other]) {
          const live = subject.record()
          await store.create(live)
          await store.replace(ending(subject, live), live.revision)
          await listener.hears(live.id)
        }
        listener.stop()
      }
    },
  },
  {
    id: 'store/endings-tell-of-tombstones',
    title: 'tells of a session that is ended before it was created',
    level: 'must',
    run: async (subject) => {
      const listener = await listen(subject, subject.store)
      const never = subject.record()
      await subject.other.create(ending(subject, never))
      await listener.hears(never.id)
      listener.stop()
    },
  },
  {
    id: 'store/endings-tell-nothing-else',
    title:
      'tells of no session that lives: not when it is created, written or touched, nor when its ending met a conflict',
    level: 'must',
    run: async (subject) => {
      const { store, record, next } = subject
      const listener = await listen(subject, subject.other)
      const [first, never] = [record(), record()]
      await store.create(first)
      const second = next(first, { data: '{"n":1}' })
      await store.replace(second, first.revision)
      await store.replace(next(second, { state: 'locked' }), second.revision)
      await store.touch(first.id, first.lastSeenAt + 1, first.expiresAt + 1)
      equal((await store.replace(ending(subject, first), first.revision)).ok, false, 'an ending on an old revision')
      equal((await store.replace(ending(subject, never), never.revision)).ok, false, 'an ending of nothing')
      equal(await store.create(ending(subject, first)), false, 'a tombstone over a session')
      await endAnother(subject).then(listener.hears)
      ok(!listener.heard.includes(first.id), 'nothing is told of a session that lives')
      ok(!listener.heard.includes(never.id), 'nothing is told of a session that never was')
      listener.stop()
    },
  },
  {
    id: 'store/endings-stop',
    title: 'tells a listener nothing once it has unsubscribed, others still, and takes new ones',
    level: 'must',
    run: async (subject) => {
      const gone = await listen(subject, subject.store)
      const staying = await listen(subject, subject.store)
      gone.stop()
      gone.stop()
      const before = [...gone.heard]
      await endAnother(subject).then(staying.hears)
      deepEqual(gone.heard, before, 'what the first listener has heard')
      staying.stop()
      const last = [...staying.heard]
      const back = await listen(subject, subject.store)
      deepEqual([gone.heard, staying.heard], [before, last], 'what those who left have heard')
      back.stop()
    },
  },
  {
    id: 'store/endings-tell-all-listeners',
    title: 'tells every listener',
    level: 'must',
    run: async (subject) => {
      const listeners = await Promise.all([1, 2, 3].map(() => listen(subject, subject.store)))
      const id = await endAnother(subject)
      for (const listener of listeners) await listener.hears(id)
      for (const listener of listeners) listener.stop()
    },
  },
  {
    id: 'store/endings-survive-listeners-that-throw',
    title: 'a listener that throws keeps neither the ending from succeeding nor the other listeners from hearing of it',
    level: 'must',
    run: async (subject) => {
      const { store, other, record } = subject
      const stop = store.onEnding(() => {
        throw new Error('thrown by a listener, on purpose')
      })
      const listener = await listen(subject, store)
      for (const handle of [store, other]) {
        const live = record()
        await handle.create(live)
        deepEqual(await handle.replace(ending(subject, live), live.revision), { ok: true }, 'the ending')
        await listener.hears(live.id)
      }
      listener.stop()
      stop()
    },
  },
]

interface Listener {
  readonly heard: readonly string[]
  /** Resolves when it has heard of this handle. */
  hears(handle: string): Promise<void>
  stop(): void
}

/** Subscribes, and resolves when the subscription has been seen to stand. */
async function listen(subject: FeedSubject, store: EndingsFeed): Promise<Listener> {
  const heard: string[] = []
  const stop = store.onEnding((handle) => heard.push(handle))
  const hears = async (handle: string): Promise<void> => {
    ok(await within(() => heard.includes(handle)), `told of ${handle} within ${PATIENCE} ms`)
  }
  const known = new Set<string>()
  const stands = await within(async () => {
    known.add(await endAnother(subject))
    return heard.some((handle) => known.has(handle))
  })
  ok(stands, `a listener is told of endings within ${PATIENCE} ms`)
  // What was ended last may still be on its way.
  await hears([...known].at(-1) ?? '')
  return { heard, hears, stop }
}

/** Ends a session that nothing else is about; its handle. */
async function endAnother(subject: FeedSubject): Promise<string> {
  const live = subject.record()
  await subject.store.create(live)
  await subject.store.replace(ending(subject, live), live.revision)
  return live.id
}

async function within(check: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let waited = 0; !(await check()); waited += PAUSE) {
    if (waited >= PATIENCE) return false
    await new Promise<void>((resolve) => {
      setTimeout(resolve, PAUSE)
    })
  }
  return true
}
