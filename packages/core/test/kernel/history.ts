import type { Policy, SessionEvent, SessionState } from '@sess/core/kernel'

interface Token {
  /** How its predecessor was retired. */
  readonly kind: 'soft' | 'hard'
  seenAt: number | null
}

/**
 * The reference: what has happened to a session, told as a history of its tokens in place of a record. It says what the kernel
 * has to answer, in the same words: `ok`, or why not.
 */
export class History {
  readonly #policy: Policy
  readonly #subject: string | null
  readonly deadline: number
  readonly tokens: Token[]
  state: SessionState
  lastSeenAt: number
  over: { readonly reason: string; readonly at: number } | null = null

  constructor(policy: Policy, subject: string | null, now: number) {
    this.#policy = policy
    this.#subject = subject
    this.deadline = now + policy.absoluteMs
    this.tokens = [{ kind: 'soft', seenAt: now }]
    this.state = subject === null ? 'anonymous' : 'authenticated'
    this.lastSeenAt = now
  }

  get generation(): number {
    return this.tokens.length - 1
  }

  /** What has to come of an event; takes it in. */
  tell(event: SessionEvent, now: number): string {
    const { type, arrivedAt } = event
    if (type === 'issue') return 'exists'
    if (type === 'invalidate') return this.#end(event.reason, now)
    if (this.over !== null) return this.#late(type, arrivedAt, this.over)
    const passed = this.#passed(now, arrivedAt)
    if (passed !== null) return `expired ${passed}`
    const locked = this.state === 'locked' || arrivedAt >= this.#idleAt
    if (type === 'present') return this.#present(event.generation, arrivedAt, locked, now)
    if (this.state === 'anonymous' && (type === 'reauthenticate' || type === 'lock')) return 'anonymous'
    if (type === 'reauthenticate') return this.#reopen(arrivedAt)
    if (locked) return type === 'lock' ? 'ok' : 'locked'
    if (type === 'lock') this.state = 'locked'
    if (type === 'touch') this.lastSeenAt = Math.max(this.lastSeenAt, arrivedAt)
    return type === 'rotate' ? this.#rotate(event.kind, arrivedAt) : 'ok'
  }

  get #last(): Token {
    return this.tokens[this.generation] as Token
  }

  get #idleAt(): number {
    return Math.min(this.lastSeenAt + (this.#policy.idleMs ?? Number.POSITIVE_INFINITY), this.deadline)
  }

  #passed(now: number, arrivedAt: number): 'idle' | 'absolute' | null {
    if (Math.max(now, arrivedAt) >= this.deadline) return 'absolute'
    const locks = this.#policy.onIdle === 'lock' && this.#subject !== null
    return arrivedAt >= this.#idleAt && !locks ? 'idle' : null
  }

  #late(type: string, arrivedAt: number, over: { readonly reason: string; readonly at: number }): string {
    const underway = type === 'present' && over.reason === 'replaced' && arrivedAt < over.at + this.#policy.overlapMs
    return underway ? 'replaced' : `ended ${over.reason}`
  }

  #end(reason: string, now: number): string {
    if (this.over === null) this.over = { reason, at: now }
    this.state = 'ended'
    return 'ok'
  }

  #present(p: number, arrivedAt: number, locked: boolean, now: number): string {
    const ahead = p - this.generation
    if (ahead > 8) return 'ahead'
    if (ahead > 0) this.tokens.push(...Array.from({ length: ahead }, (): Token => ({ kind: 'hard', seenAt: null })))
    if (ahead >= 0) {
      this.#last.seenAt ??= arrivedAt
      return this.#welcome(arrivedAt, locked)
    }
    const { kind, seenAt } = this.#last
    const waiting = seenAt === null || arrivedAt < seenAt + this.#policy.overlapMs
    if (kind === 'hard' && waiting) return 'superseded'
    if (kind === 'hard' || ahead < -1 || !waiting) {
      this.#end('reuse', now)
      return 'ended reuse'
    }
    return seenAt === null ? this.#welcome(arrivedAt, locked) : 'ok'
  }

  #welcome(arrivedAt: number, locked: boolean): string {
    const counts = !locked && arrivedAt - this.lastSeenAt >= this.#policy.touchEveryMs
    if (counts) this.lastSeenAt = Math.max(this.lastSeenAt, arrivedAt)
    return 'ok'
  }

  #reopen(arrivedAt: number): string {
    this.state = 'authenticated'
    this.lastSeenAt = Math.max(this.lastSeenAt, arrivedAt)
    this.tokens.push({ kind: 'hard', seenAt: null })
    return 'ok'
  }

  #rotate(kind: 'soft' | 'hard', arrivedAt: number): string {
    const { seenAt } = this.#last
    if (kind === 'soft' && this.state === 'anonymous') return 'anonymous'
    if (kind === 'soft' && (seenAt === null || arrivedAt < seenAt + this.#policy.overlapMs)) return 'early'
    this.tokens.push({ kind, seenAt: null })
    return 'ok'
  }
}
