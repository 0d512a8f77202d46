import type { Sessions } from '@sess/core'
import { readSetCookie, readToken, store } from './client.ts'
import { Monitor, type Violation } from './monitor.ts'
import { Oracle, type Outcome } from './oracle.ts'
import { act, type Request, request } from './request.ts'
import { type Scenario, START, times } from './scenario.ts'
import { type Call, connect, type Fault, type Storage } from './storage.ts'
import type { Timers } from './timers.ts'
import { Bytes, type Core, cookieHeader, type Data, options, type World } from './world.ts'

/** One thing that may happen next. `actor` is the request it belongs to, -1 for the world. */
export interface Move {
  readonly label: string
  readonly actor: number
  readonly take: () => void
}

const FAULTS: readonly Fault[] = ['rejected', 'lost', 'late', 'stale']

/** One run of a scenario: what may happen next is a choice, and nothing happens by itself. */
export class Run {
  readonly #scenario: Scenario
  readonly #timers: Timers
  readonly #storage: Storage
  readonly #monitor = new Monitor()
  readonly #oracle: Oracle
  readonly #requests: Request[]
  readonly #sessions: Sessions<Data>[]
  readonly #calls: Call[] = []
  readonly #late: Call[] = []
  readonly #bytes = new Bytes()
  #now = START
  #ticked = false
  #mishaps = 0
  #last = -1
  #preempted = 0

  constructor(core: Core, scenario: Scenario, world: World, timers: Timers) {
    this.#scenario = scenario
    this.#timers = timers
    this.#storage = world.storage.clone(this.#monitor)
    const jars = { client: { ...world.client }, thief: { ...world.thief } }
    for (const jar of Object.values(jars)) if (jar.cookie !== null) this.#monitor.secrets.add(readToken(jar.cookie).sid)
    this.#requests = scenario.requests.map((plan, index) => request(index, plan, jars[plan.jar]))
    if (scenario.mishap === 'repeated') {
      for (const plan of scenario.requests) {
        this.#requests.push({ ...request(this.#requests.length, plan, jars[plan.jar]), phase: 'done' })
      }
    }
    const process = (index: number): Sessions<Data> => this.#open(core, index)
    const first = process(0)
    this.#sessions = this.#requests.map((_, index) =>
      scenario.together === true || index === 0 ? first : process(index),
    )
    this.#oracle = new Oracle(this.#monitor, this.#storage, scenario, jars)
  }

  get violations(): readonly Violation[] {
    return this.#monitor.violations
  }

  /** Everything that may happen now, in a fixed order. None: the run is over. */
  moves(): Move[] {
    const moves: Move[] = []
    for (const [index, each] of this.#requests.entries()) this.#movesOf(each, index, moves)
    for (const call of this.#calls) this.#movesOfCall(call, moves)
    for (const call of this.#late)
      moves.push(this.#move(call.request, `late ${call.name}`, () => this.#applyLate(call)))
    if (moves.length === 0) return moves
    if (this.#scenario.tick !== null && !this.#ticked) moves.push(this.#move(-1, 'tick', () => this.#tick()))
    if (this.#scenario.mishap === 'failover' && this.#mishaps === 0) {
      for (const count of [1, 2]) moves.push(this.#move(-1, `failover ${count}`, () => this.#failOver(count)))
    }
    return this.#withinBound(moves)
  }

  /** All that decides what can still happen and how it is judged. */
  key(): string {
    const requests = this.#requests.map(({ phase, heard, outcome }) => [phase, heard, outcome])
    const calls = [...this.#calls, ...this.#late].map(({ request: of, name }) => `${of}${name}`)
    const records = [...this.#storage.versions]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, versions]) => versions.slice(-3))
    const counters = [this.#now, this.#ticked, this.#mishaps, this.#late.length, this.#last, this.#preempted]
    const bounded = this.#scenario.preemptions === undefined ? counters.slice(0, 4) : counters
    return JSON.stringify([requests, calls.sort(), records, bounded, this.#oracle.key()])
  }

  take(move: Move): void {
    const interrupts = this.#last !== -1 && move.actor !== this.#last && this.#canGoOn(this.#last)
    if (interrupts && move.actor !== -1) this.#preempted += 1
    if (move.actor !== -1) this.#last = move.actor
    this.#timers.current = move.actor
    move.take()
  }

  /** Judges the end of the run: nobody is under way any more. */
  async finish(core: Core): Promise<void> {
    this.#oracle.judge(this.#outcomes())
    const probe = this.#open(core, this.#requests.length, (call) => call.resolve(call.apply()))
    await this.#oracle.probe(probe, this.#outcomes(), (at) => {
      if (at > this.#now) this.#now = at
      return this.#now
    })
  }

  #outcomes(): Outcome[] {
    return this.#requests
      .filter(({ phase, outcome }) => phase !== 'done' || outcome.answered)
      .map(({ outcome }) => outcome)
  }

  #open(core: Core, index: number, enqueue?: (call: Call) => void): Sessions<Data> {
    const sessions = core.createSessions<Data>({
      ...options,
      store: connect(this.#storage, index, enqueue ?? ((call) => void this.#calls.push(call))),
      clock: { now: () => this.#now },
      random: { bytes: (size) => this.#bytes.of(this.#timers.current, size) },
    })
    return sessions
  }

  #move(actor: number, label: string, take: () => void): Move {
    return { actor, label: actor === -1 ? label : `${actor} ${label}`, take }
  }

  #movesOf(each: Request, index: number, moves: Move[]): void {
    if (each.phase === 'waiting') moves.push(this.#move(index, 'is sent', () => this.#send(each, index)))
    if (each.phase === 'sent') moves.push(this.#move(index, 'arrives', () => void this.#serve(each, index)))
    if (each.phase === 'paused') moves.push(this.#move(index, 'goes on', () => this.#goOn(each)))
    if (each.phase === 'answered') {
      moves.push(this.#move(index, 'is answered', () => this.#deliver(each, true)))
      if (this.#mishaps > 0) return
      if (this.#scenario.mishap === 'response-lost') {
        moves.push(this.#move(index, 'loses the answer', () => this.#mishap(() => this.#deliver(each, false))))
      }
      if (this.#scenario.mishap === 'repeated') {
        moves.push(this.#move(index, 'is sent again', () => this.#mishap(() => this.#repeat(each, index))))
      }
    }
    for (const timer of each.phase === 'running' ? this.#timers.due(index, 40) : []) {
      moves.push(this.#move(index, 'waited', () => this.#timers.fire(timer)))
      break
    }
  }

  #movesOfCall(call: Call, moves: Move[]): void {
    moves.push(this.#move(call.request, call.name, () => this.#answer(call, 'ok')))
    const { mishap } = this.#scenario
    if (this.#mishaps > 0 || mishap === null || !FAULTS.includes(mishap as Fault)) return
    if (mishap === 'stale' && call.stale === null) return
    if ((mishap === 'lost' || mishap === 'late') && !call.writes) return
    // The list was just checked: it is one of the faults.
    moves.push(
      this.#move(call.request, `${call.name} ${mishap}`, () => this.#mishap(() => this.#answer(call, mishap as Fault))),
    )
  }

  #withinBound(moves: Move[]): Move[] {
    const { preemptions } = this.#scenario
    if (preemptions === undefined || this.#preempted < preemptions || !this.#canGoOn(this.#last)) return moves
    const own = moves.filter(({ actor }) => actor === this.#last)
    return own.length > 0 ? own : moves
  }

  #canGoOn(index: number): boolean {
    const each = this.#requests[index]
    if (each === undefined) return false
    return each.phase === 'paused' || this.#calls.some(({ request: of }) => of === index)
  }

  #mishap(happens: () => void): void {
    this.#mishaps += 1
    happens()
  }

  #tick(): void {
    this.#ticked = true
    const jumped = (this.#scenario.tick ?? 0) - this.#now >= times.overlap
    for (const { phase, onItsWay, outcome } of this.#requests) {
      if (jumped && onItsWay && phase !== 'waiting') outcome.dawdled = true
    }
    this.#now = Math.max(this.#now, this.#scenario.tick ?? 0)
  }

  #failOver(count: number): void {
    this.#mishaps += 1
    this.#monitor.failover = true
    this.#storage.rollBack(count)
  }

  #answer(call: Call, fault: Fault): void {
    this.#calls.splice(this.#calls.indexOf(call), 1)
    const heard = this.#requests[call.request]?.heard
    if (fault === 'late') {
      this.#late.push(call)
      heard?.push('time-out')
      for (const timer of this.#timers.due(call.request, 2000)) this.#timers.fire(timer)
      return
    }
    const value = fault === 'rejected' ? null : fault === 'stale' ? call.stale?.() : call.apply()
    heard?.push(
      `${call.name} ${fault} ${fault === 'ok' || fault === 'stale' ? JSON.stringify(value) : ''} ${this.#now}`,
    )
    if (fault === 'rejected' || fault === 'lost') call.reject(new Error(`the store failed: ${fault}`))
    else call.resolve(value)
    if (call.name === 'get' && fault === 'ok' && this.#scenario.together !== true)
      this.#monitor.onLoad(call.request, value as never)
  }

  #applyLate(call: Call): void {
    this.#late.splice(this.#late.indexOf(call), 1)
    call.apply()
  }

  /** The way to the server takes time only where the clock may jump meanwhile. */
  #send(each: Request, index: number): void {
    each.phase = 'sent'
    each.outcome.sent = each.jar.cookie
    each.heard.push(`sends ${each.jar.cookie}`)
    if (this.#scenario.tick === null) void this.#serve(each, index)
  }

  async #serve(each: Request, index: number): Promise<void> {
    each.phase = 'running'
    each.heard.push(`arrives ${this.#now}`)
    this.#oracle.arrives(each.outcome, this.#now)
    const sessions = this.#sessions[index] as Sessions<Data> // one for each request
    try {
      const session = await sessions.open({ cookie: cookieHeader(each.outcome.sent) })
      each.onItsWay = false
      this.#oracle.opened(each.outcome, session)
      if (each.plan.slow === true) await this.#pause(each)
      act(session, each.plan, index)
      each.outcome.intended = true
      await session.commit()
      this.#oracle.acknowledged(each.outcome, session)
      this.#answerWith(each, session.toHeaders())
    } catch (error) {
      this.#oracle.failed(each.outcome, error)
      this.#answerWith(each, [])
    }
  }

  #pause(each: Request): Promise<void> {
    each.phase = 'paused'
    return new Promise((resolve) => {
      each.resume = resolve
    })
  }

  #goOn(each: Request): void {
    each.phase = 'running'
    each.heard.push(`goes on ${this.#now}`)
    each.resume?.()
  }

  #answerWith(each: Request, headers: readonly (readonly [string, string])[]): void {
    each.phase = 'answered'
    each.onItsWay = true
    each.outcome.answered = true
    const lines = headers.filter(([name]) => name === 'Set-Cookie').map(([, line]) => line)
    if (lines.length > 1) this.#monitor.report('two-cookies', 'one response set two')
    each.outcome.setCookie = lines[0] ?? null
    if (lines[0] === undefined) {
      // Nothing hangs on when it arrives, unless it can be sent again.
      if (this.#scenario.mishap !== 'repeated') this.#deliver(each, true)
      return
    }
    const token = readSetCookie(lines[0])
    if (token !== 'cleared') this.#monitor.secrets.add(token.sid)
    this.#oracle.sends(each.outcome, token)
  }

  #deliver(each: Request, arrives: boolean): void {
    each.phase = 'done'
    each.outcome.delivered = arrives
    if (!arrives || each.outcome.setCookie === null) return
    store(each.jar, each.outcome.setCookie)
    if (each.plan.jar === 'client') this.#oracle.delivered(each.outcome)
  }

  /** The browser never saw the answer and sends the request again, with the cookie it has. */
  #repeat(each: Request, index: number): void {
    this.#deliver(each, false)
    const again = this.#requests[this.#scenario.requests.length + index]
    if (again !== undefined) again.phase = 'waiting'
  }
}
