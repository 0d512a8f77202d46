import type { SessionRecord } from '@sess/core'
import type { Behaviour, Behaviours } from './behaviour.ts'
import { canGoOn, faultOf, hasTwin, progressOf } from './choices.ts'
import { readSetCookie, readToken, store } from './client.ts'
import type { Violation } from './monitor.ts'
import { nothingYet, Oracle, type Outcome } from './oracle.ts'
import { nowhere, type Progress, type Told } from './process.ts'
import { type Plan, type Scenario, times } from './scenario.ts'
import { fork, keyOf, ownRequest, type Request, type State } from './state.ts'
import type { Call, Fault } from './storage.ts'

/** One thing that may happen next. `actor` is the request it belongs to, -1 for the world. */
export interface Move {
  readonly label: string
  readonly actor: number
  readonly take: (run: Run) => void | Promise<void>
}

/** A moment of a scenario: what may happen next is a choice, and nothing happens by itself. */
export class Run {
  readonly #behaviours: Behaviours
  readonly #scenario: Scenario
  readonly #state: State
  readonly #oracle: Oracle

  constructor(behaviours: Behaviours, scenario: Scenario, state: State) {
    this.#behaviours = behaviours
    this.#scenario = scenario
    this.#state = state
    this.#oracle = new Oracle(scenario, state)
  }

  /** What the last move broke. */
  get violations(): readonly Violation[] {
    return this.#state.monitor.violations
  }

  /** The run after a move; this one stays where it is. */
  async after(move: Move): Promise<Run> {
    const next = new Run(this.#behaviours, this.#scenario, fork(this.#state))
    next.#counts(move)
    await move.take(next)
    return next
  }

  key(): string {
    return keyOf(this.#state, this.#scenario, this.#behaviours.numbers)
  }

  /** Everything that may happen now, in a fixed order. None: the run is over. */
  moves(): Move[] {
    const { requests, processes, late, ticked, mishaps } = this.#state
    const { tick, mishap } = this.#scenario
    const moves: Move[] = []
    for (const [index, each] of requests.entries()) this.#movesOf(each, index, moves)
    for (const { calls } of processes) for (const call of calls) this.#movesOfCall(call, moves)
    for (const call of late) moves.push(move(call.request, `late ${call.name}`, (run) => run.#applyLate(call)))
    if (moves.length === 0) return moves
    if (tick !== null && !ticked) moves.push(move(-1, 'tick', (run) => run.#tick()))
    if (mishap === 'failover' && mishaps === 0) {
      for (const count of [1, 2]) moves.push(move(-1, `failover ${count}`, (run) => run.#failOver(count)))
    }
    return this.#withinBound(moves)
  }

  /** Judges the end of a run: nobody is under way any more. */
  async finish(): Promise<void> {
    const outcomes = this.#outcomes()
    this.#oracle.judge(outcomes)
    if (!this.#oracle.comesBack(outcomes)) return
    for (const later of [0, times.overlap + 1]) {
      this.#state.now += later
      await this.#comesBack(outcomes)
    }
  }

  #outcomes(): Outcome[] {
    return this.#state.requests
      .filter(({ phase, outcome }) => phase !== 'done' || outcome.answered)
      .map(({ outcome }) => outcome)
  }

  /** The client looks at its session, with nobody else under way. */
  async #comesBack(outcomes: readonly Outcome[]): Promise<void> {
    const record = this.#oracle.expected()
    if (record === null) return
    const { requests, processes } = this.#state
    const index = requests.length
    const plan: Plan = { action: 'read', jar: 'client' }
    processes.push(this.#behaviours.first(new Map([[index, plan]])))
    const process = processes.length - 1
    requests.push({ plan, process, phase: 'waiting', onItsWay: true, outcome: nothingYet(index, plan) })
    for (let next = this.#nextOf(index); next !== undefined; next = this.#nextOf(index)) await next.take(this)
    this.#oracle.judgeReturn(this.#request(index).outcome, record, outcomes)
  }

  /** How a request goes on when nothing goes wrong. */
  #nextOf(index: number): Move | undefined {
    const moves: Move[] = []
    const { requests, processes } = this.#state
    const each = requests[index] as Request // it was just put there
    this.#movesOf(each, index, moves)
    for (const call of processes[each.process]?.calls ?? []) this.#movesOfCall(call, moves)
    return moves[0]
  }

  #movesOf({ phase }: Request, index: number, moves: Move[]): void {
    const add = (label: string, take: Move['take']) => void moves.push(move(index, label, take))
    if (phase === 'waiting' && !hasTwin(this.#state, this.#scenario, index)) add('is sent', (run) => run.#send(index))
    if (phase === 'sent') add('arrives', (run) => run.#arrive(index))
    if (phase === 'answered') {
      add('is answered', (run) => run.#deliver(index, true))
      if (this.#state.mishaps > 0) return
      if (this.#scenario.mishap === 'response-lost') add('loses the answer', (run) => run.#loseAnswer(index))
      if (this.#scenario.mishap === 'repeated') add('is sent again', (run) => run.#repeat(index))
    }
    if (phase !== 'inside') return
    const { paused, waits } = progressOf(this.#state, index)
    if (paused) add('goes on', (run) => run.#tell({ kind: 'goes on', request: index, now: run.#state.now }))
    if (waits) add('waited', (run) => run.#tell({ kind: 'waited', request: index, now: run.#state.now }))
  }

  #movesOfCall(call: Call, moves: Move[]): void {
    const { request, name } = call
    moves.push(move(request, name, (run) => run.#answer(call, 'ok')))
    const fault = faultOf(call, this.#state, this.#scenario)
    if (fault !== null) moves.push(move(request, `${name} ${fault}`, (run) => run.#answer(call, fault)))
  }

  /** A request may be interrupted so often while it could go on. */
  #withinBound(moves: Move[]): Move[] {
    const { preemptions } = this.#scenario
    const { preempted, last } = this.#state
    if (preemptions === undefined || preempted < preemptions || !canGoOn(this.#state, last)) return moves
    const own = moves.filter(({ actor }) => actor === last)
    return own.length > 0 ? own : moves
  }

  #counts({ actor }: Move): void {
    if (actor === -1) return
    const { last } = this.#state
    if (last !== -1 && actor !== last && canGoOn(this.#state, last)) this.#state.preempted += 1
    this.#state.last = actor
  }

  #request(index: number): Request {
    return ownRequest(this.#state, index)
  }

  #tick(): void {
    const { now, requests } = this.#state
    const tick = this.#scenario.tick ?? 0
    this.#state.ticked = true
    for (const [index, { phase, onItsWay }] of requests.entries()) {
      if (tick - now >= times.overlap && onItsWay && phase !== 'waiting') this.#request(index).outcome.dawdled = true
    }
    this.#state.now = Math.max(now, tick)
  }

  #failOver(count: number): void {
    this.#state.mishaps += 1
    this.#state.monitor.failover = true
    this.#state.storage.rollBack(count)
  }

  /** Only a read may be stale. */
  #answer(call: Call, fault: Fault): void | Promise<void> {
    const { storage, monitor, now } = this.#state
    const { request, nth } = call
    if (fault !== 'ok') this.#state.mishaps += 1
    if (fault === 'late') {
      this.#state.late.push(call)
      return this.#tell({ kind: 'time-out', request, nth, now })
    }
    const stale = fault === 'stale' && call.name === 'get'
    const value = fault === 'rejected' ? null : stale ? storage.before(call.id) : storage.perform(call, monitor)
    if (fault === 'rejected' || fault === 'lost') {
      return this.#tell({ kind: 'error', request, nth, message: `the store failed: ${fault}`, now })
    }
    if (call.name === 'get' && fault === 'ok') monitor.onLoad(request, value as SessionRecord | null) // that is what a get gives
    return this.#tell({ kind: 'answer', request, nth, value, now })
  }

  #applyLate(call: Call): void {
    const { storage, monitor, late } = this.#state
    late.splice(late.indexOf(call), 1)
    storage.perform(call, monitor)
  }

  /** The way to the server takes time only where the clock may jump meanwhile. */
  #send(index: number): void | Promise<void> {
    const each = this.#request(index)
    each.phase = 'sent'
    const { cookie } = this.#state.jars[each.plan.jar]
    each.outcome.sent = cookie
    each.outcome.bears = cookie === null ? null : readToken(cookie).handle
    if (this.#scenario.tick === null) return this.#arrive(index)
  }

  #arrive(index: number): void | Promise<void> {
    const each = this.#request(index)
    each.phase = 'inside'
    this.#oracle.arrives(each.outcome)
    return this.#tell({ kind: 'arrives', request: index, cookie: each.outcome.sent, now: this.#state.now })
  }

  #tell(told: Told): void | Promise<void> {
    const { process } = this.#state.requests[told.request] as Request // it has been told to one of them
    const behaviour = this.#state.processes[process] as Behaviour // one for each process
    const next = this.#behaviours.after(behaviour, told)
    if (next instanceof Promise) return next.then((found) => this.#enter(process, behaviour, found))
    this.#enter(process, behaviour, next)
  }

  /** A process has come to another place: its requests have done something. */
  #enter(process: number, before: Behaviour, after: Behaviour): void {
    this.#state.processes[process] = after
    for (const [index, progress] of after.progress)
      this.#advance(index, before.progress.get(index) ?? nowhere, progress)
  }

  #advance(index: number, before: Progress, { opened, intended, committed, error, headers }: Progress): void {
    const each = this.#request(index)
    const { outcome } = each
    if (before.opened === null && opened !== null) {
      each.onItsWay = false
      this.#oracle.opened(outcome, opened)
    }
    outcome.intended = intended
    if (before.committed === null && committed !== null) this.#oracle.acknowledged(outcome, committed)
    if (before.error === null && error !== null) this.#oracle.failed(outcome, error)
    if (before.headers === null && headers !== null) this.#answerWith(index, headers)
  }

  #answerWith(index: number, headers: NonNullable<Progress['headers']>): void {
    const { monitor } = this.#state
    const each = this.#request(index)
    each.phase = 'answered'
    each.onItsWay = true
    each.outcome.answered = true
    const lines = headers.filter(([name]) => name === 'Set-Cookie').map(([, line]) => line)
    if (lines.length > 1) monitor.report('two-cookies', 'one response set two')
    each.outcome.setCookie = lines[0] ?? null
    if (lines[0] === undefined) {
      // Nothing hangs on when it arrives, unless it can be sent again.
      if (this.#scenario.mishap !== 'repeated') this.#deliver(index, true)
      return
    }
    const token = readSetCookie(lines[0])
    if (token !== 'cleared') monitor.onHand(token.sid)
    this.#oracle.sends(each.outcome, token)
  }

  #deliver(index: number, arrives: boolean): void {
    const each = this.#request(index)
    const { jar } = each.plan
    each.phase = 'done'
    each.outcome.delivered = arrives
    if (!arrives || each.outcome.setCookie === null) return
    store(this.#state.jars[jar], each.outcome.setCookie)
    if (jar === 'client') this.#state.setBy = index
  }

  #loseAnswer(index: number): void {
    this.#state.mishaps += 1
    this.#deliver(index, false)
  }

  /** The browser never saw the answer and sends the request again, with the cookie it has. */
  #repeat(index: number): void {
    this.#loseAnswer(index)
    this.#request(this.#scenario.requests.length + index).phase = 'waiting'
  }
}

function move(actor: number, label: string, take: Move['take']): Move {
  return { actor, label: actor === -1 ? label : `${actor} ${label}`, take }
}
