import {
  defaultPolicy,
  issue,
  type Policy,
  type SessionEvent,
  type SessionRecord,
  stamp,
  type Transition,
  transition,
} from '@sess/core/kernel'
import fc from 'fast-check'
import { History } from './history.ts'

/** How a session begins. Small numbers, so that deadlines, overlaps and events meet. */
interface Beginning {
  readonly policy: Policy
  readonly subject: string | null
}

/** One thing that happens: time passes, and a request arrives that was underway for `lag`. */
interface Step {
  readonly wait: number
  readonly lag: number
  readonly event: Event
}

type Event =
  | { readonly type: 'present'; readonly back: number }
  | { readonly type: 'rotate'; readonly kind: 'soft' | 'hard' }
  | { readonly type: 'invalidate'; readonly reason: 'signed-out' | 'replaced' }
  | { readonly type: 'touch' | 'write' | 'reauthenticate' | 'lock' | 'issue' }

const START = 1000

const beginnings: fc.Arbitrary<Beginning> = fc.record({
  policy: fc
    .record({
      idleMs: fc.option(fc.integer({ min: 5, max: 60 }), { nil: null }),
      absoluteMs: fc.integer({ min: 20, max: 300 }),
      rotateEveryMs: fc.option(fc.integer({ min: 0, max: 30 }), { nil: null }),
      overlapMs: fc.integer({ min: 4, max: 20 }),
      touchEveryMs: fc.integer({ min: 0, max: 8 }),
      retainEndedMs: fc.constant(50),
      onIdle: fc.constantFrom('end', 'lock'),
    })
    .map((change): Policy => ({ ...defaultPolicy, ...change, fingerprint: null })),
  subject: fc.constantFrom('ada', 'ada', null),
})

const event = (weight: number, arbitrary: fc.Arbitrary<Event>) => ({ weight, arbitrary })
const events: fc.Arbitrary<Event> = fc.oneof(
  event(8, fc.record({ type: fc.constant('present'), back: fc.constantFrom(0, 0, 0, 1, 1, 2, 3, -1, -2, -8, -9) })),
  event(5, fc.record({ type: fc.constant('rotate'), kind: fc.constantFrom('soft', 'soft', 'hard') })),
  event(5, fc.record({ type: fc.constantFrom('touch', 'write', 'reauthenticate', 'lock', 'issue') })),
  event(1, fc.record({ type: fc.constant('invalidate'), reason: fc.constantFrom('signed-out', 'replaced') })),
)
const steps: fc.Arbitrary<Step> = fc.record({
  wait: fc.oneof(fc.nat({ max: 8 }), fc.nat({ max: 40 })),
  lag: fc.constantFrom(0, 0, 0, 1, 3),
  event: events,
})

/** The real kernel, with what a manager would do about its effects. */
class Real {
  readonly #policy: Policy
  record: SessionRecord
  now: number

  constructor({ policy, subject }: Beginning, now: number) {
    this.#policy = policy
    this.now = now
    this.record = issue({ id: 'id', random: 'r', subject }, policy, now)
  }

  eventOf({ lag, event }: Step): SessionEvent {
    const arrivedAt = this.now - lag
    const { type } = event
    if (type === 'present') return { type, arrivedAt, generation: Math.max(0, this.record.generation - event.back) }
    if (type === 'rotate') return { type, arrivedAt, kind: event.kind }
    if (type === 'invalidate') return { type, arrivedAt, reason: event.reason }
    if (type === 'write') return { type, arrivedAt, data: '{"n":1}' }
    if (type === 'reauthenticate') return { type, arrivedAt, method: 'totp' }
    return type === 'issue' ? { type, arrivedAt, id: 'id', random: 'r', subject: 'eve' } : { type, arrivedAt }
  }

  tell(event: SessionEvent): string {
    const outcome = transition(this.record, event, this.#policy, this.now)
    const next = outcome.record ?? this.record
    if (outcome.effects.some(({ type }) => type === 'replace')) this.record = stamp(next, `${this.now}`)
    else same(next.generation, this.record.generation, 'what is not to be written has not changed')
    if (outcome.effects.some(({ type }) => type === 'touch')) {
      const touched = transition(
        this.record,
        { type: 'touch', arrivedAt: event.arrivedAt },
        this.#policy,
        event.arrivedAt,
      )
      this.record = touched.record ?? this.record
    }
    return wordOf(outcome)
  }
}

function wordOf(outcome: Transition): string {
  if (outcome.ok) return 'ok'
  const { refusal } = outcome
  return 'reason' in refusal ? `${refusal.why} ${refusal.reason}` : refusal.why
}

function same(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (found !== wanted) throw new Error(`${what}: expected ${wanted}, found ${found}`)
}

/** A step as a command: carried out on both, and compared. */
class Happens implements fc.Command<History, Real> {
  readonly #step: Step

  constructor(step: Step) {
    this.#step = step
  }

  check(): boolean {
    return true
  }

  run(history: History, real: Real): void {
    real.now += this.#step.wait
    const event = real.eventOf(this.#step)
    const before = { ...real.record }
    const expected = history.tell(event, real.now)
    same(real.tell(event), expected, event.type)
    const { state, generation, lastSeenAt, absoluteAt, endedReason, confirmedAt } = real.record
    same(state, history.state, 'state')
    same(generation, history.generation, 'generation')
    same(lastSeenAt, history.lastSeenAt, 'lastSeenAt')
    same([absoluteAt, endedReason], [history.deadline, history.over?.reason ?? null], 'deadline and end')
    same(confirmedAt, history.tokens.at(-1)?.seenAt ?? null, 'confirmedAt')
    if (before.state === 'ended') same(real.record, before, 'what has ended stays as it is')
  }

  toString(): string {
    return JSON.stringify(this.#step)
  }
}

/** What becomes of a session, step by step, in words and numbers that do not depend on when it all began. */
function play(beginning: Beginning, list: readonly Step[], start: number): string[] {
  const real = new Real(beginning, start)
  return list.map((step) => {
    real.now += step.wait
    const word = real.tell(real.eventOf(step))
    const { state, generation, confirmedAt, lastSeenAt, absoluteAt, expiresAt, endedAt } = real.record
    const instants = [confirmedAt, lastSeenAt, absoluteAt, expiresAt, endedAt].map((at) => at && at - start)
    return [word, state, generation, ...instants].join(' ')
  })
}

/** Properties of whole lives of sessions, by title; each throws with a shrunk counterexample. They run in any runtime. */
export const properties: Readonly<Record<string, (numRuns: number) => void>> = {
  'the kernel answers as the history of the session has it'(numRuns) {
    const commands = fc.commands([steps.map((step) => new Happens(step))], { maxCommands: 40, size: '+1' })
    fc.assert(
      fc.property(beginnings, commands, (beginning, list) => {
        const { policy, subject } = beginning
        fc.modelRun(() => ({ model: new History(policy, subject, START), real: new Real(beginning, START) }), list)
      }),
      { numRuns },
    )
  },

  'a life is the same whenever it begins'(numRuns) {
    const lives = fc.array(steps, { maxLength: 30, size: '+1' })
    fc.assert(
      fc.property(beginnings, lives, fc.integer({ min: -900, max: 2 ** 45 }), (beginning, list, by) => {
        same(play(beginning, list, START + by), play(beginning, list, START), 'moved in time')
      }),
      { numRuns },
    )
  },

  'an honest client that waits for answers is never locked out by soft rotation'(numRuns) {
    const waits = fc.array(fc.nat({ max: 25 }), { maxLength: 40, size: '+1' })
    fc.assert(
      fc.property(beginnings, waits, (beginning, list) => {
        const policy = { ...beginning.policy, idleMs: null, absoluteMs: 1e9 }
        const real = new Real({ policy, subject: 'ada' }, START)
        let cookie = 0
        for (const wait of list) {
          real.now += wait
          same(real.tell({ type: 'present', arrivedAt: real.now, generation: cookie }), 'ok', `after ${wait}`)
          real.tell({ type: 'rotate', arrivedAt: real.now, kind: 'soft' })
          // Every other answer is lost.
          if (wait % 2 === 0) cookie = real.record.generation
        }
      }),
      { numRuns },
    )
  },
}
