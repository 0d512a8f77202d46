import type { Session } from '@sess/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Data, signedIn } from './scenario.ts'
import { after, fails, losesAnswer } from './scripted-store.ts'

const KEYS = ['a', 'b', '__proto__', '7'] as const

type Step =
  | { readonly type: 'set' | 'update'; readonly request: number; readonly key: (typeof KEYS)[number] }
  | { readonly type: 'commit' | 'open' | 'lose' | 'fail' | 'elsewhere'; readonly request: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    type: fc.constantFrom('set', 'update', 'update', 'commit', 'commit', 'open', 'lose', 'fail', 'elsewhere'),
    request: fc.nat({ max: 2 }),
    key: fc.constantFrom(...KEYS),
  }),
  { maxLength: 40 },
)

/** What one request wants of one key: a value, or so much more than is there. */
type Want = { readonly set: number; readonly add: number } | { readonly set: null; readonly add: number }

it('no acknowledged change is lost and none is applied twice, whoever writes and whatever answers are lost', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const { browser, store } = await signedIn()
      const { id } = store.only
      const model = new Map<string, number>()
      const wants: Map<string, Want>[] = [new Map(), new Map(), new Map()]
      const sessions: Session<Data>[] = await Promise.all(wants.map(() => browser.open()))
      let unique = 1_000_000

      const commit = async (request: number) => {
        await sessions[request]?.commit().catch((error: { code?: string }) => {
          // A write that failed nine writes behind leaves no trace to tell it by: unknown is the right answer.
          fc.pre(error.code !== 'ERR_SESS_STORE_AMBIGUOUS')
          throw error
        })
        store.forget()
        for (const [key, { set, add }] of wants[request] ?? []) model.set(key, (set ?? model.get(key) ?? 0) + add)
        wants[request]?.clear()
      }

      for (const step of list) {
        const session = sessions[step.request] as Session<Data>
        const mine = wants[step.request] as Map<string, Want>
        switch (step.type) {
          case 'set':
            unique += 1000
            session.data[step.key] = unique
            mine.set(step.key, { set: unique, add: 0 })
            break
          case 'update': {
            session.update(step.key, (value) => Number(value ?? 0) + 1)
            const want = mine.get(step.key) ?? { set: null, add: 0 }
            mine.set(step.key, { ...want, add: want.add + 1 })
            break
          }
          case 'commit':
            await commit(step.request)
            break
          case 'open':
            await commit(step.request)
            sessions[step.request] = await browser.open()
            break
          case 'lose':
            store.next('replace', losesAnswer)
            await commit(step.request)
            break
          case 'fail':
            store.next('replace', fails)
            await commit(step.request)
            break
          case 'elsewhere':
            if (mine.size === 0) {
              session.update('a', (value) => Number(value ?? 0) + 1)
              mine.set('a', { set: null, add: 1 })
            }
            store.next(
              'replace',
              after(() => {
                const data = store.only.data === '' ? {} : JSON.parse(store.only.data)
                store.write(id, { data: JSON.stringify({ ...data, elsewhere: (data.elsewhere ?? 0) + 1 }) })
                model.set('elsewhere', (model.get('elsewhere') ?? 0) + 1)
              }),
            )
            await commit(step.request)
        }
      }
      for (const request of [0, 1, 2]) await commit(request)
      const stored = new Map(Object.entries(store.only.data === '' ? {} : JSON.parse(store.only.data)))
      expect(stored).toEqual(model)
    }),
    { numRuns: 300 },
  )
}, 60_000)
