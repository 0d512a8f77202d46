import type { SessionRecord, SessionStore } from '@sess/core'

/** How a {@link MapStore} keeps a record as text; flawed stores keep it worse. */
export interface Format {
  readonly encode: (record: SessionRecord) => string
  readonly decode: (text: string) => SessionRecord
}

export const json: Format = { encode: JSON.stringify, decode: (text) => JSON.parse(text) }

/** A store that keeps its promises, with its inside open so that a flaw can be put into it. */
export interface MapStore extends SessionStore {
  peek(id: string): SessionRecord | null
  put(record: SessionRecord): void
  remove(id: string): void
  ids(): string[]
}

/** Sound as long as nothing is overridden. Each operation runs without a pause, so it is atomic. */
export function mapStore({ encode, decode }: Format = json): MapStore {
  const texts = new Map<string, string>()
  const peek = (id: string) => {
    const text = texts.get(id)
    return text === undefined ? null : decode(text)
  }
  const put = (record: SessionRecord) => void texts.set(record.id, encode(record))
  return {
    durable: false,
    peek,
    put,
    remove: (id) => void texts.delete(id),
    ids: () => [...texts.keys()],
    get: async (id) => peek(id),
    create: async (record) => {
      if (texts.has(record.id)) return false
      put(record)
      return true
    },
    replace: async (record, expected) => {
      const current = peek(record.id)
      if (current?.revision !== expected) return { ok: false, current }
      put(merged(record, current))
      return { ok: true }
    },
    touch: async (id, lastSeenAt, expiresAt) => {
      const current = peek(id)
      if (current === null || current.state === 'ended') return false
      put(moved(current, lastSeenAt, expiresAt))
      return true
    },
  }
}

/** `record` over `current`, as `replace` stores it. */
export function merged(record: SessionRecord, current: SessionRecord): SessionRecord {
  const lastSeenAt = Math.max(current.lastSeenAt, record.lastSeenAt)
  const expiresAt = record.state === 'ended' ? record.expiresAt : Math.max(current.expiresAt, record.expiresAt)
  return { ...record, lastSeenAt, expiresAt }
}

/** `current` as `touch` stores it. */
export function moved(current: SessionRecord, lastSeenAt: number, expiresAt: number): SessionRecord {
  return {
    ...current,
    lastSeenAt: Math.max(current.lastSeenAt, lastSeenAt),
    expiresAt: Math.max(current.expiresAt, expiresAt),
  }
}
