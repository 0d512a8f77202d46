/**
 * Every code an error of this library can carry. The code is stable; the message is for people and may change.
 *
 * | code | status | who must act |
 * |---|---|---|
 * | `ERR_SESS_CONFIG` | 500 | the developer: an option or an argument that cannot work |
 * | `ERR_SESS_NOT_MOUNTED` | 500 | the developer: the middleware does not run before this handler |
 * | `ERR_SESS_USE_DATA` | 500 | the developer: application data belongs into `session.data` |
 * | `ERR_SESS_VALUE` | 500 | the developer: a value that the store cannot give back as it was |
 * | `ERR_SESS_COOKIE_TOO_LARGE` | 500 | the developer: the cookie's name is too long |
 * | `ERR_SESS_HEADERS_SENT` | 500 | the developer: a change that needs a cookie came after the headers left |
 * | `ERR_SESS_INSECURE` | 400 | the operator: plain http, or a proxy that is not trusted |
 * | `ERR_SESS_FRESHNESS` | 401 | the client: a fresh proof of identity is needed; give it and repeat |
 * | `ERR_SESS_CSRF` | 403 | the client: another site may have made the request; load the page again |
 * | `ERR_SESS_INTERRUPTED` | 409 | the client: the session ended or changed hands meanwhile; load again |
 * | `ERR_SESS_LIMIT` | 409 | the user: as many sessions as `limit` allows; one has to be ended first |
 * | `ERR_SESS_STORE_UNAVAILABLE` | 503 | the operator: the store failed or did not answer in time; nothing was saved |
 * | `ERR_SESS_STORE_AMBIGUOUS` | 503 | the operator: the store failed and it is unknown whether the write was applied |
 */
export type SessErrorCode =
  | 'ERR_SESS_CONFIG'
  | 'ERR_SESS_NOT_MOUNTED'
  | 'ERR_SESS_USE_DATA'
  | 'ERR_SESS_VALUE'
  | 'ERR_SESS_COOKIE_TOO_LARGE'
  | 'ERR_SESS_HEADERS_SENT'
  | 'ERR_SESS_INSECURE'
  | 'ERR_SESS_FRESHNESS'
  | 'ERR_SESS_CSRF'
  | 'ERR_SESS_INTERRUPTED'
  | 'ERR_SESS_LIMIT'
  | 'ERR_SESS_STORE_UNAVAILABLE'
  | 'ERR_SESS_STORE_AMBIGUOUS'

/** HTTP statuses that errors of this library fit. */
export type SessErrorStatus = 400 | 401 | 403 | 409 | 500 | 503

/** Base class of all errors thrown here. Narrow on {@link SessError.code}; no token, sid or key is ever part of one. */
export class SessError extends Error {
  /** Stable machine-readable code. */
  readonly code: SessErrorCode
  /** HTTP status that fits. Express, Koa and Fastify (`statusCode`) answer with it by themselves. */
  readonly status: SessErrorStatus

  constructor(code: SessErrorCode, status: SessErrorStatus, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.status = status
  }

  /** Same as {@link SessError.status}: the name that Fastify and http-errors read. */
  get statusCode(): SessErrorStatus {
    return this.status
  }

  /** Whether the message may be shown to the client: true below 500. */
  get expose(): boolean {
    return this.status < 500
  }

  /** The bare answer, for frameworks on web standards: Hono sends it where the application has no `onError`. */
  getResponse(): Response {
    return new Response(this.expose ? this.message : null, { status: this.status })
  }
}

/** An option of `createSessions()`, a store or an adapter (at construction), or an argument, cannot work or cannot be secure. */
export class ConfigError extends SessError {
  constructor(message: string) {
    super('ERR_SESS_CONFIG', 500, message)
  }
}

/** `sessions.of(request)` was called where no session has been opened. */
export class NotMountedError extends SessError {
  constructor() {
    super(
      'ERR_SESS_NOT_MOUNTED',
      500,
      'No session was opened for this request: mount the session middleware before this handler, and pass the object your framework gives it.',
    )
  }
}

/** An assignment or method of another session library was used on the session itself. The message names the right call. */
export class UseDataError extends SessError {
  constructor(message: string) {
    super('ERR_SESS_USE_DATA', 500, message)
  }
}

/** A value could not be read back as it was written. {@link ValueError.path} says where in `session.data` (or a message) it lies. */
export class ValueError extends SessError {
  /** Like `cart.items[3].addedAt`. */
  readonly path: string
  /** What is wrong there. */
  readonly problem: string

  /** `place` is what the path leads through, default `session.data`. */
  constructor(path: string, problem: string, options: { cause?: unknown; place?: string } = {}) {
    const { place = 'session.data', ...cause } = options
    super('ERR_SESS_VALUE', 500, `${place}${path === '' ? '' : `.${path}`}: ${problem}`, cause)
    this.path = path
    this.problem = problem
  }
}

/** The cookie would exceed what browsers keep, so it was not sent. Source: RFC 6265bis §5.6. */
export class CookieTooLargeError extends SessError {
  constructor(message: string) {
    super('ERR_SESS_COOKIE_TOO_LARGE', 500, message)
  }
}

/** A change that needs a cookie (a first write, a sign-in, a hard rotation) came after the response headers had left. */
export class HeadersSentError extends SessError {
  constructor(change: string) {
    super(
      'ERR_SESS_HEADERS_SENT',
      500,
      `${change} needs a Set-Cookie header, but the response headers have already left. Make the change, and \`await session.commit()\`, before the first byte of the body.`,
    )
  }
}

/** A plain http request carries or needs the session cookie. */
export class InsecureError extends SessError {
  constructor(message: string) {
    super('ERR_SESS_INSECURE', 400, message)
  }
}

/** Request headers that decide about provenance: caches have to tell answers apart by them. */
export const PROVENANCE_HEADERS = ['Origin', 'Sec-Fetch-Site', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest'] as const

/**
 * The request may have been made by another site's page. The words are the same whatever was wrong with it; the event
 * `csrf-refused` says more, for the log.
 */
export class CsrfError extends SessError {
  /** For the answer: nobody may store it. Express, Koa and Fastify send these by themselves. */
  readonly headers: Readonly<Record<'Cache-Control' | 'Vary', string>> = {
    'Cache-Control': 'no-store',
    Vary: PROVENANCE_HEADERS.join(', '),
  }

  constructor() {
    super('ERR_SESS_CSRF', 403, 'The request was refused. Load the page again and repeat what you did there.')
  }

  override getResponse(): Response {
    return new Response(this.message, { status: this.status, headers: this.headers })
  }
}

/** Why a commit was refused; see {@link SessionInterruptedError.reason}. */
export type InterruptedReason =
  | 'ended'
  | 'locked'
  | 'anonymous'
  | 'acting'
  | 'superseded'
  | 'replaced'
  | 'store'
  | 'ahead'
  | 'ambiguous'
  | 'conflict'

/** The session ended, was locked, or moved on while this request ran, so what it wanted to save was not saved. */
export class SessionInterruptedError extends SessError {
  /** What happened to the session meanwhile. */
  readonly reason: InterruptedReason

  constructor(reason: InterruptedReason, message: string) {
    super('ERR_SESS_INTERRUPTED', 409, message)
    this.reason = reason
  }
}

/** A sign-in was refused because its subject has as many sessions as `limit` allows. Nothing has changed. */
export class LimitError extends SessError {
  /** How many sessions may live. */
  readonly limit: number

  constructor(limit: number) {
    const many = limit === 1 ? 'one session' : `${limit} sessions`
    super('ERR_SESS_LIMIT', 409, `No more than ${many} may be signed in at a time. Sign out of another one first.`)
    this.limit = limit
  }
}

/** The store failed or did not answer within `storeTimeout`. Reading again, if any, showed nothing saved; the cookie is untouched. */
export class StoreUnavailableError extends SessError {
  constructor(operation: string, options?: { cause?: unknown }) {
    super('ERR_SESS_STORE_UNAVAILABLE', 503, `The session store failed (${operation}).`, options)
  }
}

/** The store failed while writing, and reading again could not tell whether the write was applied. */
export class StoreAmbiguousError extends SessError {
  constructor(options?: { cause?: unknown }) {
    super(
      'ERR_SESS_STORE_AMBIGUOUS',
      503,
      'The session store failed while writing, and it is unknown whether the change was saved.',
      options,
    )
  }
}
