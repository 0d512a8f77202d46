import { Numbers } from './numbers.ts'
import { nowhere, Process, type Progress, type Told } from './process.ts'
import type { Plan } from './scenario.ts'
import type { Call } from './storage.ts'
import type { Core } from './world.ts'

/**
 * What a process has come to after all that it was told: the manager's code as a pure function of its history. Histories
 * that leave a process in the same place are one behaviour.
 */
export interface Behaviour {
  readonly id: number
  /** Store calls that wait for an answer. */
  readonly calls: readonly Call[]
  /** How far each of its requests has come. */
  readonly progress: ReadonlyMap<number, Progress>
}

interface Known extends Behaviour {
  readonly plans: ReadonlyMap<number, Plan>
  /** One of the histories that lead here. */
  readonly history: readonly Told[]
  /** What each request was told, in order, as numbers. */
  readonly heard: ReadonlyMap<number, readonly number[]>
  /** Requests, the one that was told something last at the end. */
  readonly order: readonly number[]
  readonly next: Map<number, Known>
}

/** More behaviours and numbers than these are forgotten between two scenarios. */
const MOST = 500_000

/**
 * Remembers what processes do, so that the manager runs once for each history and not once for each order of everything
 * else. What it has not met yet it finds out: a new process is told the whole history again.
 */
export class Behaviours {
  /** Numbers of everything that states are made of. */
  numbers = new Numbers()
  readonly #core: Core
  readonly #known = new Map<string, Known>()

  constructor(core: Core) {
    this.#core = core
  }

  /** Forgets what it knows when that has become a lot. Behaviours that are held no longer count. */
  tidy(): void {
    if (this.#known.size + this.numbers.size < MOST) return
    this.#known.clear()
    this.numbers = new Numbers()
  }

  /** A process that has been told nothing. */
  first(plans: ReadonlyMap<number, Plan>): Behaviour {
    const progress = new Map([...plans.keys()].map((request) => [request, nowhere]))
    const heard = new Map([...plans.keys()].map((request) => [request, []]))
    return this.#intern({ calls: [], progress, plans, history: [], heard, order: [] })
  }

  /** What becomes of a process that is told one thing more: known at once, or after it has been tried. */
  after(behaviour: Behaviour, told: Told): Behaviour | Promise<Behaviour> {
    const known = behaviour as Known // there are no others
    const next = known.next.get(this.#numberOf(told))
    return next ?? this.#tried(known, told)
  }

  async #tried(known: Known, told: Told): Promise<Behaviour> {
    const { plans } = known
    const process = new Process(this.#core, plans)
    for (const each of known.history) await process.hear(each)
    if (placeOf({ calls: process.calls, progress: progressOf(process, plans) }) !== placeOf(known)) {
      throw new Error(
        'the same history led to another place: something else than what it was told decides what a process does',
      )
    }
    await process.hear(told)
    const history = [...known.history, told]
    const progress = progressOf(process, plans)
    const heard = new Map(known.heard).set(told.request, [
      ...(known.heard.get(told.request) ?? []),
      this.#numberOf(told),
    ])
    const order = [...known.order.filter((request) => request !== told.request), told.request]
    const next = this.#intern({ calls: process.calls, progress, plans, history, heard, order })
    known.next.set(this.#numberOf(told), next)
    return next
  }

  #intern(found: Omit<Known, 'id' | 'next'>): Known {
    const { calls, progress, plans, heard, order } = found
    const unfinished = order.filter((request) => progress.get(request)?.headers === null)
    const key = JSON.stringify([[...plans], [...heard], [...progress], calls, unfinished])
    const known = this.#known.get(key) ?? { ...found, id: this.#known.size, next: new Map() }
    this.#known.set(key, known)
    return known
  }

  #numberOf(told: Told): number {
    if (told.kind !== 'answer') return this.numbers.of(JSON.stringify(told))
    return this.numbers.of(`${told.request} ${told.nth} ${told.now} ${this.numbers.of(told.value)}`)
  }
}

function placeOf({ calls, progress }: Pick<Behaviour, 'calls' | 'progress'>): string {
  return JSON.stringify([calls, [...progress]])
}

function progressOf(process: Process, plans: Known['plans']): Behaviour['progress'] {
  return new Map([...plans.keys()].map((request) => [request, process.progressOf(request)]))
}
