import type { Admission, SubjectEntry } from '@sess/core'
import { type PowerStore, powerStore } from './power-store.ts'

/** A store with powers and one thing wrong with it, and the ids (without `store/`) of cases that must notice. */
export interface PowerFlaw {
  readonly flaw: string
  readonly caughtBy: readonly string[]
  /** Two handles on one storage, or the same twice. */
  readonly make: () => readonly [PowerStore, PowerStore]
}

const pause = () => new Promise<void>((resolve) => setImmediate(resolve))
async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const each of iterable) found.push(each)
  return found
}

const never = () => new Promise<never>(() => {})

function flaw(name: string, caughtBy: string, override: (store: PowerStore) => Partial<PowerStore>): PowerFlaw {
  return handlesFlaw(name, caughtBy, () => {
    const store = powerStore()
    const flawed = { ...store, ...override(store) }
    return [flawed, flawed]
  })
}

function handlesFlaw(name: string, caughtBy: string, make: PowerFlaw['make']): PowerFlaw {
  return { flaw: name, caughtBy: caughtBy.split(' '), make }
}

/** Lists flawed by what `alter` makes of the sound list. */
function listFlaw(
  name: string,
  caughtBy: string,
  alter: (entries: SubjectEntry[], subject: string, store: PowerStore) => readonly SubjectEntry[],
): PowerFlaw {
  return flaw(name, caughtBy, (store) => ({
    async *listBySubject(subject) {
      yield* alter(await all(store.listBySubject(subject, 0)), subject, store)
    },
  }))
}

/** Subjects flawed by what `alter` makes of them. */
function subjectFlaw(name: string, caughtBy: string, alter: (subject: string) => string): PowerFlaw {
  return flaw(name, caughtBy, (store) => ({
    async *listBySubject(subject) {
      for (const id of store.ids()) {
        const record = store.peek(id)
        if (record?.subject != null && alter(record.subject) === alter(subject)) yield { id, record }
      }
      for (const { id, subject: of } of store.announced.values()) {
        if (alter(of) === alter(subject)) yield { id, record: null }
      }
    },
    admit: (admission) => store.admit({ ...admission, subject: alter(admission.subject) }),
  }))
}

/** Admissions flawed by what `alter` makes of what is asked. */
function askFlaw(
  name: string,
  caughtBy: string,
  alter: (admission: Admission, store: PowerStore) => Admission | Promise<Admission>,
): PowerFlaw {
  return flaw(name, caughtBy, (store) => ({
    admit: async (admission) => store.admit(await alter(admission, store)),
  }))
}

export const listingFlaws: readonly PowerFlaw[] = [
  flaw('the list has records as they were created', 'index-lists-from-create', (store) => {
    const first = new Map<string, SubjectEntry>()
    return {
      async *listBySubject(subject) {
        for await (const entry of store.listBySubject(subject, 0)) {
          if (entry.record !== null && !first.has(entry.id)) first.set(entry.id, entry)
          yield first.get(entry.id) ?? entry
        }
      },
    }
  }),
  listFlaw('the last entry of a page comes twice', 'index-lists-each-once', (entries) => [
    ...entries.slice(0, 10),
    ...entries.slice(9),
  ]),
  listFlaw('a list of nothing is an error', 'index-unknown-subject-is-empty', (entries) => {
    if (entries.length === 0) throw new Error('no such subject')
    return entries
  }),
  listFlaw('no subject is the subject null', 'index-leaves-visitors-out', (entries, subject, store) => {
    const visitors = store.ids().filter((id) => String(store.peek(id)!.subject) === subject)
    return [...entries, ...visitors.map((id) => ({ id, record: store.peek(id) }))]
  }),
  flaw('the list has records of its own, which never end', 'index-lists-until-ended', (store) => {
    const copies = new Map<string, SubjectEntry & { readonly subject: string | null }>()
    return {
      create: async (record) => {
        copies.set(record.id, { id: record.id, record, subject: record.subject })
        return store.create(record)
      },
      async *listBySubject(subject) {
        for (const { id, record, subject: of } of copies.values()) if (of === subject) yield { id, record }
      },
    }
  }),
  listFlaw('a list has a thousand entries at most', 'index-lists-ten-thousand', (entries) => entries.slice(0, 1000)),
  flaw('a list is read page by page, by offset', 'index-lists-while-sessions-come-and-go', (store) => ({
    async *listBySubject(subject, abandonedBefore) {
      for (let offset = 0; ; offset += 100) {
        const entries = await all(store.listBySubject(subject, abandonedBefore))
        yield* entries.slice(offset, offset + 100)
        if (entries.length < offset + 100) return
        await pause()
      }
    },
    replace: async (record, expected) => {
      await pause()
      return store.replace(record, expected)
    },
  })),
  flaw('an aborted admission never settles', 'index-aborted-calls-settle', (store) => ({
    admit: (admission, options) => (options?.signal?.aborted ? never() : store.admit(admission)),
  })),
  flaw('an aborted list never settles', 'index-aborted-calls-settle', (store) => ({
    async *listBySubject(subject, abandonedBefore, options) {
      if (options?.signal?.aborted) await never()
      yield* store.listBySubject(subject, abandonedBefore)
    },
  })),
  subjectFlaw('subjects are compared without case', 'index-keeps-subjects-apart admit-keeps-subjects-apart', (text) =>
    text.toLowerCase(),
  ),
  subjectFlaw('subjects are trimmed', 'index-keeps-subjects-apart admit-keeps-subjects-apart', (text) => text.trim()),
  subjectFlaw('subjects are normalized', 'index-keeps-subjects-apart admit-keeps-subjects-apart', (text) =>
    text.normalize('NFC'),
  ),
  subjectFlaw('subjects are cut at 255', 'index-keeps-subjects-apart', (text) => text.slice(0, 255)),
]

export const admissionFlaws: readonly PowerFlaw[] = [
  flaw('nothing is announced', 'admit-announces admit-in-parallel-refuses', (store) => ({
    admit: async (admission) => {
      const answer = await store.admit(admission)
      store.announced.clear()
      return answer
    },
  })),
  flaw('an announced session has a record', 'admit-announces', (store) => ({
    touch: async (id, ...instants) => store.announced.has(id) || store.touch(id, ...instants),
  })),
  flaw('a created session keeps its announced place besides', 'admit-then-create', (store) => ({
    create: async (record) => {
      const announced = store.announced.get(record.id)
      const created = await store.create(record)
      if (announced !== undefined) store.announced.set(`${record.id}+`, { ...announced, id: `${record.id}+` })
      return created
    },
  })),
  flaw('a create() that comes too late announces its session again', 'admit-leaves-out-overtaken', (store) => {
    const asked = new Map<string, Admission>()
    return {
      admit: (admission) => {
        asked.set(admission.id, admission)
        return store.admit(admission)
      },
      create: async (record) => {
        const created = await store.create(record)
        const admission = asked.get(record.id)
        if (!created && admission !== undefined) store.announced.set(record.id, admission)
        return created
      },
    }
  }),
  flaw('whoever is named has to go', 'admit-without-need admit-takes-named-first', (store) => ({
    admit: async (admission) => {
      for await (const { id } of store.listBySubject(admission.subject, 0)) {
        if (admission.victims?.includes(id)) store.marked.add(id)
      }
      return store.admit(admission)
    },
  })),
  askFlaw('victims are taken in the order of their admission', 'admit-takes-named-first', (admission, store) => {
    const order = store.ids()
    const victims = [...(admission.victims ?? [])].sort((a, b) => order.indexOf(a) - order.indexOf(b))
    return { ...admission, victims }
  }),
  askFlaw('nobody is asked who has to go first', 'admit-takes-named-first admit-takes-oldest-next', (admission) => ({
    ...admission,
    victims: admission.victims && [],
  })),
  askFlaw('those closest to their deadline go first', 'admit-takes-oldest-next', async (admission, store) => {
    const entries = await all(store.listBySubject(admission.subject, 0))
    const deadline = ({ record }: SubjectEntry) => record?.absoluteAt ?? 0
    const others = entries.sort((one, other) => deadline(one) - deadline(other)).map(({ id }) => id)
    return { ...admission, victims: admission.victims && [...admission.victims, ...others] }
  }),
  flaw('a handle of nobody fills the place of a victim', 'admit-ignores-strange-victims', (store) => ({
    admit: async (admission) => {
      const known = (await all(store.listBySubject(admission.subject, 0))).map(({ id }) => id)
      const strange = (admission.victims ?? []).filter((id) => !known.includes(id)).length
      return store.admit({ ...admission, limit: admission.limit + strange })
    },
  })),
  flaw('victims of other subjects are marked', 'admit-ignores-strange-victims', (store) => ({
    admit: async (admission) => {
      for (const id of admission.victims ?? []) {
        if (store.peek(id) !== null && store.peek(id)?.subject !== admission.subject) store.marked.add(id)
      }
      return store.admit(admission)
    },
  })),
  flaw('a refused session is announced', 'admit-refuses admit-in-parallel-refuses', (store) => ({
    admit: async (admission) => {
      const answer = await store.admit(admission)
      store.announced.set(admission.id, admission)
      return answer
    },
  })),
  askFlaw('everybody counts', 'admit-leaves-out-uncounted', (admission) => ({ ...admission, uncounted: [] })),
  askFlaw(
    'those who have ended count',
    'admit-leaves-out-ended admit-with-endings-in-parallel',
    (admission, { ids, peek }) => {
      const ended = ids().filter((id) => peek(id)!.subject === admission.subject && peek(id)!.state === 'ended').length
      return { ...admission, limit: admission.limit - ended }
    },
  ),
  askFlaw('a deadline is over one ms late', 'admit-leaves-out-past-deadline', (admission) => ({
    ...admission,
    at: admission.at - 1,
  })),
  askFlaw('a deadline is over one ms early', 'admit-leaves-out-past-deadline', (admission) => ({
    ...admission,
    at: admission.at + 1,
  })),
  askFlaw('nobody is abandoned', 'admit-leaves-out-abandoned', (admission) => ({ ...admission, abandonedBefore: 0 })),
  askFlaw('whoever was announced right then is abandoned', 'admit-leaves-out-abandoned', (admission) => ({
    ...admission,
    abandonedBefore: admission.abandonedBefore + 1,
  })),
  askFlaw('created sessions are abandoned too', 'admit-keeps-created', ({ ...admission }, { ids, peek }) => {
    const old = ids().filter((id) => peek(id)!.createdAt < admission.abandonedBefore)
    return { ...admission, uncounted: [...admission.uncounted, ...old] }
  }),
  askFlaw('asking twice counts twice', 'admit-twice', (admission, { announced, peek }) => {
    const asked = announced.has(admission.id) || peek(admission.id) !== null
    return asked ? { ...admission, id: `${admission.id}${announced.size}` } : admission
  }),
  flaw('every call takes a place', 'admit-announces admit-one-in-parallel', (store) => {
    let calls = 0
    return {
      admit: (admission) => {
        calls += 1
        return store.admit({ ...admission, id: `${admission.id}${calls}` })
      },
    }
  }),
  flaw('a victim is named once', 'admit-twice admit-returns-marked-until-ended', (store) => ({
    admit: async (admission) => {
      const before = new Set(store.marked)
      const { ok, evicted } = await store.admit(admission)
      return { ok, evicted: evicted.filter((id) => !before.has(id)) }
    },
  })),
  flaw('a write unmarks', 'admit-returns-marked-until-ended', (store) => ({
    replace: async (record, expected) => {
      store.marked.delete(record.id)
      return store.replace(record, expected)
    },
  })),
  flaw('a victim is named for ever', 'admit-returns-marked-until-ended', (store) => {
    const all = new Set<string>()
    return {
      admit: async (admission) => {
        const { ok, evicted } = await store.admit(admission)
        for (const id of evicted) all.add(id)
        return { ok, evicted: [...all] }
      },
    }
  }),
  flaw('a tombstone needs a session', 'admit-marks-announced', (store) => ({
    create: async (record) => record.state !== 'ended' && store.create(record),
  })),
  askFlaw('announced sessions have nowhere to go', 'admit-marks-announced', (admission, { announced }) => ({
    ...admission,
    uncounted: [...admission.uncounted, ...announced.keys()],
  })),
  flaw('a hundred at most have to go', 'admit-lowers-a-crowd', (store) => ({
    admit: async (admission) => {
      const { ok, evicted } = await store.admit(admission)
      return { ok, evicted: evicted.slice(0, 100) }
    },
  })),
  flaw('durability it cannot promise is an error', 'admit-replicated', (store) => ({
    admit: async (admission, options) => {
      if (options?.durability === 'replicated') throw new Error('no replicas')
      return store.admit(admission)
    },
  })),
  flaw(
    'admissions count first and mark later',
    'admit-in-parallel admit-in-parallel-refuses admit-with-create-in-parallel',
    (store) => ({
      admit: async (admission) => {
        const entries = await all(store.listBySubject(admission.subject, 0))
        await pause()
        const late = (await all(store.listBySubject(admission.subject, 0))).length - entries.length
        return store.admit({ ...admission, limit: admission.limit + late })
      },
    }),
  ),
]

export const feedFlaws: readonly PowerFlaw[] = [
  handlesFlaw('a handle tells only of its own endings', 'endings-are-told', () => {
    const store = powerStore()
    const handle = (): PowerStore => {
      const listeners = new Set<(id: string) => void>()
      return {
        ...store,
        onEnding: (listener) => {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
        replace: async (record, expected) => {
          const answer = await store.replace(record, expected)
          if (answer.ok && record.state === 'ended') for (const listener of listeners) listener(record.id)
          return answer
        },
      }
    }
    return [handle(), handle()]
  }),
  flaw('tombstones are not told', 'endings-tell-of-tombstones', ({ put, peek, announced, create }) => ({
    create: async (record) => {
      if (record.state !== 'ended' || peek(record.id) !== null) return create(record)
      announced.delete(record.id)
      put(record)
      return true
    },
  })),
  flaw('every write is told', 'endings-tell-nothing-else', (store) => ({
    replace: async (record, expected) => {
      const answer = await store.replace(record, expected)
      store.tell(record.id)
      return answer
    },
  })),
  flaw('an ending is told although it met a conflict', 'endings-tell-nothing-else', (store) => ({
    replace: async (record, expected) => {
      const answer = await store.replace(record, expected)
      if (!answer.ok && record.state === 'ended') store.tell(record.id)
      return answer
    },
  })),
  flaw('whoever leaves is still told', 'endings-stop', (store) => ({
    onEnding: (listener) => {
      store.onEnding(listener)
      return () => {}
    },
  })),
  flaw('whoever leaves takes everybody along', 'endings-stop', (store) => ({
    onEnding: (listener) => {
      store.onEnding(listener)
      return () => store.listeners.clear()
    },
  })),
  flaw('the latest listener is the only one', 'endings-tell-all-listeners', (store) => ({
    onEnding: (listener) => {
      store.listeners.clear()
      return store.onEnding(listener)
    },
  })),
  flaw('what a listener throws reaches the writer', 'endings-survive-listeners-that-throw', (store) => ({
    tell: undefined as never, // Nobody asks for it but the store itself.
    replace: async (record, expected) => {
      const listeners = [...store.listeners]
      store.listeners.clear()
      const answer = await store.replace(record, expected)
      for (const listener of listeners) store.listeners.add(listener)
      if (answer.ok && record.state === 'ended') for (const listener of listeners) listener(record.id)
      return answer
    },
  })),
]

export const scanFlaws: readonly PowerFlaw[] = [
  flaw('tombstones are not scanned', 'scan-finds-everything', ({ scan }) => ({
    async *scan() {
      for await (const record of scan()) if (record.state !== 'ended') yield record
    },
  })),
  flaw('a scan stops after a thousand', 'scan-finds-everything scan-feeds-copies', ({ scan }) => ({
    async *scan() {
      yield* (await all(scan())).slice(0, 1000)
    },
  })),
  flaw('announced sessions are scanned', 'scan-finds-only-records', (store) => ({
    async *scan() {
      // Half a record, as a row that only keeps a place would be read.
      for (const { id, subject } of store.announced.values()) yield { id, subject } as never
      yield* store.scan()
    },
  })),
  flaw('a scan ends when records come', 'scan-while-records-come-and-go', (store) => ({
    async *scan() {
      const count = store.ids().length
      for await (const record of store.scan()) {
        if (store.ids().length > count) return
        yield record
        if (store.ids().length % 50 === 0) await pause()
      }
    },
  })),
  flaw('an aborted scan never settles', 'scan-aborted-settles', ({ scan }) => ({
    async *scan(options) {
      if (options?.signal?.aborted) await never()
      yield* scan()
    },
  })),
]

export const pruneFlaws: readonly PowerFlaw[] = [
  flaw('a record outlives its expiresAt by one ms', 'prune-is-half-open prune-stops-at-limit', ({ prune }) => ({
    prune: (now, limit) => prune(now - 1, limit),
  })),
  flaw('a record is removed one ms early', 'prune-is-half-open prune-keeps-the-rest', ({ prune }) => ({
    prune: (now, limit) => prune(now + 1, limit),
  })),
  flaw('the absolute deadline decides', 'prune-is-half-open prune-keeps-the-rest', ({ ids, peek, remove }) => ({
    prune: async (now, limit) => {
      const due = ids().filter((id) => peek(id)!.absoluteAt <= now)
      for (const id of due.slice(0, limit)) remove(id)
      return Math.min(due.length, limit)
    },
  })),
  flaw('tombstones stay for ever', 'prune-removes-every-kind', ({ ids, peek, remove }) => ({
    prune: async (now, limit) => {
      const due = ids().filter((id) => peek(id)!.expiresAt <= now && peek(id)!.state !== 'ended')
      for (const id of due.slice(0, limit)) remove(id)
      return Math.min(due.length, limit)
    },
  })),
  flaw('the limit is none', 'prune-stops-at-limit', ({ prune }) => ({ prune: (now) => prune(now, 1_000_000) })),
  flaw('one less than it could', 'prune-stops-at-limit', ({ prune }) => ({
    prune: (now, limit) => prune(now, limit - 1),
  })),
  flaw('rivals count the same records', 'prune-in-parallel prune-exclusive', ({ ids, peek, remove }) => ({
    prune: async (now, limit) => {
      const due = ids().filter((id) => peek(id)!.expiresAt <= now)
      await pause()
      for (const id of due.slice(0, limit)) remove(id)
      return Math.min(due.length, limit)
    },
  })),
  flaw('whoever is alone once is alone for ever', 'prune-exclusive', ({ prune }) => {
    let locked = false
    return {
      prune: async (now, limit, { exclusive = false } = {}) => {
        if (exclusive && locked) return 0
        locked ||= exclusive
        return prune(now, limit)
      },
    }
  }),
]

/** A handle that keeps others of its own process out with a lock, and nobody else. */
function locking(store: PowerStore): PowerStore {
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work)
    last = turn
    return turn
  }
  return {
    ...store,
    create: (record) =>
      alone(async () => {
        if (store.peek(record.id) !== null) return false
        await pause()
        store.put(record)
        return true
      }),
    replace: (record, expected) =>
      alone(async () => {
        const current = store.peek(record.id)
        if (current?.revision !== expected) return { ok: false, current }
        await pause()
        store.put({ ...record, lastSeenAt: Math.max(record.lastSeenAt, current.lastSeenAt) })
        return { ok: true }
      }),
  }
}

/** A handle that remembers what it has read. */
function caching(store: PowerStore): PowerStore {
  const cache = new Map<string, ReturnType<PowerStore['peek']>>()
  return {
    ...store,
    get: async (id) => {
      const found = cache.get(id) ?? store.peek(id)
      cache.set(id, found)
      return found
    },
    replace: async (record, expected) => {
      const answer = await store.replace(record, expected)
      if (!answer.ok) return { ok: false, current: cache.get(record.id) ?? answer.current }
      cache.set(record.id, record)
      return answer
    },
    touch: async (id, ...instants) => {
      const touched = await store.touch(id, ...instants)
      cache.delete(id)
      return touched
    },
  }
}

export const handleFlaws: readonly PowerFlaw[] = [
  handlesFlaw(
    'each handle has a lock of its own',
    'two-handles-create-in-parallel two-handles-replace-in-parallel two-handles-increments-in-parallel two-handles-touch-with-replace two-handles-chain',
    () => {
      const store = powerStore()
      return [locking(store), locking(store)]
    },
  ),
  handlesFlaw(
    'each handle has a cache of its own',
    'two-handles-get-sees-own-writes two-handles-replace-conflict-is-current',
    () => {
      const store = powerStore()
      return [caching(store), caching(store)]
    },
  ),
  handlesFlaw('a touch on one handle undoes an ending on the other', 'two-handles-touch-with-ending', () => {
    const store = powerStore()
    const handle = (): PowerStore => ({
      ...store,
      touch: async (id, lastSeenAt, expiresAt) => {
        const current = store.peek(id)
        if (current === null || current.state === 'ended') return false
        await pause()
        store.put({ ...current, lastSeenAt, expiresAt })
        return true
      },
    })
    return [handle(), handle()]
  }),
]
