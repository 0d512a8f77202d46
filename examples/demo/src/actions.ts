import { type Clock, SessError, type Session, type Sessions } from '@sess/core'
import type { EventLog } from './events.ts'
import { type Outcomes, parallelWrites, type SlowRequests, signOutRace, slowWrite, write } from './experiments.ts'
import { errorPage, page } from './page.ts'
import { json, type Reply, seeOther, wantsJson } from './reply.ts'
import type { DemoData } from './sessions.ts'

/** What the five servers share. */
export interface Demo {
  readonly clock: Clock
  /** One proxy stands in front, and terminates https. */
  readonly trustProxy: boolean
  readonly sessions: Sessions<DemoData>
  /** What the store is, and what a restart does to its sessions. */
  readonly summary: string
  readonly events: EventLog
  readonly outcomes: Outcomes
  readonly slowRequests: SlowRequests
  readonly servers: readonly DemoServer[]
}

export type FrameworkName = 'Express' | 'Fastify' | 'Koa' | 'Hono' | 'node:http'

export interface DemoServer {
  readonly name: FrameworkName
  /** Like `http://127.0.0.1:3000`. */
  readonly origin: string
}

/** A request, as each of the frameworks can tell it. */
export interface DemoRequest {
  readonly framework: FrameworkName
  readonly method: string
  /** Path and query, or the whole address. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The fields of a posted form. */
  readonly form: URLSearchParams
  readonly session: Session<DemoData>
}

export type Action = (demo: Demo, request: DemoRequest, query: URLSearchParams) => Reply | Promise<Reply>

/** Answers one request: all that the demo does, without a word about frameworks. */
export async function answer(demo: Demo, request: DemoRequest): Promise<Reply> {
  const url = URL.canParse(request.url, 'http://demo') ? new URL(request.url, 'http://demo') : null
  const action = ACTIONS[`${request.method} ${url?.pathname}`]
  if (url === null || action === undefined) return errorPage(404, 'There is no such page.')
  try {
    return await action(demo, request, url.searchParams)
  } catch (error) {
    if (!(error instanceof SessError) || !error.expose) throw error
    if (wantsJson(request.headers)) return json({ code: error.code, message: error.message }, error.status)
    return errorPage(error.status, error.message, error.code)
  }
}

const ACTIONS: Readonly<Record<string, Action>> = {
  'GET /': show,
  'HEAD /': show,
  'GET /events': events,
  'GET /session': describe,
  'POST /sign-in': signIn,
  'POST /sign-out': signOut,
  'POST /step-up': stepUp,
  'POST /rotate': rotate,
  'POST /lock': lock,
  'POST /note': saveNote,
  'POST /count': count,
  'POST /parallel-writes': parallelWrites,
  'POST /write': write,
  'POST /sign-out-race': signOutRace,
  'POST /slow-write': slowWrite,
}

function show(demo: Demo, request: DemoRequest, query: URLSearchParams): Reply {
  return page(demo, request, demo.outcomes.get(query.get('outcome')))
}

function events(demo: Demo, { headers, session }: DemoRequest, query: URLSearchParams): Reply {
  const after = Number(headers['last-event-id'] ?? query.get('after'))
  return {
    status: 200,
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' },
    body: demo.events.stream(Number.isSafeInteger(after) ? after : 0, session),
  }
}

function describe(_: Demo, { framework, session }: DemoRequest): Reply {
  const { state, subject, handle, generation, idleAt, absoluteAt, data } = session
  return json({ framework, state, subject, handle, generation, idleAt, absoluteAt, data })
}

function signIn(demo: Demo, { session, form }: DemoRequest): Reply {
  const subject = (form.get('subject') ?? '').trim().slice(0, 40)
  if (subject === '')
    return seeOther(demo.outcomes.keep({ kind: 'notice', text: 'Any name will do, but it needs one.' }))
  session.signIn(subject, { methods: ['name'], level: 1 })
  return seeOther('/')
}

function signOut(_: Demo, { session }: DemoRequest): Reply {
  session.signOut()
  return seeOther('/')
}

/** A real application would ask for the password or a passkey here. */
function stepUp(_: Demo, { session }: DemoRequest): Reply {
  session.reauthenticate({ method: 'click', level: 2 })
  return seeOther('/')
}

function rotate(_: Demo, { session }: DemoRequest): Reply {
  session.rotate({ hard: true })
  return seeOther('/')
}

function lock(_: Demo, { session }: DemoRequest): Reply {
  session.lock()
  return seeOther('/')
}

function saveNote(_: Demo, { session, form }: DemoRequest): Reply {
  session.data.note = (form.get('note') ?? '').slice(0, 200)
  return seeOther('/')
}

function count(_: Demo, { session }: DemoRequest): Reply {
  session.update('counter', (counter) => (counter ?? 0) + 1)
  return seeOther('/')
}
