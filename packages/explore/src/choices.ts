import { nowhere, type Progress } from './process.ts'
import { nameOfPlan, type Scenario } from './scenario.ts'
import type { State } from './state.ts'
import type { Call, Fault } from './storage.ts'

const FAULTS: readonly Fault[] = ['rejected', 'lost', 'late', 'stale']

/** How far a request has come. */
export function progressOf({ requests, processes }: State, index: number): Progress {
  const process = requests[index]?.process ?? -1
  return processes[process]?.progress.get(index) ?? nowhere
}

/** Whether a request could take a step now, and would not have to wait. */
export function canGoOn(state: State, index: number): boolean {
  const process = state.requests[index]?.process ?? -1
  const calls = state.processes[process]?.calls ?? []
  return progressOf(state, index).paused || calls.some(({ request }) => request === index)
}

/** Whether one that is the same in all but its number has yet to be sent: which of them goes first makes no difference. */
export function hasTwin({ requests }: State, scenario: Scenario, index: number): boolean {
  const plan = scenario.requests[index]
  if (plan === undefined) return false
  return requests.some(
    (each, number) => number < index && each.phase === 'waiting' && nameOfPlan(each.plan) === nameOfPlan(plan),
  )
}

/** What may go wrong with a store call now. Only a read may be stale, and only a write is lost or late. */
export function faultOf(call: Call, { mishaps, storage }: State, { mishap }: Scenario): Fault | null {
  const fault = FAULTS.find((each) => each === mishap)
  if (mishaps > 0 || fault === undefined) return null
  if (fault === 'stale' && (call.name !== 'get' || storage.before(call.id) === null)) return null
  if ((fault === 'lost' || fault === 'late') && call.name === 'get') return null
  return fault
}
