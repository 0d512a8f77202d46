import type { Behaviour, Behaviours } from './behaviour.ts'
import { type Jar, readToken } from './client.ts'
import { Monitor } from './monitor.ts'
import type { Numbers } from './numbers.ts'
import { nothingYet, type Outcome } from './oracle.ts'
import { type Plan, type Scenario, START } from './scenario.ts'
import { type Call, Storage } from './storage.ts'
import type { World } from './world.ts'

/** One request of a run, and how far it has come on its way. */
export interface Request {
  readonly plan: Plan
  /** Which process it is sent to. */
  readonly process: number
  phase: 'waiting' | 'sent' | 'inside' | 'answered' | 'done'
  /** It has not reached the store yet, or its answer not the browser. */
  onItsWay: boolean
  readonly outcome: Outcome
}

/** Everything there is at one moment of a run. */
export interface State {
  readonly storage: Storage
  readonly monitor: Monitor
  readonly jars: { readonly client: Jar; readonly thief: Jar }
  readonly requests: Request[]
  /** Which of them no other state has. */
  readonly own: Set<number>
  readonly processes: Behaviour[]
  /** Store calls that nobody waits for any more, and that have yet to be applied. */
  readonly late: Call[]
  /** Sessions that an acknowledged request has ended, and tokens that an acknowledged hard rotation has stopped. */
  over: readonly string[]
  /** The request whose answer changed the client's cookie last. */
  setBy: number | null
  now: number
  ticked: boolean
  mishaps: number
  /** The request that moved last, or -1. */
  last: number
  preempted: number
}

/** How a scenario begins: nobody has sent anything. */
export function beginning(scenario: Scenario, world: World, behaviours: Behaviours): State {
  const requests = requestsOf(scenario)
  const plansOf = (index: number) =>
    new Map(
      [...requests.entries()].flatMap(([number, { plan, process }]) => (process === index ? [[number, plan]] : [])),
    )
  const cookies = [world.client.cookie, world.thief.cookie].filter((cookie) => cookie !== null)
  return {
    storage: new Storage(world.storage.versions),
    monitor: new Monitor(cookies.map((cookie) => readToken(cookie).sid)),
    jars: { client: { ...world.client }, thief: { ...world.thief } },
    requests,
    processes: [...new Set(requests.map(({ process }) => process))].map((index) => behaviours.first(plansOf(index))),
    late: [],
    over: [],
    own: new Set(),
    setBy: null,
    now: START,
    ticked: false,
    mishaps: 0,
    last: -1,
    preempted: 0,
  }
}

/** Those of the scenario, and, where one may be sent twice, each once more. */
function requestsOf({ requests: plans, mishap, together }: Scenario): Request[] {
  const again = mishap === 'repeated' ? plans : []
  return [...plans, ...again].map((plan, index) => ({
    plan,
    process: together === true ? 0 : index,
    phase: index < plans.length ? 'waiting' : 'done',
    onItsWay: true,
    outcome: nothingYet(index, plan),
  }))
}

/** A copy that goes on by itself. */
export function fork(state: State): State {
  const { jars, requests } = state
  return {
    ...state,
    storage: new Storage(state.storage.versions),
    monitor: state.monitor.fork(),
    jars: { client: { ...jars.client }, thief: { ...jars.thief } },
    requests: [...requests],
    processes: [...state.processes],
    late: [...state.late],
    own: new Set(),
  }
}

/** A request of this state alone, which may be changed. */
export function ownRequest({ requests, own }: State, index: number): Request {
  const shared = requests[index] as Request // indices are made of the requests there are
  if (own.has(index)) return shared
  const copy = { ...shared, outcome: { ...shared.outcome } }
  requests[index] = copy
  own.add(index)
  return copy
}

/** All that decides what can still happen and how it is judged, in few characters. */
export function keyOf(state: State, scenario: Scenario, numbers: Numbers): string {
  const { storage, requests, processes, late, monitor, jars } = state
  // A process that is done with its only request does nothing any more.
  const over = new Set(
    requests.filter(({ phase }) => phase === 'answered' || phase === 'done').map(({ process }) => process),
  )
  const isOver = (index: number) => scenario.together !== true && over.has(index)
  const kept = versionsThatMatter(state, scenario)
  const records = [...storage.versions]
    .map(([id, versions]) => `${numbers.of(id)}:${versions.slice(-kept).map((record) => numbers.of(record))}`)
    .sort()
  const bound = scenario.preemptions === undefined ? [] : [state.last, state.preempted]
  return [
    requests.map((each) => numbers.of(each, partOf)),
    processes.map(({ id, calls }, index) => (isOver(index) && calls.length === 0 ? '' : id)),
    late.map((call) => numbers.of(call)),
    records,
    [numbers.of(jars.client.cookie), numbers.of(jars.thief.cookie), ...bound],
    [state.now, state.ticked, state.mishaps, state.setBy, monitor.key(), numbers.of(state.over)],
  ].join(';')
}

/** A failover brings back up to two versions, a stale read one. */
function versionsThatMatter({ mishaps }: State, { mishap }: Scenario): number {
  if (mishaps > 0) return 1
  return mishap === 'failover' ? 3 : mishap === 'stale' ? 2 : 1
}

/** What matters of a request: once it has been answered, neither what it knew when it came, nor how it got there. */
function partOf({ phase, onItsWay, outcome }: Request): unknown {
  if (phase === 'waiting') return phase
  const { sent, arrivedAt, over, setCookie, ...rest } = outcome
  if (phase === 'done') return [phase, rest]
  if (phase === 'answered') return [phase, onItsWay, rest, setCookie]
  return [phase, onItsWay, outcome]
}
