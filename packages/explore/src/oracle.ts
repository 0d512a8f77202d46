import type { SessionRecord } from '@sess/core'
import { readToken, type SeenToken } from './client.ts'
import type { Progress } from './process.ts'
import { type Action, type Plan, type Scenario, START, times } from './scenario.ts'
import type { State } from './state.ts'
import { lives, SUBJECT } from './world.ts'

/** What became of one request. */
export interface Outcome {
  /** Which request of the run it is. */
  readonly index: number
  readonly action: Action
  readonly jar: 'client' | 'thief'
  /** The token that was sent, and its session. */
  sent: string | null
  bears: string | null
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
  readonly #scenario: Scenario
  readonly #state: State

  constructor(scenario: Scenario, state: State) {
    this.#scenario = scenario
    this.#state = state
  }

  arrives(outcome: Outcome): void {
    outcome.arrivedAt = this.#state.now
    outcome.over = this.#state.over
  }

  opened(outcome: Outcome, session: NonNullable<Progress['opened']>): void {
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
    if (found) this.#broken(stale ?? 'theft-accepted', outcome)
  }

  acknowledged(outcome: Outcome, session: NonNullable<Progress['committed']>): void {
    outcome.acknowledged = true
    outcome.committed = session.handle
    const sent = outcome.sent === null ? null : readToken(outcome.sent)
    if (outcome.action === 'sign-out' && sent !== null && outcome.refused !== 'replaced') this.#isOver(outcome, sent)
    if (outcome.action === 'sign-in') this.#signedIn(outcome)
    const hard = outcome.action === 'reauthenticate' && outcome.handle !== null && session.generation !== null
    if (!hard || sent === null) return
    // Every token of an older generation is stopped; the ones that exist have been sent or planted.
    this.#stop(String(outcome.sent))
  }

  failed(outcome: Outcome, error: string): void {
    outcome.error = error
    if (!error.startsWith('ERR_SESS_')) this.#broken('untyped-error', outcome)
  }

  sends(outcome: Outcome, token: SeenToken | 'cleared'): void {
    const { action, refused } = outcome
    if (token === 'cleared' && action !== 'sign-out') this.#broken('cleared', outcome)
    if (refused !== null && action !== 'sign-in' && action !== 'sign-out') this.#broken('stand-in-cookie', outcome)
  }

  /** Nobody is under way any more. */
  judge(outcomes: readonly Outcome[]): void {
    this.#judgeRefusals(outcomes)
    for (const [id, versions] of this.#state.storage.versions) {
      const record = versions.at(-1)
      if (record === undefined || record.state === 'ended') continue
      const data = JSON.parse(record.data === '' ? '{}' : record.data) as Record<string, number | undefined>
      this.#judgeWrites(id, data, outcomes)
      this.#judgeCount(id, data.n ?? 0, outcomes)
    }
  }

  /**
   * Whether the honest client is to come back, now and when everything retired is retired for good: not where a thief
   * may have ended its session, nor where the session ended as stolen although nobody stole it, which is judged here.
   */
  comesBack(outcomes: readonly Outcome[]): boolean {
    if (this.#scenario.requests.some(({ jar }) => jar === 'thief')) return false
    const { monitor, storage } = this.#state
    const reuse = [...storage.versions.values()].some((versions) => versions.at(-1)?.endedReason === 'reuse')
    if (reuse) monitor.report(this.#slower(outcomes) ?? 'honest-reuse', 'ended as reuse')
    else this.#judgeSignIns(outcomes)
    return !reuse
  }

  /** The record of the client's session, if it lives and lets the client in. */
  expected(): SessionRecord | null {
    const { jars, storage, now } = this.#state
    if (jars.client.cookie === null) return null
    const record = storage.read(readToken(jars.client.cookie).handle)
    return record !== null && record.state !== 'locked' && lives(record, now) ? record : null
  }

  /** It came back to what was this record. */
  judgeReturn({ sent, handle, refused }: Outcome, record: SessionRecord, outcomes: readonly Outcome[]): void {
    if (handle === record.id) return
    const { generation } = readToken(String(sent))
    const stopped = generation < record.generation && record.hardRotations > 0
    const why = stopped ? 'limit: lost or late answer of a hard rotation' : this.#slower(outcomes)
    const what = `generation ${generation} of ${record.generation}, refused: ${refused}`
    this.#state.monitor.report(why ?? 'locked-out', what)
  }

  #slower(outcomes: readonly Outcome[]): string | null {
    return outcomes.some((outcome) => outcome.dawdled) ? 'limit: slower than overlap' : null
  }

  #isOver(outcome: Outcome, { handle }: SeenToken): void {
    const record = this.#state.storage.read(handle)
    if (record !== null && record.state !== 'ended') this.#broken('sign-out-not-done', outcome)
    this.#stop(handle)
  }

  #signedIn(outcome: Outcome): void {
    const { committed, handle, subject } = outcome
    const record = committed === null ? null : this.#state.storage.read(committed)
    if (record?.subject !== SUBJECT) this.#broken('phantom-sign-in', outcome)
    if (handle === null || subject === null) return
    const old = this.#state.storage.read(handle)
    if (old !== null && old.state !== 'ended') this.#broken('old-session-lives', outcome)
    this.#stop(handle)
  }

  #stop(what: string): void {
    if (!this.#state.over.includes(what)) this.#state.over = [...this.#state.over, what].toSorted()
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
  #judgeSignIns(outcomes: readonly Outcome[]): void {
    const { monitor } = this.#state
    const living = outcomes.filter((outcome) => this.#isSignedIn(outcome))
    const [only] = living
    if (living.length > 1) monitor.report('limit: parallel sign-ins leave orphans', `${living.length} live`)
    if (only === undefined || living.length > 1) return
    const { cookie } = this.#state.jars.client
    const holds = cookie === null ? null : readToken(cookie).handle
    if (holds === only.committed) return
    const why = only.delivered ? this.#whyNotHeld(holds) : 'limit: answer of a sign-in lost'
    monitor.report(why ?? 'signed-out', `the client holds ${holds?.slice(0, 6) ?? 'nothing'}`)
  }

  #isSignedIn({ action, acknowledged, committed }: Outcome): boolean {
    if (action !== 'sign-in' || !acknowledged || committed === null) return false
    const record = this.#state.storage.read(committed)
    return record !== null && record.state === 'authenticated' && lives(record, this.#state.now)
  }

  /** The client has the answer to its sign-in, and yet another session, or none. */
  #whyNotHeld(holds: string | null): string | null {
    const { storage, now, setBy, requests } = this.#state
    const held = holds === null ? null : storage.read(holds)
    const overtaken = 'limit: overtaken by an older answer'
    // An answer that brings a session past its deadline is older, too.
    if (held !== null && held.state === 'authenticated' && !lives(held, now)) return overtaken
    const setter = setBy === null ? undefined : requests[setBy]?.outcome
    if (setter?.action !== 'sign-in') return overtaken
    // It took the cookie of another sign-in, and signed out with that, or locked it.
    const left = held?.endedReason === 'signed-out' || held?.state === 'locked'
    return left ? 'limit: parallel sign-ins leave orphans' : null
  }

  #judgeWrites(id: string, data: Readonly<Record<string, unknown>>, outcomes: readonly Outcome[]): void {
    for (const { index, action, acknowledged, committed } of outcomes) {
      if (action !== 'write' || !acknowledged || committed !== id) continue
      if (!Object.values(data).includes(index)) this.#state.monitor.report('lost-write', `of request ${index}`)
    }
  }

  /** The counter is what acknowledged requests made it, and at most what the unanswered ones may have added. */
  #judgeCount(id: string, n: number, outcomes: readonly Outcome[]): void {
    const { monitor } = this.#state
    const updates = outcomes.filter(({ action, intended }) => action === 'update' && intended)
    const acknowledged = updates.filter((update) => update.acknowledged)
    const within = (sources: ReadonlySet<string>) =>
      acknowledged.filter(({ committed }) => sources.has(String(committed))).length
    const least = within(this.#sourcesOf(id, outcomes, false))
    const carried = within(this.#sourcesOf(id, outcomes, true))
    const most = carried + updates.length - acknowledged.length
    if (n < least) monitor.report('lost-update', `${n} of ${least}`)
    else if (n < carried) monitor.report('limit: the old session ends while a sign-in carries', `${n} of ${carried}`)
    if (n > most) monitor.report('applied-twice', `${n} of at most ${most}`)
  }

  /**
   * The session and those it took over from. What is not `doubtful` was there for it to carry to the end; a session that
   * something else may have ended was not.
   */
  #sourcesOf(id: string, outcomes: readonly Outcome[], doubtful: boolean): ReadonlySet<string> {
    const sources = new Set([id])
    const signIn = outcomes.find(({ action, committed }) => action === 'sign-in' && committed === id)
    if (signIn?.handle == null || signIn.refused !== null) return sources
    const { handle } = signIn
    const ended = this.#state.storage.read(handle)?.endedReason ?? 'replaced'
    const others = outcomes.some(
      (other) => other !== signIn && other.bears === handle && ['sign-in', 'sign-out'].includes(other.action),
    )
    if ((others || ended !== 'replaced') && !doubtful) return sources
    return new Set([...sources, ...this.#sourcesOf(handle, outcomes, doubtful)])
  }

  #broken(rule: string, { action, jar, handle }: Outcome): void {
    this.#state.monitor.report(rule, `${action} of the ${jar}, session ${handle?.slice(0, 6) ?? 'none'}`)
  }
}

/** An outcome before anything has happened. */
export function nothingYet(index: number, { action, jar }: Plan): Outcome {
  return {
    index,
    action,
    jar,
    sent: null,
    bears: null,
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
