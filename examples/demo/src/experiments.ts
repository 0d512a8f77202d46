import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Action, Demo, DemoRequest, DemoServer, FrameworkName } from './actions.ts'
import { json, type Reply, seeOther, wantsJson } from './reply.ts'
import { Visitor } from './visitor.ts'

export interface Notice {
  readonly kind: 'notice'
  readonly text: string
}

/** What became of 20 requests that changed one session at once. */
export interface ParallelWrites {
  readonly kind: 'parallel-writes'
  readonly writes: readonly { readonly by: FrameworkName; readonly arrived: boolean }[]
  readonly counterBefore: number
  readonly counterAfter: number
  readonly tookMs: number
}

/** What became of a request that was still running when its session was signed out. Instants count from its start. */
export interface SignOutRace {
  readonly kind: 'sign-out-race'
  readonly slow: FrameworkName
  readonly quick: FrameworkName
  readonly signedOutMs: number
  readonly answeredMs: number
  /** What the slow request was answered with. */
  readonly status: number
  readonly code: string | null
  /** What each server makes of the old cookie now. */
  readonly replays: readonly { readonly by: FrameworkName; readonly state: string }[]
}

export type Outcome = Notice | ParallelWrites | SignOutRace

const OUTCOMES_KEPT = 100
const WRITES = 20
/** How long each of the 20 has its session open before it saves: long enough for all of them to overlap. */
const THINKING_MS = 150
const SLOW_MS = 1_200
const SLOW_MAX_MS = 5_000

/** Results wait here for the page that the browser is sent to; a sign-out leaves no session that could keep them. */
export class Outcomes {
  readonly #kept = new Map<string, Outcome>()

  /** Keeps an outcome; returns the address of the page that shows it. */
  keep(outcome: Outcome): string {
    const id = randomUUID()
    this.#kept.set(id, outcome)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > OUTCOMES_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    return `/?outcome=${id}`
  }

  get(id: string | null): Outcome | null {
    return this.#kept.get(id ?? '') ?? null
  }
}

/** Slow requests say here when they have begun, by their ticket. */
export class SlowRequests {
  readonly #begun = new EventEmitter()

  begun(ticket: string): Promise<unknown> {
    return once(this.#begun, `ticket ${ticket}`, { signal: AbortSignal.timeout(SLOW_MAX_MS) })
  }

  begin(ticket: string): void {
    this.#begun.emit(`ticket ${ticket}`)
  }
}

/** Sends 20 writes at once in the visitor's name, spread over all five servers, and counts what is there afterwards. */
export const parallelWrites: Action = async (demo, request) => {
  const { session } = request
  if (session.state !== 'authenticated') return seeOther(demo.outcomes.keep(SIGN_IN_FIRST))
  const visitor = new Visitor(request)
  const run = randomUUID()
  const started = performance.now()
  const servers = Array.from({ length: WRITES }, (_, index) => nth(demo, index))
  await Promise.all(servers.map((server, index) => visitor.post(server, '/write', { index: String(index), run })))
  const tookMs = Math.round(performance.now() - started)
  const { data } = await visitor.session(nth(demo, 0))
  return tell(demo, request, {
    kind: 'parallel-writes',
    writes: servers.map(({ name: by }, index) => ({ by, arrived: data[`write-${index}`]?.run === run })),
    counterBefore: session.data.counter ?? 0,
    counterAfter: data.counter ?? 0,
    tookMs,
  })
}

/** One of the 20: a key of its own, and a counter that all of them change. */
export const write: Action = async (_, { framework, session, form }) => {
  if (session.state !== 'authenticated') return json({ code: 'SIGN_IN_FIRST' }, 401)
  const index = Number(form.get('index'))
  if (!Number.isInteger(index) || index < 0 || index >= WRITES) return json({ code: 'BAD_INDEX' }, 400)
  await sleep(THINKING_MS)
  session.data[`write-${index}`] = { run: (form.get('run') ?? '').slice(0, 36), by: framework }
  session.update('counter', (counter) => (counter ?? 0) + 1)
  await session.commit()
  return json({ written: index })
}

/** Starts a slow write on another server, signs out while it runs, and tries the old cookie everywhere. */
export const signOutRace: Action = async (demo, request) => {
  const { framework, session, form } = request
  if (session.state !== 'authenticated') return seeOther(demo.outcomes.keep(SIGN_IN_FIRST))
  const visitor = new Visitor(request)
  const other = nth(demo, demo.servers.findIndex(({ name }) => name === framework) + 1)
  const ticket = randomUUID()
  const begun = demo.slowRequests.begun(ticket)
  const answer = visitor.post(other, '/slow-write', { ticket, ms: form.get('ms') ?? String(SLOW_MS) })
  await Promise.race([begun, answer])
  const started = performance.now()
  session.signOut()
  await session.commit()
  const signedOutMs = performance.now() - started
  const { status, body } = await answer
  const answeredMs = performance.now() - started
  const states = await Promise.all(demo.servers.map((server) => visitor.session(server)))
  return tell(demo, request, {
    kind: 'sign-out-race',
    slow: other.name,
    quick: framework,
    signedOutMs: Math.round(signedOutMs),
    answeredMs: Math.round(answeredMs),
    status,
    code: body.code ?? null,
    replays: demo.servers.map(({ name: by }, index) => ({ by, state: states[index]?.state ?? 'unknown' })),
  })
}

/** Takes its time, then writes. By then the session may be gone: the commit throws, and nothing comes back to life. */
export const slowWrite: Action = async ({ slowRequests }, { session, form }) => {
  if (session.state !== 'authenticated') return json({ code: 'SIGN_IN_FIRST' }, 401)
  slowRequests.begin(form.get('ticket') ?? '')
  await sleep(Math.min(Number(form.get('ms')) || SLOW_MS, SLOW_MAX_MS))
  session.data.note = 'Written by the slow request'
  await session.commit()
  return json({ written: true })
}

/** For what takes a session. */
export const SIGN_IN_FIRST: Notice = { kind: 'notice', text: 'Sign in first: this takes a session.' }

function tell(demo: Demo, request: DemoRequest, outcome: Outcome): Reply {
  return wantsJson(request.headers) ? json(outcome) : seeOther(`${demo.outcomes.keep(outcome)}#pressure`)
}

/** The servers, round and round. */
function nth({ servers }: Demo, index: number): DemoServer {
  const server = servers[index % servers.length]
  if (server === undefined) throw new Error('The demo has no servers.')
  return server
}
