import type { EndedReason, SessionRecord } from '@sess/core'
import { type Case, deepEqual } from '../case.ts'
import type { StoreSubject } from './subject.ts'

/** Every field comes back as it went in, those this version does not know included. */
export const fieldCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/keeps-every-field',
    title: 'keeps every field and its type: filled, empty and null',
    level: 'must',
    run: async (subject) => {
      await survives(subject, filled(subject.record()), 'everything filled')
      await survives(subject, empty(subject.record()), 'everything empty or null')
    },
  },
  {
    id: 'store/keeps-partial-objects',
    title: 'keeps what is absent inside auth, fingerprint and device absent, and what is null there null',
    level: 'must',
    run: async (subject) => {
      const partial: Partial<SessionRecord>[] = [
        { device: {} },
        { device: { ip: '2001:db8::1' } },
        { fingerprint: {} },
        { fingerprint: { places: [], marks: {} } },
        { auth: { at: 0, methods: [], level: null } },
      ]
      for (const changes of partial) await survives(subject, subject.record(changes), JSON.stringify(changes))
    },
  },
  {
    id: 'store/keeps-endings',
    title: 'keeps the reason and the instant of every kind of ending',
    level: 'must',
    run: async ({ store, record, next }) => {
      for (const endedReason of REASONS) {
        const live = record()
        const ended = next(empty(live), { state: 'ended', endedReason, endedAt: live.createdAt + 1 })
        await store.create(live)
        await store.replace(ended, live.revision)
        deepEqual(await store.get(live.id), ended, endedReason)
      }
    },
  },
  {
    id: 'store/keeps-unknown-fields',
    title: 'keeps fields that this version does not know, through create, replace and touch',
    level: 'must',
    run: async (subject) => {
      const unknown = { later: 'text', count: 3, flag: false, none: null, nested: { list: [1, 'two', { deep: true }] } }
      await survives(subject, { ...subject.record(), ...unknown }, 'a record of a later version')
    },
  },
  {
    id: 'store/keeps-extra',
    title: 'keeps every namespace of extra, those with hostile names included',
    level: 'must',
    run: async (subject) => {
      const names = ['binding', 'a.b', 'a:b', 'a b', '', '0', 'constructor', 'id', 'data', "'; --", 'ключ', '$set']
      const extra: Record<string, string> = Object.fromEntries(names.map((name) => [name, `value of ${name}`]))
      // Assignment would set the prototype; a parsed or spread record has it as a field.
      Object.defineProperty(extra, '__proto__', { value: 'text', enumerable: true, configurable: true, writable: true })
      await survives(subject, subject.record({ extra }), 'extra')
    },
  },
]

const REASONS: readonly EndedReason[] = [
  'signed-out',
  'revoked',
  'replaced',
  'evicted',
  'reuse',
  'fingerprint',
  'credential',
  'invalid',
]

/** Writes the record by `create` and by `replace`, touches it, and compares what is read each time. */
export async function survives({ store, next }: StoreSubject, record: SessionRecord, what: string): Promise<void> {
  await store.create(record)
  deepEqual(await store.get(record.id), record, `${what}, after create`)
  const replaced = next(record)
  await store.replace(replaced, record.revision)
  deepEqual(await store.get(record.id), replaced, `${what}, after replace`)
  const touched = { ...replaced, lastSeenAt: replaced.lastSeenAt + 1, expiresAt: replaced.expiresAt + 1 }
  await store.touch(record.id, touched.lastSeenAt, touched.expiresAt)
  deepEqual(await store.get(record.id), touched, `${what}, after touch`)
}

function filled(record: SessionRecord): SessionRecord {
  return {
    ...record,
    recent: ['1.a', '2.b', '3.c', '4.d', '5.e', '6.f', '7.g', '8.h'],
    state: 'locked',
    subject: '42',
    generation: 999_999_999,
    confirmedAt: record.createdAt + 1,
    rotation: 'hard',
    hardRotations: 7,
    auth: { at: record.createdAt, methods: ['password', 'totp'], level: 2, usedAt: [1, record.createdAt], levelAt: 2 },
    credential: 'c3RhbXA',
    fingerprint: {
      browser: 'firefox',
      version: 140,
      os: 'linux',
      contradiction: true,
      language: 'de',
      places: ['4.bmV0d29yaw', '6.bmV0d29yaw', 'asn.YXNu', 'country.ZGU'],
      address: 'YWRkcmVzcw',
      marks: { agent: 'YWdlbnQ', ja4: 'amE0' },
    },
    device: { ip: '192.0.2.1', userAgent: 'Mozilla/5.0 (X11)', name: 'laptop' },
    persistent: true,
    actor: { subject: 'root', auth: { at: 1, methods: ['pwd'], level: 1 }, absoluteAt: 9, persistent: true },
    extra: { binding: '{"key":"value"}', other: '' },
    data: '{"cart":["book"]}',
  }
}

function empty(record: SessionRecord): SessionRecord {
  return {
    ...record,
    recent: [],
    state: 'anonymous',
    subject: null,
    generation: 0,
    confirmedAt: null,
    auth: null,
    credential: null,
    fingerprint: null,
    device: null,
    persistent: false,
    actor: null,
    extra: {},
    data: '',
  }
}
