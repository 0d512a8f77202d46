import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Counts } from './counts.ts'
import { targets } from './targets.ts'
import type { Visit } from './worker.ts'
import { type Worker, Workers } from './workers.ts'

/** The options of worker.ts. */
const OVERLAP = 20_000
const SKEWS = [
  [5000, 0],
  [-5000, 0],
  [-5000, 5000],
] as const
/**
 * From one page to the next: below the rotation, above it, and as close to the idle timeout (5 minutes) as it may come early:
 * `touchEvery` (10 s) and the skew.
 */
const PAUSES = [1000, 61_000, 75_000, 30_000, 120_000, 279_000]
const PAGES = 60

let workers: Workers
beforeAll(async () => {
  workers = await Workers.bundle()
})
afterAll(() => workers?.remove())

for (const { name, title, missing, address } of targets().filter((target) => target.name !== 'SQLite')) {
  describe.skipIf(missing)(`two processes whose clocks differ, on one store, ${title}`, () => {
    let apps: readonly Worker[]
    beforeAll(async () => {
      apps = [await workers.start(name, address), await workers.start(name, address)]
    })
    afterAll(() => workers?.stop())

    it.each(SKEWS)(
      'by %i and %i ms: nobody is signed out, and overlap holds for requests under way',
      async (...skews) => {
        const counts = new Counts()
        const browser = new Browser(
          apps.map((worker, index) => ({ worker, skewMs: skews[index] ?? 0 })),
          counts,
        )
        await browser.signIn()
        for (let page = 0; page < PAGES; page += 1) await browser.page(page)
        counts.print(`clocks of ${skews.join(' and ')} ms, ${browser.generation} rotations, ${name}`)
        expect(counts.signedOut).toBe(0)
        expect(browser.generation).toBeGreaterThan(PAGES / 3)
        expect(await browser.copiedToken(2 * OVERLAP)).toMatchObject({ subject: null, reason: 'reuse' })
      },
    )
  })
}

interface App {
  readonly worker: Worker
  readonly skewMs: number
}

/** A browser that reaches either process, in true time. */
class Browser {
  generation = 0
  readonly #apps: readonly App[]
  readonly #counts: Counts
  #now = Date.now()
  #cookie: string | undefined
  #retired: string | undefined

  constructor(apps: readonly App[], counts: Counts) {
    this.#apps = apps
    this.#counts = counts
  }

  async signIn(): Promise<void> {
    this.#cookie = (await this.#ask(this.#apps[0]!, { signIn: 'ada' })).cookie
  }

  /** Requests side by side, the next one with the cookie they brought, and one that left with the old cookie and comes late. */
  async page(number: number): Promise<void> {
    this.#now += PAUSES[number % PAUSES.length]!
    const sent = this.#cookie
    const first = this.#apps[Math.floor(number / 2) % 2]!
    const second = this.#apps[number % 2]!
    const answers = await Promise.all([first, ...this.#apps].map((app) => this.#visit(app, sent)))
    this.#cookie = answers.map(({ cookie }) => cookie).find((cookie) => cookie !== sent) ?? sent
    this.#now += 100
    const { generation } = await this.#visit(second, this.#cookie)
    this.generation = generation ?? this.generation
    if (this.#cookie === sent) return
    this.#retired = sent
    // As long as the options promise: overlap − 2 × clockSkew after its successor was seen.
    this.#now += OVERLAP - 10_000 - 1
    for (const app of this.#apps) await this.#visit(app, sent)
  }

  /** What a thief gets who presents a retired token `later` than its successor. */
  async copiedToken(later: number): Promise<Visit> {
    this.#now += later
    return this.#ask(this.#apps[0]!, this.#retired === undefined ? {} : { cookie: this.#retired })
  }

  #ask({ worker, skewMs }: App, request: { readonly cookie?: string; readonly signIn?: string }): Promise<Visit> {
    return worker.ask('visit', { ...request, at: this.#now, skewMs })
  }

  async #visit(app: App, cookie: string | undefined): Promise<Visit> {
    this.#counts.requests += 1
    const seen = await this.#ask(app, cookie === undefined ? {} : { cookie })
    if (seen.subject === 'ada') this.#counts.acknowledged += 1
    else this.#counts.signedOut += 1
    return seen
  }
}
