import { type Case, deepEqual, ok } from '../case.ts'
import type { StoreSubject } from './subject.ts'

/** How long a call that nobody waits for may take to settle, in ms: the default `storeTimeout`. */
const PATIENCE = 2000

/** An AbortSignal never leaves a call, or the store, hanging. */
export const abortCases: readonly Case<StoreSubject>[] = [
  {
    id: 'store/aborted-calls-settle',
    title: 'calls whose signal was aborted before settle, and the store goes on working',
    level: 'must',
    run: async ({ store, record, next }) => {
      const kept = record()
      await store.create(kept)
      const options = { signal: AbortSignal.abort() }
      const calls = {
        get: store.get(kept.id, options),
        create: store.create(record(), options),
        replace: store.replace(next(kept), 'another revision', options),
        touch: store.touch(kept.id, kept.lastSeenAt, kept.expiresAt, options),
      }
      for (const [operation, call] of Object.entries(calls)) ok(await settles(call), `${operation} settles`)
      deepEqual(await store.get(kept.id), kept, 'the record afterwards')
    },
  },
  {
    id: 'store/aborted-later-calls-settle',
    title: 'calls whose signal is aborted while they run settle, each with its answer or an error',
    level: 'must',
    run: async ({ store, record, next }) => {
      const first = record()
      await store.create(first)
      const controller = new AbortController()
      const second = next(first, { data: '{"n":1}' })
      const calls = [
        store.get(first.id, { signal: controller.signal }),
        store.replace(second, first.revision, { signal: controller.signal }),
      ]
      controller.abort()
      for (const call of calls) ok(await settles(call), 'the call settles')
      const after = await store.get(first.id)
      deepEqual(after, after?.revision === second.revision ? second : first, 'the record, replaced or not')
    },
  },
]

/** Whether a call settles, one way or the other, within the default `storeTimeout`. */
export async function settles(call: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE)
  })
  const settled = call.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, late])
  } finally {
    clearTimeout(timer)
  }
}
