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

/** A store call that waits until the explorer lets it happen. */
export interface Call {
  readonly request: number
  readonly name: string
  readonly writes: boolean
  /** Does it. */
  readonly apply: () => unknown
  /** The stale answer, if there is one. */
  readonly stale: (() => unknown) | null
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** The records of all processes, and every version each has had. */
export class Storage {
  readonly versions = new Map<string, SessionRecord[]>()
  readonly monitor: Monitor

  constructor(monitor: Monitor) {
    this.monitor = monitor
  }

  read(id: string): SessionRecord | null {
    return this.versions.get(id)?.at(-1) ?? null
  }

  before(id: string): SessionRecord | null {
    return this.versions.get(id)?.at(-2) ?? null
  }

  write(record: SessionRecord, request: number): void {
    const versions = this.versions.get(record.id) ?? []
    this.monitor.onWrite(versions.at(-1) ?? null, record, request)
    this.versions.set(record.id, [...versions, record])
  }

  /** A failover: the last `count` writes of every record are gone. */
  rollBack(count: number): void {
    for (const [id, versions] of this.versions) {
      const kept = versions.slice(0, Math.max(versions.length - count, 0))
      if (kept.length === 0) this.versions.delete(id)
      else this.versions.set(id, kept)
    }
  }

  /** A copy for one scenario: the records are never changed in place. */
  clone(monitor: Monitor): Storage {
    const copy = new Storage(monitor)
    for (const [id, versions] of this.versions) copy.versions.set(id, versions)
    return copy
  }
}

/** One process's connection: its calls go to `enqueue` and happen when the explorer says so. */
export function connect(storage: Storage, request: number, enqueue: (call: Call) => void): SessionStore {
  const call = <T>(name: string, writes: boolean, apply: () => T, stale: (() => T) | null = null): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      // `apply` and `stale` give what `resolve` takes.
      enqueue({ request, name, writes, apply, stale, resolve: resolve as Call['resolve'], reject })
    })
  return {
    durable: true,
    get: (id) =>
      call('get', false, () => storage.read(id), storage.before(id) === null ? null : () => storage.before(id)),
    create: (record) =>
      call('create', true, () => {
        if (storage.read(record.id) !== null) return false
        storage.write(record, request)
        return true
      }),
    replace: (record, expected) => call('replace', true, () => replace(storage, record, expected, request)),
    touch: (id, lastSeenAt, expiresAt) =>
      call('touch', true, () => {
        const current = storage.read(id)
        if (current === null || current.state === 'ended') return false
        storage.write(forward(current, lastSeenAt, expiresAt), request)
        return true
      }),
  }
}

function replace(storage: Storage, record: SessionRecord, expected: string, request: number): Replaced {
  const current = storage.read(record.id)
  if (current === null || current.revision !== expected) return { ok: false, current }
  storage.monitor.onReplace(current, record, request)
  const expiresAt = record.state === 'ended' ? 0 : current.expiresAt
  storage.write(forward(record, current.lastSeenAt, expiresAt), request)
  return { ok: true }
}

function forward(record: SessionRecord, lastSeenAt: number, expiresAt: number): SessionRecord {
  return {
    ...record,
    lastSeenAt: Math.max(record.lastSeenAt, lastSeenAt),
    expiresAt: Math.max(record.expiresAt, expiresAt),
  }
}
