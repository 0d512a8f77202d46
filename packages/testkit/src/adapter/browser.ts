import type { Session } from '@sess/core'
import { equal, ok } from '../case.ts'
import type { Handler } from './app.ts'
import { type Answer, Exchange, type Sending } from './client.ts'
import { CookieJar, parseSetCookie } from './cookie-jar.ts'

/** Where a browser's requests come from and go to. */
export interface Origin {
  readonly url: string
  /** Over https, as a trusted proxy in front tells it. */
  readonly secure: boolean
  /** Sent with every request. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Default: a jar of its own. */
  readonly jar?: CookieJar
}

/** How a browser sends one request. */
export interface Visit extends Sending {
  /** The response is lost, or has not arrived yet: its cookies are not taken over. */
  readonly lose?: boolean
  /** The Cookie header in place of the jar's; `null` for none. */
  readonly cookie?: string | null
  /** Put in front of the path. */
  readonly under?: string
  /** Does not tell where the request comes from, as browsers do with what is not a GET. */
  readonly silent?: boolean
}

/** What a request saw of its session. */
export interface Seen {
  readonly state: Session['state']
  readonly subject: string | null
  readonly refused: Session['refused']
  readonly previous: string | null
  readonly data: Record<string, unknown>
  readonly generation: number | null
  readonly handle: string | null
  readonly absoluteAt: number | null
  readonly lastSeenAt: number | null
  /** Set-Cookie lines of the response. */
  readonly cookies: readonly string[]
}

/** Headers that tell where a request comes from. */
const PROVENANCE: readonly string[] = ['sec-fetch-site', 'origin', 'referer']
const SECURE_NAME = '__Host-Http-sid'
const BEHIND_PROXY = [
  ['Host', 'app.example'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-For', '203.0.113.7'],
] as const

/** A client with a cookie jar. Each request brings the handler that the server runs for it. */
export class Browser {
  readonly jar: CookieJar
  readonly origin: Origin
  readonly #register: (handler: Handler) => string

  constructor(origin: Origin, register: (handler: Handler) => string) {
    this.origin = origin
    this.jar = origin.jar ?? new CookieJar(origin.secure)
    this.#register = register
  }

  /** Name of the session cookie. */
  get cookieName(): string {
    return this.origin.secure ? SECURE_NAME : 'sid'
  }

  /** The session token this browser holds. */
  get token(): string | undefined {
    return this.jar.get(this.cookieName)
  }

  set token(token: string | undefined) {
    this.jar.set(this.cookieName, token)
  }

  /** Another client with a copy of the session cookie: a further tab, a thief, or what this one was a moment ago. */
  copy(token: string | undefined = this.token): Browser {
    const copy = new Browser({ ...this.origin, jar: new CookieJar(this.origin.secure) }, this.#register)
    copy.token = token
    return copy
  }

  /** Sends a request that runs `handler`, and takes its cookies over when the answer is there. */
  async visit(handler: Handler, visit: Visit = {}): Promise<Answer> {
    const answer = await this.start(handler, visit).answer
    if (visit.lose !== true) this.jar.receive(answer)
    return answer
  }

  /** Sends a request and does not wait. Its cookies are taken over with `jar.receive(answer)`. */
  start(handler: Handler, visit: Visit = {}): Exchange {
    return this.send(`${visit.under ?? ''}${this.#register(handler)}`, visit)
  }

  /** Sends a request for a path of its own. */
  send(path: string, visit: Visit = {}): Exchange {
    const { cookie = this.jar.toString(), headers = [], silent = false, ...sending } = visit
    const own = this.origin.secure ? [...BEHIND_PROXY, ...this.origin.headers] : this.origin.headers
    const named = new Set(headers.map(([name]) => name.toLowerCase()))
    const lines = [...own.filter(([name]) => !named.has(name.toLowerCase())), ...headers]
    if (cookie !== null && cookie !== '') lines.push(['Cookie', cookie])
    const tells = lines.some(([name]) => PROVENANCE.includes(name.toLowerCase()))
    const safe = ['GET', 'HEAD', 'OPTIONS'].includes(sending.method ?? 'GET')
    if (!safe && !tells && !silent) lines.push(['Sec-Fetch-Site', 'same-origin'])
    return new Exchange(this.origin.url, path, { ...sending, headers: lines })
  }

  /** A request that only looks; what it saw. */
  async look(visit: Visit = {}): Promise<Seen> {
    let seen: Omit<Seen, 'cookies'> | undefined
    const answer = await this.visit((session) => {
      seen = see(session)
    }, visit)
    equal(answer.status, 200, 'status of a request that only looks')
    ok(seen, 'what the request saw')
    return { ...seen, cookies: answer.cookies }
  }

  /** A request that leaves the session alone. */
  async idle(visit: Visit = {}): Promise<Answer> {
    return this.visit(() => undefined, visit)
  }

  /** The session cookie a response sets, or undefined. */
  tokenIn(answer: { readonly cookies: readonly string[] }): string | undefined {
    const ours = answer.cookies.map(parseSetCookie).filter(({ name }) => name === this.cookieName)
    ok(ours.length <= 1, 'at most one Set-Cookie for our name')
    return ours[0]?.value
  }
}

function see(session: Session): Omit<Seen, 'cookies'> {
  return {
    state: session.state,
    subject: session.subject,
    refused: session.refused,
    previous: session.previous?.reason ?? null,
    data: { ...session.data },
    generation: session.generation,
    handle: session.handle,
    absoluteAt: session.absoluteAt,
    lastSeenAt: session.lastSeenAt,
  }
}
