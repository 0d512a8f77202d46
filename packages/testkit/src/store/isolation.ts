import type { SessionRecord } from '@sess/core'
import { type Case, deepEqual, ok } from '../case.ts'
import type { StoreSubject } from './subject.ts'

/** What goes in and comes out is nobody's but the caller's. */
export const isolationCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/input-is-copied',
    title: 'changing a record after create or replace changes nothing stored',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = full(record())
      const second = full(next(first))
      const [firstCopy, secondCopy] = [structuredClone(first), structuredClone(second)]
      await store.create(first)
      scribble(first)
      deepEqual(await store.get(firstCopy.id), firstCopy, 'after create')
      await store.replace(second, firstCopy.revision)
      scribble(second)
      deepEqual(await store.get(secondCopy.id), secondCopy, 'after replace')
    },
  },
  {
    id: 'store/input-is-left-alone',
    title: 'create and replace do not change the record they are given',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = full(record())
      const second = next(first, { lastSeenAt: first.lastSeenAt - 1, expiresAt: first.expiresAt - 1 })
      const copies = structuredClone([first, second])
      await store.create(first)
      await store.replace(second, first.revision)
      deepEqual([first, second], copies, 'the records handed in')
    },
  },
  {
    id: 'store/output-is-copied',
    title: 'changing what get or a conflict returned changes nothing stored',
    level: 'must',
    run: async ({ store, record, next }) => {
      const kept = full(record())
      const copy = structuredClone(kept)
      await store.create(kept)
      const read = await store.get(kept.id)
      ok(read, 'get of a stored record')
      scribble(read)
      deepEqual(await store.get(copy.id), copy, 'after changing what get returned')
      const conflict = await store.replace(next(copy), 'another revision')
      ok(!conflict.ok && conflict.current, 'the record in the way')
      scribble(conflict.current)
      deepEqual(await store.get(copy.id), copy, 'after changing what a conflict returned')
    },
  },
]

function full(record: SessionRecord): SessionRecord {
  const unknown = { later: { list: [1] } }
  return {
    ...record,
    ...unknown,
    recent: ['0.a'],
    auth: { at: record.createdAt, methods: ['password'], level: 1 },
    fingerprint: { browser: 'firefox', os: 'linux' },
    device: { name: 'laptop' },
    extra: { binding: 'key' },
  }
}

/** Changes everything in `value`, as code that knows no `readonly` could. */
function scribble(value: object): void {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) scribble(part)
  if (Array.isArray(value)) value.push('scribbled')
  else for (const key of Object.keys(value)) Reflect.set(value, key, 'scribbled')
}
