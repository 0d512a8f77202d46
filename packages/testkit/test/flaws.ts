import type { SessionRecord, SessionStore } from '@sess/core'
import { type Format, json, type MapStore, mapStore, merged, moved } from './map-store.ts'

/** A store with one thing wrong with it, and the ids (without `store/`) of cases that must notice. */
export interface Flaw {
  readonly flaw: string
  readonly caughtBy: readonly string[]
  readonly make: () => SessionStore
}

const pause = () => new Promise<void>((resolve) => setImmediate(resolve))

function flaw(name: string, caughtBy: string, override: (store: MapStore) => Partial<SessionStore>): Flaw {
  const make = () => {
    const store = mapStore()
    return { ...store, ...override(store) }
  }
  return { flaw: name, caughtBy: caughtBy.split(' '), make }
}

export const creatingFlaws: readonly Flaw[] = [
  flaw('create overwrites', 'create-is-exclusive create-does-not-revive create-in-parallel', ({ put }) => ({
    create: async (record) => {
      put(record)
      return true
    },
  })),
  flaw('create rejects instead of answering false', 'create-is-exclusive', (store) => ({
    create: async (record) => {
      if (!(await store.create(record))) throw new Error('duplicate key')
      return true
    },
  })),
  flaw('create takes a tombstone for free room', 'create-does-not-revive', (store) => ({
    create: async (record) => {
      if (store.peek(record.id)?.state !== 'ended') return store.create(record)
      store.put(record)
      return true
    },
  })),
  flaw('create looks first and writes later', 'create-in-parallel', ({ peek, put }) => ({
    create: async (record) => {
      if (peek(record.id) !== null) return false
      await pause()
      put(record)
      return true
    },
  })),
]

export const readingFlaws: readonly Flaw[] = [
  flaw('get rejects when there is nothing', 'get-missing-is-null', (store) => ({
    get: async (id) => {
      const record = await store.get(id)
      if (record === null) throw new Error('not found')
      return record
    },
  })),
  flaw('get reads a lagging replica', 'get-sees-own-writes', (store) => {
    const replica = new Map<string, SessionRecord>()
    return {
      get: async (id) => {
        const behind = replica.get(id)
        const record = await store.get(id)
        if (record !== null) replica.set(id, record)
        return behind ?? record
      },
    }
  }),
  flaw('ids are compared without case', 'ids-are-exact', (store) => ({
    create: (record) => store.create({ ...record, id: record.id.toLowerCase() }),
    touch: (id, ...instants) => store.touch(id.toLowerCase(), ...instants),
    get: async (id) => {
      const record = await store.get(id.toLowerCase())
      return record === null ? null : { ...record, id }
    },
  })),
]

export const replacingFlaws: readonly Flaw[] = [
  flaw('replace is an upsert', 'replace-never-creates', (store) => ({
    replace: async (record, expected) => {
      if (store.peek(record.id) !== null) return store.replace(record, expected)
      store.put(record)
      return { ok: true }
    },
  })),
  flaw(
    'replace is a blind set',
    'replace-conflict-returns-current replace-conflict-is-current revisions-are-exact replace-in-parallel increments-in-parallel',
    (store) => ({
      replace: async (record) => {
        const current = store.peek(record.id)
        if (current === null) return { ok: false, current }
        store.put(merged(record, current))
        return { ok: true }
      },
    }),
  ),
  flaw('replace compares first and writes later', 'replace-in-parallel increments-in-parallel', ({ peek, put }) => ({
    replace: async (record, expected) => {
      const current = peek(record.id)
      if (current?.revision !== expected) return { ok: false, current }
      await pause()
      put(merged(record, current))
      return { ok: true }
    },
  })),
  flaw('replace keeps the old revision', 'replace-matches-revision', (store) => ({
    replace: (record, expected) => store.replace({ ...record, revision: expected }, expected),
  })),
  flaw('a conflict says null', 'replace-conflict-returns-current replace-in-parallel', (store) => ({
    replace: async (record, expected) => {
      const answer = await store.replace(record, expected)
      return answer.ok ? answer : { ok: false, current: null }
    },
  })),
  flaw('a conflict returns a record that misses the touches', 'replace-conflict-is-current', (store) => {
    const written = new Map<string, SessionRecord>()
    return {
      replace: async (record, expected) => {
        const answer = await store.replace(record, expected)
        if (answer.ok) written.set(record.id, record)
        return answer.ok ? answer : { ok: false, current: written.get(record.id) ?? answer.current }
      },
    }
  }),
  flaw('revisions are compared without case', 'revisions-are-exact', (store) => ({
    replace: (record, expected) => {
      const revision = store.peek(record.id)?.revision ?? expected
      return store.replace(record, revision.toLowerCase() === expected.toLowerCase() ? revision : expected)
    },
  })),
  flaw('revisions are compared as numbers', 'revisions-are-exact', (store) => ({
    replace: (record, expected) => {
      const revision = store.peek(record.id)?.revision ?? expected
      return store.replace(record, Number(revision) === Number(expected) ? revision : expected)
    },
  })),
  flaw('durability it cannot promise is an error', 'replicated-writes-apply', (store) => ({
    replace: async (record, expected, options) => {
      if (options?.durability === 'replicated') throw new Error('no replicas')
      return store.replace(record, expected)
    },
  })),
]

function mergingFlaw(
  name: string,
  caughtBy: string,
  merge: (record: SessionRecord, current: SessionRecord) => SessionRecord,
): Flaw {
  return flaw(name, caughtBy, ({ peek, put }) => ({
    replace: async (record, expected) => {
      const current = peek(record.id)
      if (current?.revision !== expected) return { ok: false, current }
      put(merge(record, current))
      return { ok: true }
    },
  }))
}

export const instantFlaws: readonly Flaw[] = [
  mergingFlaw(
    'replace turns the instants back',
    'replace-keeps-latest-instants replace-instants-independent touch-with-replace',
    (record) => record,
  ),
  mergingFlaw(
    'replace never moves the instants',
    'replace-moves-instants-forward',
    (record, { lastSeenAt, expiresAt }) => ({ ...record, lastSeenAt, expiresAt }),
  ),
  mergingFlaw(
    'replace takes both instants from the record seen last',
    'replace-instants-independent',
    (record, current) =>
      record.lastSeenAt > current.lastSeenAt || record.state === 'ended'
        ? record
        : { ...record, lastSeenAt: current.lastSeenAt, expiresAt: current.expiresAt },
  ),
  mergingFlaw('an ended session never expires sooner', 'ended-may-expire-sooner', (record, current) => ({
    ...merged({ ...record, state: 'locked' }, current),
    state: record.state,
  })),
  mergingFlaw('an ended session loses its last activity', 'ended-may-expire-sooner', (record, current) =>
    record.state === 'ended' ? record : merged(record, current),
  ),
  formatFlaw('instants are kept in seconds', 'instants-are-exact get-sees-own-writes', {
    encode: (record) => json.encode({ ...record, lastSeenAt: Math.floor(record.lastSeenAt / 1000) * 1000 }),
  }),
  formatFlaw('deadlines are kept in 32 bits of seconds', 'instants-are-exact', {
    encode: (record) => json.encode({ ...record, absoluteAt: Math.min(record.absoluteAt, 2 ** 32 * 1000) }),
  }),
]

export const touchingFlaws: readonly Flaw[] = [
  flaw('touch sets what it is told', 'touch-never-lowers', ({ peek, put }) => ({
    touch: async (id, lastSeenAt, expiresAt) => {
      const current = peek(id)
      if (current === null || current.state === 'ended') return false
      put({ ...current, lastSeenAt, expiresAt })
      return true
    },
  })),
  flaw('touch counts rows changed, not rows found', 'touch-never-lowers', (store) => ({
    touch: async (id, ...instants) => {
      const before = JSON.stringify(store.peek(id))
      await store.touch(id, ...instants)
      return JSON.stringify(store.peek(id)) !== before
    },
  })),
  flaw('touch moves only lastSeenAt', 'touch-moves-forward', (store) => ({
    touch: (id, lastSeenAt) => store.touch(id, lastSeenAt, 0),
  })),
  flaw('touch skips locked sessions', 'touch-moves-forward', (store) => ({
    touch: async (id, ...instants) => store.peek(id)?.state !== 'locked' && store.touch(id, ...instants),
  })),
  flaw('touch creates', 'touch-never-creates', (store) => ({
    touch: async (id, lastSeenAt, expiresAt) => {
      // Half a record, as a hash that is written field by field would hold it.
      if (store.peek(id) === null) store.put({ id, lastSeenAt, expiresAt } as SessionRecord)
      return store.touch(id, lastSeenAt, expiresAt)
    },
  })),
  flaw('touch moves tombstones', 'touch-leaves-ended', ({ peek, put }) => ({
    touch: async (id, lastSeenAt, expiresAt) => {
      const current = peek(id)
      if (current !== null) put(moved(current, lastSeenAt, expiresAt))
      return current !== null
    },
  })),
  flaw('touch writes a new revision', 'touch-moves-forward touch-is-no-conflict', (store) => ({
    touch: async (id, ...instants) => {
      const touched = await store.touch(id, ...instants)
      const current = store.peek(id)
      if (touched && current !== null) store.put({ ...current, revision: `${current.revision}+` })
      return touched
    },
  })),
  flaw('touch reads, waits and writes all', 'touch-with-replace touch-with-ending', ({ peek, put }) => ({
    touch: async (id, lastSeenAt, expiresAt) => {
      const current = peek(id)
      if (current === null || current.state === 'ended') return false
      await pause()
      put(moved(current, lastSeenAt, expiresAt))
      return true
    },
  })),
]

export const isolationFlaws: readonly Flaw[] = [
  flaw('what goes in stays the caller’s', 'input-is-copied', (store) => {
    const live = new Map<string, SessionRecord>()
    return {
      create: (record) => {
        live.set(record.id, record)
        return store.create(record)
      },
      get: async (id) => structuredClone(live.get(id) ?? (await store.get(id))),
    }
  }),
  flaw('what comes out stays the store’s', 'output-is-copied', (store) => {
    const cache = new Map<string, SessionRecord | null>()
    return {
      get: async (id) => {
        if (!cache.has(id)) cache.set(id, await store.get(id))
        return cache.get(id) ?? null
      },
    }
  }),
  flaw('replace writes into the record it is given', 'input-is-left-alone', (store) => ({
    replace: (record, expected) => {
      Object.assign(record, { lastSeenAt: store.peek(record.id)?.lastSeenAt })
      return store.replace(record, expected)
    },
  })),
]

const known = new Set(
  `id revision recent expiresAt state subject generation confirmedAt rotation hardRotations createdAt absoluteAt lastSeenAt
  auth credential fingerprint device persistent extra endedReason endedAt data`.split(/\s+/),
)

export const formatFlaws: readonly Flaw[] = [
  formatFlaw('unknown fields are dropped', 'keeps-unknown-fields', {
    encode: (record) => json.encode(mapFields(record, (value, key) => (known.has(key) ? value : undefined))),
  }),
  formatFlaw('every field becomes text', 'keeps-every-field keeps-unknown-fields', {
    encode: (record) => json.encode(mapFields(record, (value) => (typeof value === 'boolean' ? String(value) : value))),
  }),
  formatFlaw('empty and null are the same', 'keeps-every-field', {
    encode: (record) => json.encode(mapFields(record, (value) => (value === '' ? null : value))),
  }),
  formatFlaw('absent and null are the same', 'keeps-partial-objects', {
    encode: (record) => JSON.stringify(record, (key, value) => (key === 'level' && value === null ? undefined : value)),
  }),
  formatFlaw('only one reason for an ending is known', 'keeps-endings', {
    encode: (record) => json.encode({ ...record, endedReason: record.endedReason && 'revoked' }),
  }),
  formatFlaw('extra is rebuilt by assignment', 'keeps-extra', {
    encode: (record) => {
      const extra: Record<string, string> = {}
      for (const [name, value] of Object.entries(record.extra)) extra[name] = value
      return json.encode({ ...record, extra })
    },
  }),
  textFlaw('text is trimmed', 'keeps-hostile-text', (text) => text.trim()),
  textFlaw('text that looks like null is null', 'keeps-hostile-text', (text) => (text === 'null' ? '' : text)),
  textFlaw('text is normalized', 'keeps-unicode', (text) => text.normalize('NFC')),
  textFlaw('three bytes per character at most', 'keeps-unicode', (text) =>
    text.replace(/[\u{10000}-\u{10FFFF}]/gu, '?'),
  ),
  textFlaw('escaped NULs are removed', 'keeps-escapes', (text) => text.replaceAll('\\u0000', '')),
  textFlaw('text ends at the first NUL', 'keeps-or-refuses-odd-text', (text) => text.split('\u0000')[0] ?? ''),
  textFlaw('text goes through UTF-8', 'keeps-or-refuses-odd-text', (text) => Buffer.from(text).toString()),
  textFlaw('subjects are cut at 255', 'keeps-long-subjects', (text) =>
    text.startsWith('x') ? text.slice(0, 255) : text,
  ),
  textFlaw('data is cut at 64 KB', 'keeps-large-data', (text) => text.slice(0, 65_535)),
]

export const abortFlaws: readonly Flaw[] = [
  flaw('an aborted call never settles', 'aborted-calls-settle', (store) => ({
    touch: (id, lastSeenAt, expiresAt, options) =>
      options?.signal?.aborted ? new Promise(() => {}) : store.touch(id, lastSeenAt, expiresAt),
  })),
  flaw('an aborted call breaks the connection', 'aborted-calls-settle', (store) => {
    let broken = false
    return {
      get: async (id, options) => {
        broken ||= options?.signal?.aborted === true
        if (broken) throw new Error('connection closed')
        return store.get(id)
      },
    }
  }),
  flaw('an abort stops a write half way', 'aborted-later-calls-settle', (store) => ({
    replace: async (record, expected, options) => {
      const answer = await store.replace({ ...record, data: '' }, expected)
      if (options?.signal?.aborted) await new Promise(() => {})
      store.put(record)
      return answer
    },
  })),
]

function formatFlaw(name: string, caughtBy: string, format: Partial<Format>): Flaw {
  return { flaw: name, caughtBy: caughtBy.split(' '), make: () => mapStore({ ...json, ...format }) }
}

function textFlaw(name: string, caughtBy: string, alter: (text: string) => string): Flaw {
  const encode = (record: SessionRecord) =>
    json.encode({
      ...record,
      subject: record.subject === null ? null : alter(record.subject),
      data: alter(record.data),
    })
  return formatFlaw(name, caughtBy, { encode })
}

function mapFields(record: SessionRecord, map: (value: unknown, key: string) => unknown): SessionRecord {
  const entries = Object.entries(record).map(([key, value]) => [key, map(value, key)])
  return Object.fromEntries(entries) // A flawed record on purpose.
}
