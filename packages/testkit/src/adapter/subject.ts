import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import type { Evicting, Freshness, Session, SessionStore, Sessions } from '@sess/core'

/** A response, to be put out in the framework's own way. */
export interface Reply {
  readonly status: number
  /** Header lines in order. A name may occur twice (`Set-Cookie`): both lines have to arrive. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Text at once, a stream of text (pipe it or iterate it; do not collect it), or no body. */
  readonly body: string | Readable | null
}

/** What the kit wants to know about a request. */
export interface AdapterRequest {
  readonly method: string
  /** Path and query as the client sent them; below a mount path the part behind it will do. */
  readonly url: string
  /** What the framework hands to handlers (`req`, `request`, `ctx`, `c`): `sessions.of(raw)` has to find the session. */
  readonly raw: object
}

/**
 * Answers one request. It throws what handlers throw, typed errors with a `status` included: leave them to the framework's
 * error handler, the default one will do.
 */
export type Handle = (session: Session, request: AdapterRequest) => Promise<Reply>

/** How a server is to be set up. */
export interface ServeOptions {
  /** Trust `X-Forwarded-*` of every peer, by the framework's own setting. Otherwise trust nobody, the default everywhere. */
  readonly trustProxy: boolean
  /** Mount middleware and route under this path; `''` is the root. */
  readonly path: string
  /** Mount a second instance besides the first, under another property name (`'second'`) or none. */
  readonly second: Sessions | null
  /** Guard the route with the adapter's `requireFresh()` for this, in the framework's own way. */
  readonly guard: Freshness | null
  /**
   * Parse bodies the framework's usual way (`application/x-www-form-urlencoded`, `multipart/form-data`, JSON), and verify form
   * tokens behind the parsers, ahead of the route: with the adapter's `csrf()`, or `verifyForm()`. Only `formCases` ask for it.
   */
  readonly forms: boolean
}

/** A running server. */
export interface Served {
  /** Like `http://127.0.0.1:49152`. */
  readonly url: string
  /** Stops listening and closes every connection. */
  close(): Promise<void>
}

/** An adapter under test, as its author describes it. */
export interface AdapterSubject {
  /**
   * Listens on a free port of 127.0.0.1, mounts the adapter, and one route for every method and path that calls `handle` with
   * the request's session.
   */
  serve(sessions: Sessions, handle: Handle, options: ServeOptions): Promise<Served>
  /**
   * What happens to changes made after the headers left: `'saved'` at the response's end, or (where the framework has no
   * such hook) left to an explicit `await session.commit()`.
   */
  readonly late: 'saved' | 'commit'
  /**
   * The store that cases run on, called once per case; default `memoryStore`. It may return the same one each time. The kit
   * disturbs it from outside, and reads records through the port alone. Instants are those of a {@link FakeClock}: a store
   * must not take the age of a record for its own clock's.
   * One without an index of subjects (`SubjectIndex`) fails the cases that need it: exempt those, id by id.
   */
  readonly store?: () => SessionStore & Partial<Evicting>
}

/** Starts a node server for {@link AdapterSubject.serve}: on a free port of 127.0.0.1, and cut off at the end. */
export async function listen(server: Server): Promise<Served> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
