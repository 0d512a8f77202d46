import type { Session } from '@sess/core'
import { deepEqual, equal } from '../case.ts'
import { acting } from './acting.ts'
import { type AdapterCase, must } from './app.ts'
import { Barrier } from './overlap.ts'

/** The two ways a session comes out of another. */
const handovers: Readonly<Record<string, (session: Session) => void>> = {
  act: (session) => session.actAs('ada'),
  stop: (session) => session.stopActing(),
}

export const actingAtOnceCases: readonly AdapterCase[] = [
  ...Object.entries(handovers).map(([name, change]) =>
    must(
      `acting/ended-meanwhile/${name}`,
      `a session that was ended meanwhile is not followed by another one (${name})`,
      async (app) => {
        const browser = name === 'stop' ? await acting(app) : await app.signedIn('root')
        const barrier = new Barrier()
        const slow = browser.start(async (session) => {
          change(session)
          await barrier.wait()
        })
        await barrier.reached
        await browser.visit((session) => session.signOut())
        const before = app.store.calls.create
        barrier.open()
        const answer = await slow.answer
        deepEqual([answer.status, answer.cookies], [409, []], 'status and Set-Cookie lines')
        equal(app.store.calls.create - before, 1, 'records created')
        const created = app.store.log.findLast(({ operation }) => operation === 'create')?.id ?? null
        equal((await app.record(created))?.state, 'ended', 'state of the session that came too late')
      },
    ),
  ),
  ...Object.entries(handovers).map(([name, change]) =>
    must(`acting/twice-at-once/${name}`, `of two requests at once one gets the new session (${name})`, async (app) => {
      const browser = name === 'stop' ? await acting(app) : await app.signedIn('root')
      const barriers = [new Barrier(), new Barrier()]
      const both = barriers.map((barrier) =>
        browser.start(async (session) => {
          change(session)
          await barrier.wait()
        }),
      )
      await Promise.all(barriers.map(({ reached }) => reached))
      for (const barrier of barriers) barrier.open()
      const answers = await Promise.all(both.map(({ answer }) => answer))
      const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
      deepEqual([statuses, answers.flatMap(({ cookies }) => cookies).length], [[200, 409], 1], 'statuses, cookies')
      for (const answer of answers) browser.jar.receive(answer)
      equal((await browser.look()).subject, name === 'stop' ? 'root' : 'ada', 'subject')
    }),
  ),
]
