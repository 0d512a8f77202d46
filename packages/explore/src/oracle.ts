import type { Session, Sessions } from '@sess/core'
import { type Jar, readToken, type SeenToken, store } from './client.ts'
import type { Monitor } from './monitor.ts'
import { type Action, type Scenario, START, times } from './scenario.ts'
import type { Storage } from './storage.ts'
import { cookieHeader, lives, SUBJECT } from './world.ts'

/** What became of one request. */
export interface Outcome {
  /** Which request of the run it is. */
  readonly index: number
  readonly action: Action
  readonly jar: 'client' | 'thief'
  /** The token that was sent. */
  sent: string | null
  arrivedAt: number
  /** The session it was let into, and whose that is. */
  handle: string | null
  subject: string | null
  refused: string | null
  /** Sessions whose end had been acknowledged when it arrived, and tokens that a hard rotation had stopped. */
  over: readonly string[]
  intended: boolean
  acknowledged: boolean
  error: string | null
  /** Session after the commit. */
  committed: string | null
  setCookie: string | null
  answered: boolean
  delivered: boolean
  /** The clock jumped by `overlap` or more while it was on its way to the store, or its cookie on the way back. */
  dawdled: boolean
}

/** Checks section 12 of the design: some of it while things happen, the rest when nobody is under way any more. */
export class Oracle {
  readonly #monitor: Monitor
  readonly #storage: Storage
  readonly #scenario: Scenario
  readonly #jars: { readonly client: Jar; readonly thief: Jar }
  /** Sessions that an acknowledged request has ended, and tokens that an acknowledged hard rotation has stopped. */
  readonly #over = new Set<string>()
  /** Answers with a cookie, as they reached the client. */
  readonly #delivered: Outcome[] = []

  constructor(monitor: Monitor, storage: Storage, scenario: Scenario, jars: { client: Jar; thief: Jar }) {
    this.#monitor = monitor
    this.#storage = storage
    this.#scenario = scenario
    this.#jars = jars
  }

  /** Its part of the state of a run. */
  key(): unknown {
    return [this.#jars, [...this.#over].sort(), this.#delivered.map(({ setCookie }) => setCookie)]
  }

  arrives(outcome: Outcome, now: number): void {
    outcome.arrivedAt = now
    outcome.over = [...this.#over]
  }

  opened(outcome: Outcome, session: Session): void {
    outcome.handle = session.handle
    outcome.subject = session.subject
    outcome.refused = session.refused
    if (session.handle === null) return
    // Reading from a replica that lags behind breaks the store's contract: it shows what was, and writes fail.
    const stale = this.#scenario.mishap === 'stale' ? 'limit: a stale read' : null
    if (outcome.over.includes(session.handle)) this.#broken(stale ?? 'ended-accepted', outcome)
    if (outcome.over.includes(String(outcome.sent))) this.#broken(stale ?? 'old-token-accepted', outcome)
    if (outcome.jar !== 'thief') return
    const { from } = this.#scenario
    if (from === 'planted' && session.subject !== null) this.#broken('fixation', outcome)
    const found = from === 'two-behind' || (from === 'overlap' && outcome.arrivedAt >= START + times.overlap)
    if (found) this.#broken('theft-accepted', outcome)
  }

  acknowledged(outcome: Outcome, session: Session): void {
    outcome.acknowledged = true
    outcome.committed = session.handle
    const sent = outcome.sent === null ? null : readToken(outcome.sent)
    if (outcome.action === 'sign-out' && sent !== null && outcome.refused !== 'replaced') this.#isOver(outcome, sent)
    if (outcome.action === 'sign-in') this.#signedIn(outcome)
    const hard = outcome.action === 'reauthenticate' && outcome.handle !== null && session.generation !== null
    if (!hard || sent === null) return
    // Every token of an older generation is stopped; the ones that exist have been sent or planted.
    this.#over.add(String(outcome.sent))
  }

  failed(outcome: Outcome, error: unknown): void {
    const { code, message } = error as { readonly code?: string; readonly message?: string }
    outcome.error = code ?? String(message)
    if (code?.startsWith('ERR_SESS_') !== true) this.#broken('untyped-error', outcome)
  }

  sends(outcome: Outcome, token: SeenToken | 'cleared'): void {
    const { action, refused } = outcome
    if (token === 'cleared' && action !== 'sign-out') this.#broken('cleared', outcome)
    if (refused !== null && action !== 'sign-in' && action !== 'sign-out') this.#broken('stand-in-cookie', outcome)
  }

  /** Nobody is under way any more. */
  judge(outcomes: readonly Outcome[]): void {
    this.#judgeRefusals(outcomes)
    for (const [id, versions] of this.#storage.versions) {
      const record = versions.at(-1)
      if (record === undefined || record.state === 'ended') continue
      const data = JSON.parse(record.data === '' ? '{}' : record.data) as Record<string, number | undefined>
      this.#judgeWrites(id, data, outcomes)
      this.#judgeCount(id, data.n ?? 0, outcomes)
    }
  }

  /** The client's cookie changed. */
  delivered(outcome: Outcome): void {
    this.#delivered.push(outcome)
  }

  /** The honest client comes back, now and when everything retired is retired for good. */
  async probe(sessions: Sessions, outcomes: readonly Outcome[], reach: (at: number) => number): Promise<void> {
    if (this.#scenario.requests.some(({ jar }) => jar === 'thief')) return
    const reuse = [...this.#storage.versions.values()].some((versions) => versions.at(-1)?.endedReason === 'reuse')
    const dawdled = outcomes.some((outcome) => outcome.dawdled)
    if (reuse) return this.#monitor.report(dawdled ? 'limit: slower than overlap' : 'honest-reuse', 'ended as reuse')
    this.#judgeSignIns(outcomes, reach(0))
    for (const at of [0, reach(0) + times.overlap + 1]) await this.#comesBack(sessions, reach(at), dawdled)
  }

  async #comesBack(sessions: Sessions, now: number, dawdled: boolean): Promise<void> {
    const jar = this.#jars.client
    if (jar.cookie === null) return
    const { handle, generation } = readToken(jar.cookie)
    const record = this.#storage.read(handle)
    if (record === null || record.state === 'locked' || !lives(record, now)) return
    const session = await sessions.open({ cookie: cookieHeader(jar.cookie) })
    const { handle: seen, refused } = session
    await session.commit()
    const line = session.toHeaders().find(([name]) => name === 'Set-Cookie')?.[1]
    if (line !== undefined) store(jar, line)
    if (seen === handle) return
    const stopped = generation < record.generation && record.hardRotations > 0
    const why = stopped
      ? 'limit: lost or late answer of a hard rotation'
      : dawdled
        ? 'limit: slower than overlap'
        : null
    this.#monitor.report(why ?? 'locked-out', `generation ${generation} of ${record.generation}, refused: ${refused}`)
  }

  #isOver(outcome: Outcome, { handle }: SeenToken): void {
    const record = this.#storage.read(handle)
    if (record !== null && record.state !== 'ended') this.#broken('sign-out-not-done', outcome)
    this.#over.add(handle)
  }

  #signedIn(outcome: Outcome): void {
    const { committed, handle, subject } = outcome
    const record = committed === null ? null : this.#storage.read(committed)
    if (record?.subject !== SUBJECT) this.#broken('phantom-sign-in', outcome)
    if (handle === null || subject === null) return
    const old = this.#storage.read(handle)
    if (old !== null && old.state !== 'ended') this.#broken('old-session-lives', outcome)
    this.#over.add(handle)
  }

  /** Whoever was let in may finish, where nobody ends, locks or proves anything meanwhile and no deadline passes. */
  #judgeRefusals(outcomes: readonly Outcome[]): void {
    const { requests, tick, from, mishap } = this.#scenario
    if (from === 'locked' || mishap === 'stale') return
    const quiet = requests.every(({ action, jar }) => jar === 'client' && ['read', 'write', 'update'].includes(action))
    if (!quiet || (tick !== null && tick - START >= times.idle - 1)) return
    for (const outcome of outcomes) {
      if (outcome.handle !== null && outcome.error === 'ERR_SESS_INTERRUPTED')
        this.#broken('refused-at-commit', outcome)
    }
  }

  /** Whoever signed in last and has the answer is signed in, unless an answer that was older overtook it. */
  #judgeSignIns(outcomes: readonly Outcome[], now: number): void {
    const signIns = outcomes.filter(({ action, acknowledged }) => action === 'sign-in' && acknowledged)
    const living = signIns.filter(({ committed }) => {
      const record = committed === null ? null : this.#storage.read(committed)
      return record !== null && record.state === 'authenticated' && lives(record, now)
    })
    if (living.length > 1) this.#monitor.report('limit: parallel sign-ins leave orphans', `${living.length} live`)
    const holds = this.#jars.client.cookie === null ? null : readToken(this.#jars.client.cookie).handle
    if (living.length !== 1 || holds === living[0]?.committed) return
    const [{ delivered }] = living as [Outcome]
    // An answer that brings a session past its deadline is older, too.
    const held = holds === null ? null : this.#storage.read(holds)
    const late = held !== null && held.state === 'authenticated' && !lives(held, now)
    const overtaken = late || this.#delivered.at(-1)?.action !== 'sign-in'
    const why = delivered
      ? overtaken
        ? 'limit: overtaken by an older answer'
        : null
      : 'limit: answer of a sign-in lost'
    this.#monitor.report(why ?? 'signed-out', `the client holds ${holds?.slice(0, 6) ?? 'nothing'}`)
  }

  #judgeWrites(id: string, data: Readonly<Record<string, unknown>>, outcomes: readonly Outcome[]): void {
    for (const { index, action, acknowledged, committed } of outcomes) {
      if (action !== 'write' || !acknowledged || committed !== id) continue
      if (!Object.values(data).includes(index)) this.#monitor.report('lost-write', `of request ${index}`)
    }
  }

  /** The counter is what acknowledged requests made it, and at most what the unanswered ones may have added. */
  #judgeCount(id: string, n: number, outcomes: readonly Outcome[]): void {
    const sources = new Set([id])
    for (const { action, committed, handle, refused } of outcomes) {
      if (action === 'sign-in' && committed === id && handle !== null && refused === null) sources.add(handle)
    }
    const updates = outcomes.filter(({ action, intended }) => action === 'update' && intended)
    const least = updates.filter(({ acknowledged, committed }) => acknowledged && sources.has(String(committed))).length
    const most = least + updates.filter(({ acknowledged }) => !acknowledged).length
    if (n < least) this.#monitor.report('lost-update', `${n} of ${least}`)
    if (n > most) this.#monitor.report('applied-twice', `${n} of at most ${most}`)
  }

  #broken(rule: string, { action, jar, handle }: Outcome): void {
    this.#monitor.report(rule, `${action} of the ${jar}, session ${handle?.slice(0, 6) ?? 'none'}`)
  }
}

/** An outcome before anything has happened. */
export function nothingYet(index: number, action: Action, jar: 'client' | 'thief'): Outcome {
  return {
    index,
    action,
    jar,
    sent: null,
    arrivedAt: 0,
    handle: null,
    subject: null,
    refused: null,
    over: [],
    intended: false,
    acknowledged: false,
    error: null,
    committed: null,
    setCookie: null,
    answered: false,
    delivered: false,
    dawdled: false,
  }
}
