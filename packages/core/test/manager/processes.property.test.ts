import { createSessions } from '@sess/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Browser, type Data, MovableClock } from './scenario.ts'
import { ScriptedStore } from './scripted-store.ts'

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index * 7)

/** A store whose calls are carried out in whatever order the scheduler likes. */
class ScheduledStore extends ScriptedStore {
  scheduler: fc.Scheduler | null = null

  override async get(...args: Parameters<ScriptedStore['get']>): ReturnType<ScriptedStore['get']> {
    await this.#turn('get')
    return super.get(...args)
  }

  override async create(...args: Parameters<ScriptedStore['create']>): ReturnType<ScriptedStore['create']> {
    await this.#turn('create')
    return super.create(...args)
  }

  override async replace(...args: Parameters<ScriptedStore['replace']>): ReturnType<ScriptedStore['replace']> {
    await this.#turn('replace')
    const answer = await super.replace(...args)
    await this.#turn('answer')
    return answer
  }

  async #turn(name: string): Promise<void> {
    await this.scheduler?.schedule(Promise.resolve(), name)
  }
}

/** Two processes on one store, and a browser of each with the same session. */
async function twoProcesses() {
  const store = new ScheduledStore()
  const clock = new MovableClock()
  const processes = [0, 1].map(() => createSessions<Data>({ store, clock, keys: KEY, carry: ['count'] }))
  const [one, two] = processes.map((sessions) => new Browser(sessions)) as [Browser, Browser]
  await one.request((session) => session.signIn('ada'))
  two.cookie = one.cookie
  return { store, browsers: [one, two] as const }
}

const increment = (count: unknown) => Number(count ?? 0) + 1
const counters = fc.array(fc.nat({ max: 1 }), { minLength: 2, maxLength: 5 })

it('parallel increments of two processes all arrive, in whatever order the store works', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), counters, async (scheduler, list) => {
      const { store, browsers } = await twoProcesses()
      const sessions = await Promise.all(list.map((which) => browsers[which as 0].open()))
      store.scheduler = scheduler
      for (const session of sessions) session.update('count', increment)
      await scheduler.waitFor(Promise.all(sessions.map((session) => session.commit())))
      expect(JSON.parse(store.only.data)).toEqual({ count: list.length })
    }),
    { numRuns: 60 },
  )
}, 60_000)

it('a sign-out is final: what is not saved before it is never saved, and nobody is let in after it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), counters, async (scheduler, list) => {
      const { store, browsers } = await twoProcesses()
      const sessions = await Promise.all(list.map((which) => browsers[which as 0].open()))
      const leaving = await browsers[0].open()
      store.scheduler = scheduler
      for (const session of sessions) session.update('count', increment)
      leaving.signOut()
      let acknowledged = false
      const late: string[] = []
      const writers = sessions.map(async (session) => {
        await scheduler.schedule(Promise.resolve(), 'writer')
        const beganLate = acknowledged
        const outcome = await session.commit().then(
          () => 'saved',
          () => 'refused',
        )
        if (beganLate) late.push(outcome)
      })
      const end = leaving.commit().then(() => {
        acknowledged = true
      })
      await scheduler.waitFor(Promise.all([...writers, end]))
      store.scheduler = null
      expect(late).not.toContain('saved')
      expect(store.only).toMatchObject({ state: 'ended', endedReason: 'signed-out', data: '' })
      for (const browser of browsers) expect((await browser.open()).subject).toBeNull()
    }),
    { numRuns: 60 },
  )
}, 60_000)

it('a sign-in carries every increment that was acknowledged before the old session ended', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), counters, async (scheduler, list) => {
      const { store, browsers } = await twoProcesses()
      const sessions = await Promise.all(list.map((which) => browsers[which as 0].open()))
      const entering = await browsers[1].open()
      store.scheduler = scheduler
      for (const session of [...sessions, entering]) session.update('count', increment)
      entering.signIn('ada')
      const outcomes = sessions.map((session) =>
        session.commit().then(
          () => 1,
          () => 0,
        ),
      )
      const [saved] = await scheduler.waitFor(Promise.all([Promise.all(outcomes), entering.commit()]))
      const record = store.records.get(entering.handle ?? '')
      expect(JSON.parse(record?.data ?? '')).toEqual({ count: 1 + saved.reduce<number>((sum, one) => sum + one, 0) })
    }),
    { numRuns: 60 },
  )
}, 60_000)
