import { memoryStore, type SessionRecord, type SessionStore, systemRandom } from '@sess/core'
import { defaultPolicy, issue, stamp } from '@sess/core/kernel'

const text = (size: number): string => Buffer.from(systemRandom.bytes(size)).toString('base64url')

/** A new record of somebody signed in. */
export const record = (): SessionRecord =>
  issue({ id: text(32), random: text(9), subject: 'ada' }, defaultPolicy, 1_700_000_000_000)

/** What the next writer of `base` stores. */
export const next = (base: SessionRecord, changes: Partial<SessionRecord> = {}): SessionRecord => ({
  ...stamp(base, text(9)),
  ...changes,
})

/** A memory store that runs `before` ahead of each write, and waits for it. */
export function interrupted(
  store: SessionStore,
  before: (operation: 'create' | 'replace', call: number) => unknown,
): SessionStore {
  let calls = 0
  const ahead = async (operation: 'create' | 'replace') => {
    calls += 1
    await before(operation, calls)
  }
  return {
    durable: store.durable,
    get: (id) => store.get(id),
    create: async (...args) => {
      await ahead('create')
      return store.create(...args)
    },
    replace: async (...args) => {
      await ahead('replace')
      return store.replace(...args)
    },
    touch: (...args) => store.touch(...args),
  }
}

type MemoryStore = ReturnType<typeof memoryStore>

export const pair = (): { from: MemoryStore; to: MemoryStore } => ({ from: memoryStore(), to: memoryStore() })
