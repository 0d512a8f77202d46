import type { SessionRecord } from '@sess/core'

/** A broken promise. */
export interface Violation {
  /** Short name; the declared limits are told from the rest by it and by the scenario. */
  readonly rule: string
  readonly what: string
}

/** Watches every write while it happens. */
export class Monitor {
  /** What was broken since the last fork. */
  readonly violations: Violation[] = []
  /** A failover has happened: what it lost may come back. */
  failover = false
  #hardAtLoad: ReadonlyMap<number, number> = new Map()
  /** Every sid that a client was ever handed. */
  #secrets: readonly string[]

  constructor(secrets: readonly string[] = []) {
    this.#secrets = secrets
  }

  /** One that goes on from here by itself. */
  fork(): Monitor {
    const fork = new Monitor(this.#secrets)
    fork.#hardAtLoad = this.#hardAtLoad
    fork.failover = this.failover
    return fork
  }

  /** Its part of a state; the secrets are those of the tokens, which are part of it already. */
  key(): string {
    return `${this.failover} ${[...this.#hardAtLoad]}`
  }

  /** A client is handed a token. */
  onHand(sid: string): void {
    if (!this.#secrets.includes(sid)) this.#secrets = [...this.#secrets, sid]
  }

  report(rule: string, what: string): void {
    const declared = this.failover ? 'limit: a failover loses what was acknowledged' : null
    this.violations.push({ rule: declared ?? rule, what })
  }

  onLoad(request: number, record: SessionRecord | null): void {
    if (!this.#hardAtLoad.has(request) && record !== null) this.#loads(request, record)
  }

  /** A hard rotation stops every older token, in whatever request. */
  onReplace(current: SessionRecord, next: SessionRecord, request: number): void {
    const loaded = this.#hardAtLoad.get(request)
    if (next.hardRotations > current.hardRotations) this.#loads(request, next)
    if (next.state === 'ended' || loaded === undefined || next.hardRotations > current.hardRotations) return
    // Nor is a record written once more as it is, by a request whose own write it has in it.
    if (current.hardRotations > loaded && contentOf(current) !== contentOf(next))
      this.report('old-token-acted', `request ${request} wrote after a hard rotation`)
  }

  onWrite(before: SessionRecord | null, after: SessionRecord, request: number): void {
    const text = JSON.stringify(after)
    for (const secret of this.#secrets) {
      if (text.includes(secret)) this.report('secret-stored', `request ${request} stored a sid`)
    }
    if (before === null) this.#onCreate(after, request)
    else this.#onChange(before, after, request)
  }

  #loads(request: number, { hardRotations }: SessionRecord): void {
    this.#hardAtLoad = new Map(this.#hardAtLoad).set(request, hardRotations)
  }

  #onCreate(record: SessionRecord, request: number): void {
    if (record.state === 'anonymous' && record.data === '') {
      this.report('empty-record', `request ${request} stored a visitor without data`)
    }
  }

  #onChange(before: SessionRecord, after: SessionRecord, request: number): void {
    const by = `by request ${request}`
    // An end whose replication is in doubt is written once more, as it is.
    if (before.state === 'ended' && contentOf(before) !== contentOf(after)) this.report('tombstone-written', by)
    const rotated = after.generation > before.generation && after.rotation === 'soft'
    if (rotated && before.confirmedAt === null) this.report('rotated-unconfirmed', by)
    if (before.absoluteAt !== after.absoluteAt) this.report('deadline-moved', by)
    if (before.lastSeenAt > after.lastSeenAt) this.report('last-seen-fell', by)
    if (before.generation > after.generation) this.report('generation-fell', by)
    if (before.subject !== after.subject) this.report('subject-changed', by)
    if (before.hardRotations > after.hardRotations) this.report('hard-rotations-fell', by)
  }
}

function contentOf({ revision: _, recent: __, ...content }: SessionRecord): string {
  return JSON.stringify(content)
}
