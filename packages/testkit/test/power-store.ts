import type { Admission, EndingsFeed, Prunable, Scannable, SubjectEntry, SubjectIndex } from '@sess/core'
import { type MapStore, mapStore } from './map-store.ts'

/** A {@link MapStore} with every further power, its inside open. */
export interface PowerStore extends MapStore, SubjectIndex, EndingsFeed, Scannable, Prunable {
  /** Admitted and not created yet. */
  readonly announced: Map<string, Admission>
  readonly marked: Set<string>
  readonly listeners: Set<(handle: string) => void>
  tell(handle: string): void
}

/** Sound as long as nothing is overridden. Looks through everything for everything. */
export function powerStore(): PowerStore {
  const store = mapStore()
  const announced = new Map<string, Admission>()
  const marked = new Set<string>()
  const listeners = new Set<(handle: string) => void>()
  const tell = (handle: string) => {
    for (const listener of listeners) attempt(() => listener(handle))
  }
  const over = (id: string) => {
    announced.delete(id)
    marked.delete(id)
    tell(id)
  }
  return {
    ...store,
    announced,
    marked,
    listeners,
    tell,
    create: async (record) => {
      const created = await store.create(record)
      if (created && record.state === 'ended') over(record.id)
      if (created) announced.delete(record.id)
      return created
    },
    replace: async (record, expected) => {
      const answer = await store.replace(record, expected)
      if (answer.ok && record.state === 'ended') over(record.id)
      return answer
    },
    async *listBySubject(subject) {
      yield* entries(store, announced, subject)
    },
    admit: async (admission) => admit(entries(store, announced, admission.subject), announced, marked, admission),
    async *scan() {
      for (const id of store.ids()) yield store.peek(id)!
    },
    prune: async (now, limit) => {
      const due = store.ids().filter((id) => store.peek(id)!.expiresAt <= now)
      for (const id of due.slice(0, limit)) store.remove(id)
      return Math.min(due.length, limit)
    },
    onEnding: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function entries(store: MapStore, announced: PowerStore['announced'], subject: string): SubjectEntry[] {
  const records = store.ids().map((id) => store.peek(id)!)
  const created = records.filter((record) => record.subject === subject && record.state !== 'ended')
  const coming = [...announced.values()].filter((admission) => admission.subject === subject)
  return [...created.map((record) => ({ id: record.id, record })), ...coming.map(({ id }) => ({ id, record: null }))]
}

function admit(
  known: readonly SubjectEntry[],
  announced: PowerStore['announced'],
  marked: Set<string>,
  admission: Admission,
) {
  const { id, at, limit, uncounted, abandonedBefore } = admission
  const places = known.map((entry) => ({
    id: entry.id,
    since: entry.record?.createdAt ?? announced.get(entry.id)!.at,
    deadline: entry.record?.absoluteAt ?? announced.get(entry.id)!.deadline,
    abandoned: entry.record === null && announced.get(entry.id)!.at < abandonedBefore,
  }))
  const counted = places.filter(
    (place) => !place.abandoned && !marked.has(place.id) && place.deadline > at && !uncounted.includes(place.id),
  )
  const there = places.some((place) => place.id === id)
  const excess = there ? 0 : Math.max(0, counted.length + 1 - limit)
  const evicted = () => places.map((place) => place.id).filter((each) => marked.has(each))
  if (excess > 0 && admission.victims === null) return { ok: false, evicted: evicted() }
  const oldest = counted.sort((one, other) => one.since - other.since).map((place) => place.id)
  const named = (admission.victims ?? []).filter((victim) => oldest.includes(victim))
  for (const victim of [...new Set([...named, ...oldest])].slice(0, excess)) marked.add(victim)
  if (!there) announced.set(id, admission)
  return { ok: true, evicted: evicted() }
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // What a listener throws goes no further.
  }
}
