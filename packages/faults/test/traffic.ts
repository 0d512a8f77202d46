import { setTimeout as pause } from 'node:timers/promises'
import type { Session, Sessions } from '@sess/core'
import { Counts } from './counts.ts'

/** One person's browser: a cookie, and what its owner has been told. */
interface Visitor {
  readonly subject: string
  /** So that not all sign out at the same time. */
  readonly turn: number
  cookie: string | undefined
  signedIn: boolean
  /** A sign-out was answered with an error: it may have been carried out all the same. */
  doubtful: boolean
  /** Increments of this session that were acknowledged, and those whose outcome is unknown. */
  acknowledged: number
  unknown: number
  /** Times it has been answered well. */
  served: number
  busy: boolean
}

export interface TrafficOptions {
  readonly visitors?: number
  /** Every n-th good answer to a visitor is followed by a sign-out; default none. */
  readonly signOutEvery?: number
  /** By how many characters every request makes its session longer; default 0. */
  readonly growBy?: number
}

/** What the application has to know of a request with this cookie. */
export const facts = (cookie: string | undefined) => ({
  method: 'POST',
  url: '/',
  headers: { 'sec-fetch-site': 'same-origin', ...(cookie !== undefined && { cookie }) },
  secure: true,
})

/** The cookie that a browser has after the answer. */
export function keepCookie(session: Session, cookie: string | undefined): string | undefined {
  const line = session.toHeaders().find(([name]) => name.toLowerCase() === 'set-cookie')?.[1]
  if (line === undefined) return cookie
  const [pair = ''] = line.split(';')
  return pair.endsWith('=') ? undefined : pair
}

/** People who sign in, count in their sessions, sign out, and notice what goes wrong. */
export class Traffic {
  readonly counts = new Counts()
  readonly #sessions: Sessions
  readonly #visitors: Visitor[]
  readonly #signOutEvery: number
  readonly #growBy: number
  readonly #ended: { readonly subject: string; readonly cookie: string }[] = []
  readonly #underway = new Set<Promise<void>>()
  #on = false

  constructor(sessions: Sessions, options: TrafficOptions = {}) {
    const { visitors = 20, signOutEvery = Number.POSITIVE_INFINITY, growBy = 0 } = options
    this.#sessions = sessions
    this.#signOutEvery = signOutEvery
    this.#growBy = growBy
    this.#visitors = Array.from({ length: visitors }, (_, index) => newVisitor(index))
  }

  get signOuts(): number {
    return this.#ended.length
  }

  /** Begins to send `rate` requests a second, one at a time per visitor. Returns the function that ends it. */
  start(rate: number): () => Promise<void> {
    this.#on = true
    const running = this.#run(rate)
    return async () => {
      this.#on = false
      await running
      await Promise.all(this.#underway)
    }
  }

  /** Resolves when every visitor has had another acknowledged request; notes how long that took since `from`. */
  async everybodyServed(from: number = performance.now(), limitMs = 30_000): Promise<void> {
    const before = this.#visitors.map(({ served }) => served)
    const waiting = () => this.#visitors.some(({ served }, index) => served === before[index])
    const end = performance.now() + limitMs
    while (waiting()) {
      if (performance.now() > end) throw new Error(`not everybody was served within ${limitMs} ms`)
      await pause(5)
    }
    this.counts.recoveredMs = performance.now() - from
  }

  /** Looks at every session when all is quiet: what is lost, what was applied twice, who is signed out, who is back. */
  async audit(): Promise<void> {
    for (const visitor of this.#visitors) {
      if (!visitor.signedIn) continue
      const session = await this.#sessions.open(facts(visitor.cookie))
      this.#isSignedIn(session, visitor)
    }
    for (const { cookie } of this.#ended) {
      const session = await this.#sessions.open(facts(cookie))
      if (session.subject !== null) this.counts.resurrected += 1
    }
  }

  async #run(rate: number): Promise<void> {
    const begun = performance.now()
    for (let sent = 0; this.#on; sent += 1) {
      const visitor = this.#visitors[sent % this.#visitors.length]!
      if (!visitor.busy) this.#send(visitor)
      await pause(Math.max(0, begun + (sent * 1000) / rate - performance.now()))
    }
  }

  #send(visitor: Visitor): void {
    visitor.busy = true
    const request = this.#request(visitor).finally(() => {
      visitor.busy = false
      this.#underway.delete(request)
    })
    this.#underway.add(request)
  }

  async #request(visitor: Visitor): Promise<void> {
    this.counts.requests += 1
    const arrived = performance.now()
    try {
      const session = await this.#sessions.open(facts(visitor.cookie)).finally(() => {
        this.counts.slowestLoadMs = Math.max(this.counts.slowestLoadMs, performance.now() - arrived)
      })
      await this.#act(visitor, session)
      visitor.served += 1
    } catch (error) {
      this.counts.fail(error)
    }
  }

  async #act(visitor: Visitor, session: Session): Promise<void> {
    if (visitor.signedIn && !this.#isSignedIn(session, visitor)) forget(visitor)
    if (!visitor.signedIn) return this.#signIn(visitor, session)
    if ((visitor.turn + visitor.served) % this.#signOutEvery === 0) return this.#signOut(visitor, session)
    visitor.unknown += 1
    session.update('n', (n) => Number(n) + 1)
    if (this.#growBy > 0) session.update('text', (text = '') => `${text}${'x'.repeat(this.#growBy)}`)
    await this.#commit(session)
    visitor.unknown -= 1
    visitor.acknowledged += 1
    visitor.cookie = keepCookie(session, visitor.cookie)
  }

  async #signIn(visitor: Visitor, session: Session): Promise<void> {
    session.signIn(visitor.subject)
    session.data.owner = visitor.subject
    session.data.n = 0
    await this.#commit(session)
    forget(visitor)
    visitor.signedIn = true
    visitor.cookie = keepCookie(session, undefined)
  }

  async #signOut(visitor: Visitor, session: Session): Promise<void> {
    const { subject, cookie = '' } = visitor
    session.signOut()
    visitor.doubtful = true
    await this.#commit(session)
    this.#ended.push({ subject, cookie })
    forget(visitor)
    visitor.cookie = keepCookie(session, cookie)
  }

  async #commit(session: Session): Promise<void> {
    const begun = performance.now()
    await session.commit().finally(() => {
      this.counts.slowestCommitMs = Math.max(this.counts.slowestCommitMs, performance.now() - begun)
    })
    this.counts.acknowledged += 1
  }

  #isSignedIn(session: Session, visitor: Visitor): boolean {
    if (session.subject === null) {
      if (!visitor.doubtful) this.counts.signedOut += 1
      return false
    }
    if (session.subject !== visitor.subject || session.data.owner !== visitor.subject) this.counts.mixedUp += 1
    this.#reckon(visitor, Number(session.data.n))
    return true
  }

  /** What is stored, against what was acknowledged. It counts from here on. */
  #reckon(visitor: Visitor, stored: number): void {
    const landed = Math.min(visitor.unknown, Math.max(0, stored - visitor.acknowledged))
    this.counts.lost += Math.max(0, visitor.acknowledged - stored)
    this.counts.twice += Math.max(0, stored - visitor.acknowledged - landed)
    visitor.unknown -= landed
    visitor.acknowledged = stored
  }
}

function newVisitor(turn: number): Visitor {
  return {
    subject: `visitor-${turn}`,
    turn,
    cookie: undefined,
    signedIn: false,
    doubtful: false,
    acknowledged: 0,
    unknown: 0,
    served: 0,
    busy: false,
  }
}

function forget(visitor: Visitor): void {
  Object.assign(visitor, { signedIn: false, doubtful: false, acknowledged: 0, unknown: 0 })
}
