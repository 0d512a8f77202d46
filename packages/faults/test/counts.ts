import { monitorEventLoopDelay } from 'node:perf_hooks'
import { SessError } from '@sess/core'

/** What a fault did, as the people in front of it would count it. */
export class Counts {
  requests = 0
  acknowledged = 0
  /** Writes that were acknowledged and are not there. */
  lost = 0
  /** Writes that are there more often than they were made. */
  twice = 0
  /** Sessions that act again after an acknowledged sign-out. */
  resurrected = 0
  /** People who were signed in, did not sign out, and are signed out. */
  signedOut = 0
  /** Answers that showed somebody else's session. */
  mixedUp = 0
  /** By code. What is not ours goes by its name and message, and is counted as `untyped` too. */
  readonly errors: Record<string, number> = {}
  untyped = 0
  slowestLoadMs = 0
  slowestCommitMs = 0
  /** From the end of the fault until everybody had an acknowledged request again. */
  recoveredMs: number | null = null
  readonly #delay = monitorEventLoopDelay({ resolution: 10 })

  constructor() {
    this.#delay.enable()
  }

  /** How late a timer may be: a quarter of a second, and what this machine made of it at worst while these counts were made. */
  get slackMs(): number {
    return 250 + this.#delay.max / 1e6
  }

  /** Counts an error; answers its code. */
  fail(error: unknown): string {
    const typed = error instanceof SessError
    const code = typed ? `${error.code}` : `${error}`.slice(0, 200)
    this.errors[code] = (this.errors[code] ?? 0) + 1
    if (!typed) this.untyped += 1
    return code
  }

  print(title: string): void {
    const { errors, slowestLoadMs, slowestCommitMs, recoveredMs, ...numbers } = this
    const byCode = Object.entries(errors).map(([code, count]) => `${code} ${count}`)
    const parts = [
      ...Object.entries(numbers).map(([name, count]) => `${name} ${count}`),
      `errors: ${byCode.join(', ') || 'none'}`,
      ...(slowestLoadMs === 0 ? [] : [`slowest load ${Math.round(slowestLoadMs)} ms`]),
      ...(slowestCommitMs === 0 ? [] : [`slowest commit ${Math.round(slowestCommitMs)} ms`]),
      ...(slowestLoadMs + slowestCommitMs === 0
        ? []
        : [`timers late by at most ${Math.round(this.#delay.max / 1e6)} ms`]),
      ...(recoveredMs === null ? [] : [`recovered in ${Math.round(recoveredMs)} ms`]),
    ]
    console.log(`${title}: ${parts.join(' · ')}`)
  }
}
