import type { DemoServer } from './actions.ts'
import type { DemoData } from './sessions.ts'

/** `GET /session`, as far as the demo reads it. */
export interface SessionDescription {
  readonly state: string
  readonly subject: string | null
  readonly handle: string | null
  readonly generation: number | null
  readonly data: Partial<DemoData>
}

/** A client of the demo's own servers that sends the cookie and browser of the request it is made from. */
export class Visitor {
  readonly #headers: Readonly<Record<string, string>>

  constructor({ headers }: { readonly headers: Readonly<Record<string, string | string[] | undefined>> }) {
    this.#headers = {
      accept: 'application/json',
      cookie: String(headers.cookie ?? ''),
      'user-agent': String(headers['user-agent'] ?? ''),
    }
  }

  async post(
    { origin }: DemoServer,
    path: string,
    fields: Record<string, string>,
  ): Promise<{ readonly status: number; readonly body: { readonly code?: string } }> {
    const headers = { ...this.#headers, origin }
    const response = await fetch(origin + path, { method: 'POST', headers, body: new URLSearchParams(fields) })
    // The demo's own servers answer these paths with an object.
    return { status: response.status, body: (await response.json()) as { code?: string } }
  }

  async session({ origin }: DemoServer): Promise<SessionDescription> {
    const response = await fetch(`${origin}/session`, { headers: this.#headers })
    // What `GET /session` answers with.
    return (await response.json()) as SessionDescription
  }
}
