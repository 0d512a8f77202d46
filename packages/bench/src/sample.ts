import { createHash } from 'node:crypto'
import type { SessionRecord } from '@sess/core'
import { defaultPolicy, issue, stamp } from '@sess/core/kernel'

/** How many sessions each subject has; the last ones have one less where the size is no multiple. */
export const PER_SUBJECT = 5

/** Sessions have been signing in for this long. */
const SPAN_MS = 12 * 3_600_000

/**
 * Signed-in sessions as they are after a few writes: about 100 bytes of data, the last eight revisions, a subject of 36
 * characters. The same number is always the same session, so that any can be looked up without remembering them all.
 */
export class Sample {
  readonly size: number
  readonly #now: number

  constructor(size: number, now: number) {
    this.size = size
    this.#now = now
  }

  /** Sessions in the order of their sign-in, from 0. */
  at(index: number): SessionRecord {
    const text = createHash('sha512').update(`session ${index}`).digest('base64url')
    const createdAt = this.#now - SPAN_MS + Math.floor((SPAN_MS * index) / this.size)
    const input = {
      id: idOf(index),
      random: text.slice(0, 12),
      subject: this.subjectOf(index),
      auth: { at: createdAt, methods: ['password'], level: 1 },
      fingerprint: { browser: 'firefox', os: 'windows' },
      data: JSON.stringify({
        cart: [index, index + 1, index + 2],
        locale: 'en-GB',
        theme: 'dark',
        note: text.slice(0, 30),
      }),
    }
    let record = issue(input, defaultPolicy, createdAt)
    for (let write = 0; write < 8; write += 1) record = stamp(record, text.slice(write, write + 12))
    return record
  }

  /** Sessions of one subject signed in at times that are far apart. */
  subjectOf(index: number): string {
    const subjects = Math.ceil(this.size / PER_SUBJECT)
    return `00000000-0000-4000-8000-${String(index % subjects).padStart(12, '0')}`
  }

  /** The `count` oldest ones. */
  *first(count: number): Generator<SessionRecord> {
    for (let index = 0; index < count; index += 1) yield this.at(index)
  }

  /** The instant from which the first `count` sessions may be pruned, and no other. */
  prunable(count: number): number {
    return this.at(count - 1).absoluteAt + defaultPolicy.retainEndedMs
  }
}

/** base64url(SHA-256(…)), as sess makes them: in no order. */
export function idOf(index: number): string {
  return createHash('sha256').update(`sid ${index}`).digest('base64url')
}
