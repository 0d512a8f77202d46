import type { Replaced, SessionRecord, SessionStore } from '@sess/core'
import type { Monitor } from './monitor.ts'

/** What can go wrong with one store call. `ok` is nothing. */
export type Fault =
  | 'ok'
  /** Refused: not applied, and an error. */
  | 'rejected'
  /** Applied, and the answer is an error. */
  | 'lost'
  /** No answer before the time-out; applied afterwards, whenever it pleases. */
  | 'late'
  /** The record as it was one write ago. */
  | 'stale'

/** What a store is asked for, as data. */
export type Asked =
  | { readonly name: 'get'; readonly id: string }
  | { readonly name: 'create'; readonly record: SessionRecord }
  | { readonly name: 'replace'; readonly record: SessionRecord; readonly expected: string }
  | { readonly name: 'touch'; readonly id: string; readonly lastSeenAt: number; readonly expiresAt: number }

/** A store call that waits until the explorer lets it happen: the `nth` of a request. */
export type Call = Asked & { readonly request: number; readonly nth: number }

/** What a store answers. */
export type Answer = SessionRecord | Replaced | boolean | null

/** A process's connection: `ask` sees to it that the answer is one to what was asked. */
export function connection(ask: (asked: Asked) => Promise<Answer>): SessionStore {
  const call = <T extends Answer>(asked: Asked): Promise<T> => ask(asked) as Promise<T>
  return {
    durable: true,
    get: (id) => call({ name: 'get', id }),
    create: (record) => call({ name: 'create', record }),
    replace: (record, expected) => call({ name: 'replace', record, expected }),
    touch: (id, lastSeenAt, expiresAt) => call({ name: 'touch', id, lastSeenAt, expiresAt }),
  }
}

/** The records of all processes, and every version each has had. */
export class Storage {
  readonly versions: Map<string, readonly SessionRecord[]>

  constructor(versions: Iterable<readonly [string, readonly SessionRecord[]]> = []) {
    this.versions = new Map(versions)
  }

  read(id: string): SessionRecord | null {
    return this.versions.get(id)?.at(-1) ?? null
  }

  before(id: string): SessionRecord | null {
    return this.versions.get(id)?.at(-2) ?? null
  }

  /** Does what a call asks for. */
  perform(call: Call, monitor: Monitor): Answer {
    switch (call.name) {
      case 'get':
        return this.read(call.id)
      case 'create':
        if (this.read(call.record.id) !== null) return false
        this.#write(call.record, call, monitor)
        return true
      case 'replace':
        return this.#replace(call.record, call.expected, call, monitor)
      case 'touch': {
        const current = this.read(call.id)
        if (current === null || current.state === 'ended') return false
        this.#write(forward(current, call.lastSeenAt, call.expiresAt), call, monitor)
        return true
      }
    }
  }

  /** A failover: the last `count` writes of every record are gone. */
  rollBack(count: number): void {
    for (const [id, versions] of this.versions) {
      const kept = versions.slice(0, Math.max(versions.length - count, 0))
      if (kept.length === 0) this.versions.delete(id)
      else this.versions.set(id, kept)
    }
  }

  #replace(record: SessionRecord, expected: string, call: Call, monitor: Monitor): Replaced {
    const current = this.read(record.id)
    if (current === null || current.revision !== expected) return { ok: false, current }
    monitor.onReplace(current, record, call.request)
    const expiresAt = record.state === 'ended' ? 0 : current.expiresAt
    this.#write(forward(record, current.lastSeenAt, expiresAt), call, monitor)
    return { ok: true }
  }

  /** Records are never changed in place, so copies share them. */
  #write(record: SessionRecord, { request }: Call, monitor: Monitor): void {
    const versions = this.versions.get(record.id) ?? []
    monitor.onWrite(versions.at(-1) ?? null, record, request)
    this.versions.set(record.id, [...versions, record])
  }
}

function forward(record: SessionRecord, lastSeenAt: number, expiresAt: number): SessionRecord {
  return {
    ...record,
    lastSeenAt: Math.max(record.lastSeenAt, lastSeenAt),
    expiresAt: Math.max(record.expiresAt, expiresAt),
  }
}
