import { type Case, deepEqual, equal } from '../case.ts'
import type { StoreSubject } from './subject.ts'

const MINUTE = 60_000

/** A slow writer does not turn back what faster requests have moved forward. */
export const instantCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/replace-keeps-latest-instants',
    title: 'a replace with earlier lastSeenAt and expiresAt keeps the stored ones',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      const lastSeenAt = first.lastSeenAt + MINUTE
      const expiresAt = first.expiresAt + MINUTE
      await store.create(first)
      await store.touch(first.id, lastSeenAt, expiresAt)
      const second = next(first, { data: '{"n":1}' })
      deepEqual(await store.replace(second, first.revision), { ok: true }, 'the answer')
      deepEqual(await store.get(first.id), { ...second, lastSeenAt, expiresAt }, 'the record')
    },
  },
  {
    id: 'store/replace-moves-instants-forward',
    title: 'a replace with later lastSeenAt and expiresAt stores them',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      await store.create(first)
      const later = { lastSeenAt: first.lastSeenAt + MINUTE, expiresAt: first.expiresAt + MINUTE }
      const second = next(first, later)
      await store.replace(second, first.revision)
      deepEqual(await store.get(first.id), second, 'the record')
    },
  },
  {
    id: 'store/replace-instants-independent',
    title: 'lastSeenAt and expiresAt are kept each by itself',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      await store.create(first)
      const mixed = next(first, { lastSeenAt: first.lastSeenAt + MINUTE, expiresAt: first.expiresAt - MINUTE })
      await store.replace(mixed, first.revision)
      deepEqual(await store.get(first.id), { ...mixed, expiresAt: first.expiresAt }, 'later seen, earlier expiry')
      const crossed = next(mixed, { lastSeenAt: first.lastSeenAt, expiresAt: first.expiresAt + MINUTE })
      await store.replace(crossed, mixed.revision)
      deepEqual(await store.get(first.id), { ...crossed, lastSeenAt: mixed.lastSeenAt }, 'earlier seen, later expiry')
    },
  },
  {
    id: 'store/ended-may-expire-sooner',
    title: 'a replace that ends the session may lower expiresAt, and keeps the latest lastSeenAt',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      const lastSeenAt = first.lastSeenAt + MINUTE
      await store.create(first)
      await store.touch(first.id, lastSeenAt, first.expiresAt + MINUTE)
      const expiresAt = first.expiresAt - MINUTE
      const ended = next(first, { state: 'ended', endedReason: 'revoked', endedAt: lastSeenAt, expiresAt })
      deepEqual(await store.replace(ended, first.revision), { ok: true }, 'the answer')
      deepEqual(await store.get(first.id), { ...ended, lastSeenAt }, 'the record')
    },
  },
  {
    id: 'store/instants-are-exact',
    title: 'keeps instants to the millisecond, beyond 32 bits of seconds too',
    level: 'must',
    run: async ({ store, record, next }) => {
      const far = Date.UTC(2150, 5, 15, 12, 30, 59, 999)
      const first = record({ createdAt: 1, confirmedAt: 0, lastSeenAt: 1, absoluteAt: far + 1, expiresAt: far + 7 })
      await store.create(first)
      deepEqual(await store.get(first.id), first, 'after create')
      equal(await store.touch(first.id, 2, far + 8), true, 'touch by one millisecond')
      deepEqual(await store.get(first.id), { ...first, lastSeenAt: 2, expiresAt: far + 8 }, 'after touch')
      const second = next(first, { lastSeenAt: far - 1, expiresAt: far + 9, confirmedAt: far - 1 })
      await store.replace(second, first.revision)
      deepEqual(await store.get(first.id), second, 'after replace')
    },
  },
]
