import type { Session } from '@sess/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Browser, cookieOf, type Data, MINUTE, type MovableClock, SECOND, signedIn } from './scenario.ts'
import { losesAnswer } from './scripted-store.ts'

/** Ways of requests to their load and of answers to the client: together less than overlap. */
const way = fc.integer({ min: 0, max: 20 }).map((seconds) => seconds * SECOND)
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant('send' as const), way, writes: fc.boolean() }) },
    fc.record({ type: fc.constant('commit' as const), request: fc.nat({ max: 5 }) }),
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('answer' as const),
        request: fc.nat({ max: 3 }),
        way,
        lost: fc.constantFrom(true, false, false, false),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('wait' as const),
        ms: fc.constantFrom(SECOND, 10 * SECOND, 20 * SECOND, MINUTE, 14 * MINUTE, 15 * MINUTE, 15 * MINUTE),
      }),
    },
    fc.record({ type: fc.constant('lose' as const) }),
  ),
  { minLength: 60, maxLength: 200, size: 'max' },
)

/** Things that happen once the clock has come so far, in that order. */
class Agenda {
  readonly #clock: MovableClock
  #items: { readonly at: number; readonly work: () => unknown }[] = []

  constructor(clock: MovableClock) {
    this.#clock = clock
  }

  in(ms: number, work: () => unknown): void {
    this.#items.push({ at: this.#clock.now() + ms, work })
    this.#items.sort((a, b) => a.at - b.at)
  }

  async advance(ms: number): Promise<void> {
    const end = this.#clock.now() + ms
    for (let next = this.#items[0]; next !== undefined && next.at <= end; next = this.#items[0]) {
      this.#items.shift()
      this.#clock.instant = next.at
      await next.work()
    }
    this.#clock.instant = end
  }
}

it('an honest client is never locked out by soft rotation, whatever is slow, lost or overtaken', async () => {
  let rotations = 0
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const { browser, clock, sessions, store } = await signedIn({ idle: false, absolute: '400d' })
      const agenda = new Agenda(clock)
      const open: { readonly session: Session<Data>; readonly writes: boolean }[] = []
      let loses = false
      let count = 0

      const load = async (cookie: string | null, writes: boolean) => {
        const client = new Browser(sessions)
        client.cookie = cookie
        const session = await client.open()
        expect([session.subject, session.refused, session.previous]).toEqual(['ada', null, null])
        if (writes) session.update('count', (value) => Number(value ?? 0) + 1)
        if (writes) count += 1
        open.push({ session, writes })
      }

      for (const step of list) {
        if (step.type === 'send') {
          const { cookie } = browser
          agenda.in(step.way, () => load(cookie, step.writes))
          await agenda.advance(0)
        } else if (step.type === 'wait') {
          await agenda.advance(step.ms)
        } else if (step.type === 'lose') {
          loses = true
        } else {
          const found = open[step.request]
          if (found === undefined) continue
          const { session, writes } = found
          if (loses && !writes) store.next('replace', losesAnswer)
          await session.commit()
          if (!writes) loses = false
          store.forget()
          if (step.type === 'commit') continue
          open.splice(step.request, 1)
          const cookie = step.lost ? null : cookieOf(session)
          if (cookie !== null) agenda.in(step.way, () => (browser.cookie = cookie))
        }
      }
      await agenda.advance(MINUTE)
      for (const { session } of open) await session.commit()
      const last = await browser.open()
      expect(last.subject).toBe('ada')
      expect(Number(last.data.count ?? 0)).toBe(count)
      rotations += store.only.generation
    }),
    { numRuns: 600 },
  )
  expect(rotations).toBeGreaterThan(500)
}, 120_000)
