import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Counts } from './counts.ts'
import { targets } from './targets.ts'
import type { Written } from './worker.ts'
import { type Worker, Workers } from './workers.ts'

const TIMES = 25
const SIGN_OUTS = 100
const AT_A_TIME = 20

let workers: Workers
beforeAll(async () => {
  workers = await Workers.bundle()
})
afterAll(() => workers?.remove())

for (const { name, title, missing, address } of targets()) {
  describe.skipIf(missing)(`two processes on one store, ${title}`, () => {
    let one: Worker
    let other: Worker
    beforeAll(async () => {
      one = await workers.start(name, address)
      other = await workers.start(name, address)
    })
    afterAll(() => workers?.stop())

    it('increment one number and numbers of their own with update(): every count is exact', async () => {
      const cookie = await signIn(one)
      const input = { cookie, times: TIMES }
      const answers = await Promise.all([
        one.ask('increments', { ...input, keys: ['shared', 'shared', 'one', 'two'] }),
        other.ask('increments', { ...input, keys: ['shared', 'shared', 'three', 'four'] }),
      ])
      const counts = counted(answers)
      const { data } = await other.ask('visit', { cookie })
      const stored = Object.values(data).reduce<number>((sum, n) => sum + Number(n), 0)
      counts.lost = Math.max(0, counts.acknowledged - stored)
      counts.twice = Math.max(0, stored - counts.requests)
      counts.print(`two processes, update(), ${name}`)
      expect(data).toEqual({ shared: 4 * TIMES, one: TIMES, two: TIMES, three: TIMES, four: TIMES })
      expect(counts).toMatchObject({ acknowledged: 8 * TIMES, lost: 0, twice: 0, errors: {} })
    })

    it(`sign ${SIGN_OUTS} sessions out and write to them: none is alive afterwards`, async () => {
      const cookies: string[] = []
      for (let made = 0; made < SIGN_OUTS; made += 1) cookies.push(await signIn(one))
      const answers: [Written, Written][] = []
      for (let from = 0; from < SIGN_OUTS; from += AT_A_TIME) {
        const some = cookies.slice(from, from + AT_A_TIME)
        const writing = other.ask('writeUntilSignedOut', { cookies: some })
        answers.push([await one.ask('signOut', { cookies: some, parallel: 2 }), await writing])
      }
      const counts = counted(answers.flat())
      const writes = answers.reduce((sum, [, written]) => sum + written.acknowledged, 0)
      for (const cookie of cookies) {
        const seen = await Promise.all([one, other].map((each) => each.ask('visit', { cookie })))
        if (seen.some(({ subject, reason }) => subject !== null || reason !== 'signed-out')) counts.resurrected += 1
      }
      counts.print(`two processes, ${SIGN_OUTS} sign-outs against ${writes} writes, ${name}`)
      expect(counts).toMatchObject({ acknowledged: SIGN_OUTS + writes, errors: { ERR_SESS_INTERRUPTED: SIGN_OUTS } })
      // Under so many writes a sign-out may run out of time; it says so, and the next one ends the session.
      const typed = ['ERR_SESS_INTERRUPTED', 'ERR_SESS_STORE_UNAVAILABLE', 'ERR_SESS_STORE_AMBIGUOUS']
      expect(Object.keys(counts.errors).filter((code) => !typed.includes(code))).toEqual([])
      expect(writes).toBeGreaterThan(0)
      expect(counts.resurrected).toBe(0)
    })
  })
}

async function signIn(worker: Worker): Promise<string> {
  return (await worker.ask('visit', { signIn: 'ada' })).cookie ?? ''
}

function counted(answers: readonly Written[]): Counts {
  const counts = new Counts()
  for (const { acknowledged, interrupted, failed } of answers) {
    counts.requests += acknowledged + interrupted + failed.length
    counts.acknowledged += acknowledged
    if (interrupted > 0) counts.errors.ERR_SESS_INTERRUPTED = (counts.errors.ERR_SESS_INTERRUPTED ?? 0) + interrupted
    for (const code of failed) counts.errors[code] = (counts.errors[code] ?? 0) + 1
  }
  return counts
}
