import type { ReadOptions, Replaced, SessionRecord, SessionStore, WriteOptions } from '@sess/core'

export type Operation = 'get' | 'create' | 'replace' | 'touch' | 'list' | 'admit' | 'scan'

export interface Call {
  readonly operation: Operation
  readonly id: string
  readonly record?: SessionRecord
  readonly durability?: 'replicated'
  readonly signal?: AbortSignal
}

/** What one store call does instead of answering at once; `apply` is the real work. */
export type Act = (apply: () => unknown, options: ReadOptions) => unknown

/** A store whose next calls follow a script: they fail, hang, wait, lose their answer or let somebody else write first. */
export class ScriptedStore implements SessionStore {
  readonly durable: boolean
  readonly records: Map<string, SessionRecord> = new Map()
  readonly calls: Call[] = []
  readonly #script: { operation: Operation; act: Act }[] = []

  constructor(durable = false) {
    this.durable = durable
  }

  /** The next call of `operation` that no earlier line of the script has taken does `act`. */
  next(operation: Operation, ...acts: Act[]): void {
    for (const act of acts) this.#script.push({ operation, act })
  }

  /** Forgets what is left of the script. */
  forget(): void {
    this.#script.length = 0
  }

  /** Forgets the calls so far and returns their names. */
  drain(): string[] {
    return this.calls.splice(0).map((call) => call.operation)
  }

  get only(): SessionRecord {
    const [record] = this.records.values()
    if (record === undefined || this.records.size !== 1) throw new Error(`${this.records.size} records`)
    return record
  }

  /** A write of somebody else. */
  write(id: string, change: Partial<SessionRecord>): SessionRecord {
    const current = this.records.get(id)
    if (current === undefined) throw new Error('no such record')
    const count = Number.parseInt(current.revision, 10) + 1
    const next = {
      ...current,
      ...change,
      revision: `${count}.other${count}`,
      recent: [...current.recent, current.revision].slice(-8),
    }
    this.records.set(id, next)
    return next
  }

  get(id: string, options?: ReadOptions): Promise<SessionRecord | null> {
    return this.answer({ operation: 'get', id }, options, () => structuredClone(this.records.get(id) ?? null))
  }

  create(record: SessionRecord, options?: WriteOptions): Promise<boolean> {
    return this.answer({ operation: 'create', id: record.id, record }, options, () => {
      if (this.records.has(record.id)) return false
      this.records.set(record.id, structuredClone(record))
      return true
    })
  }

  replace(record: SessionRecord, expected: string, options?: WriteOptions): Promise<Replaced> {
    return this.answer({ operation: 'replace', id: record.id, record }, options, (): Replaced => {
      const current = this.records.get(record.id)
      if (current === undefined) return { ok: false, current: null }
      if (current.revision !== expected) return { ok: false, current: structuredClone(current) }
      const lastSeenAt = Math.max(current.lastSeenAt, record.lastSeenAt)
      const expiresAt = record.state === 'ended' ? record.expiresAt : Math.max(current.expiresAt, record.expiresAt)
      this.records.set(record.id, { ...structuredClone(record), lastSeenAt, expiresAt })
      return { ok: true }
    })
  }

  touch(id: string, lastSeenAt: number, expiresAt: number, options?: WriteOptions): Promise<boolean> {
    return this.answer({ operation: 'touch', id }, options, () => {
      const current = this.records.get(id)
      if (current === undefined || current.state === 'ended') return false
      this.records.set(id, {
        ...current,
        lastSeenAt: Math.max(current.lastSeenAt, lastSeenAt),
        expiresAt: Math.max(current.expiresAt, expiresAt),
      })
      return true
    })
  }

  /** Notes the call, and does what the script says. */
  protected async answer<T>(call: Call, options: WriteOptions = {}, apply: () => T): Promise<T> {
    this.calls.push({ ...call, ...options })
    const at = this.#script.findIndex((line) => line.operation === call.operation)
    const [line] = at < 0 ? [] : this.#script.splice(at, 1)
    if (line === undefined) return apply()
    // An act answers with what `apply` gave it, or with what the test wants the manager to see.
    return (await line.act(apply, options)) as T
  }
}

/** The call fails; nothing is applied. */
export const fails: Act = () => Promise.reject(new Error('the store is down'))

/** The call is applied, but its answer is lost. */
export const losesAnswer: Act = (apply) => {
  apply()
  return Promise.reject(new Error('connection reset'))
}

/** The call never answers; nothing is applied. */
export const hangs: Act = () => new Promise(() => {})

/** The call is applied after `work` has run. */
export function after(work: () => unknown): Act {
  return async (apply) => {
    await work()
    return apply()
  }
}

/** The answer is lost, and `work` runs after the call was applied. */
export function losesAnswerThen(work: () => unknown): Act {
  return (apply) => {
    apply()
    work()
    return Promise.reject(new Error('connection reset'))
  }
}

/** The call fails now, and is applied when `land` is called: a packet that was on its way. */
export function appliedLate(): { readonly act: Act; land(): unknown } {
  let land: () => unknown = () => {
    throw new Error('not called yet')
  }
  return {
    act: (apply) => {
      land = apply
      return Promise.reject(new Error('timed out'))
    },
    land: () => land(),
  }
}

/** The call waits at a gate: `reached` resolves once it is there, `open` lets it through. */
export function gate(): { readonly act: Act; readonly reached: Promise<void>; open(): void } {
  let arrive = (): void => {}
  let open = (): void => {}
  const reached = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const act: Act = async (apply) => {
    arrive()
    await opened
    return apply()
  }
  return { act, reached, open: () => open() }
}
