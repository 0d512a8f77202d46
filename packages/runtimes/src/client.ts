import type { RequestFacts, Session, Sessions } from '@sess/core'

/** A browser as far as sessions are concerned: sends the cookie it has, keeps the one it gets. */
export class Client {
  readonly #sessions: Sessions
  cookie: string | undefined

  constructor(sessions: Sessions, cookie?: string) {
    this.#sessions = sessions
    this.cookie = cookie
  }

  /** The same browser state again: what a parallel tab or a thief has. */
  copy(): Client {
    return new Client(this.#sessions, this.cookie)
  }

  open(facts: RequestFacts = {}): Promise<Session> {
    return this.#sessions.open({ cookie: this.cookie, ...facts })
  }

  /** One request: open, handle, commit, keep the cookie. */
  async request<T>(handle: (session: Session) => T): Promise<T> {
    const session = await this.open()
    const answer = handle(session)
    await session.commit()
    this.receive(session)
    return answer
  }

  receive(session: Session): void {
    const line = session.toHeaders().find(([name]) => name === 'Set-Cookie')?.[1]
    if (line !== undefined) this.cookie = line.slice(0, line.indexOf(';'))
  }
}
