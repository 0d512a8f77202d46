import type { SessionStore } from '@sess/core'

/** A store that counts its calls, shows everything that was written, and answers late. */
export interface CountingStore {
  readonly store: SessionStore
  readonly calls: number
  readonly written: string
}

export function countingStore(inner: SessionStore, wait: () => Promise<void> = async () => {}): CountingStore {
  let calls = 0
  let written = ''
  const called = async (text = ''): Promise<void> => {
    calls += 1
    written += text
    await wait()
  }
  return {
    get calls() {
      return calls
    },
    get written() {
      return written
    },
    store: {
      durable: false,
      async get(id, options) {
        await called()
        return inner.get(id, options)
      },
      async create(record, options) {
        await called(JSON.stringify(record))
        return inner.create(record, options)
      },
      async replace(record, expected, options) {
        await called(JSON.stringify(record))
        return inner.replace(record, expected, options)
      },
      async touch(id, lastSeenAt, expiresAt, options) {
        await called()
        return inner.touch(id, lastSeenAt, expiresAt, options)
      },
    },
  }
}
