import { type CopyReport, copySessions, createSessions, type SessionStore } from '@sess/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Connected, connect } from './connect.ts'
import { keys } from './keys.ts'
import { type Target, targets } from './targets.ts'
import { Traffic } from './traffic.ts'

const MOVES = [
  ['Redis', 'PostgreSQL'],
  ['SQLite', 'MariaDB'],
  ['MariaDB', 'Redis'],
] as const
const all = targets()
const target = (wanted: string): Target => all.find(({ name }) => name === wanted)!

describe.each(MOVES)('moving under load from %s', (source, destination) => {
  const missing = [source, destination].map((name) => target(name).missing).find((reason) => reason !== '')
  const needs = [source, destination].map((name) => target(name).title).join(' to ')

  describe.skipIf(missing)(needs, () => {
    let from: Connected
    let to: Connected
    beforeAll(async () => {
      from = await connect[source]!(target(source).address)
      to = await connect[destination]!(target(destination).address)
    })
    afterAll(() => Promise.all([from?.close(), to?.close()]))

    it('revives nobody, signs nobody out and loses nothing acknowledged, however often and whenever it copies', async () => {
      const moving = new MovingStore(from.store)
      const sessions = createSessions({ store: moving, keys, storeTimeout: '10s' })
      const traffic = new Traffic(sessions, { visitors: 60, signOutEvery: 7 })
      const end = traffic.start(300)
      await traffic.everybodyServed()
      const reports: CopyReport[] = []
      while (traffic.signOuts < 20) {
        const began = [...moving.ended]
        reports.push(await copySessions(from.store, to.store, { parallel: 4 }))
        for (const id of began) expect((await to.store.get(id))?.state).toBe('ended')
      }
      await end()
      reports.push(await copySessions(from.store, to.store))
      moving.store = to.store
      const endElsewhere = traffic.start(300)
      const { signOuts } = traffic
      // What is left of the old store can do no more harm.
      while (traffic.signOuts < signOuts + 20) reports.push(await copySessions(from.store, to.store, { parallel: 4 }))
      await endElsewhere()
      await traffic.audit()
      const updated = reports.reduce((sum, report) => sum + report.updated, 0)
      traffic.counts.print(`moved by ${reports.length} copies, ${updated} records updated, ${source} to ${destination}`)
      expect(updated).toBeGreaterThan(0)
      expect(traffic.counts).toMatchObject({ lost: 0, twice: 0, resurrected: 0, signedOut: 0, mixedUp: 0, errors: {} })
    })
  })
})

/** The store that the application is on at the moment, and which sessions it was told have ended. */
class MovingStore implements SessionStore {
  readonly durable = true
  readonly ended: string[] = []
  store: SessionStore

  constructor(store: SessionStore) {
    this.store = store
  }

  get: SessionStore['get'] = (...args) => this.store.get(...args)
  create: SessionStore['create'] = (...args) => this.store.create(...args)
  touch: SessionStore['touch'] = (...args) => this.store.touch(...args)
  replace: SessionStore['replace'] = async (record, ...args) => {
    const answer = await this.store.replace(record, ...args)
    if (answer.ok && record.state === 'ended') this.ended.push(record.id)
    return answer
  }
}
