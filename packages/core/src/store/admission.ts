import type { Admission, Admitted } from '../manager/ports.ts'

/** One row of the subject, as far as an admission looks at it. */
export interface Contender {
  readonly id: string
  /** The record's state; `'reserved'` while the session has been announced and not created. */
  readonly state: string
  /** Whether an earlier admission has marked it as having to go. */
  readonly evicted: boolean
  /** When it was announced or issued, in ms. */
  readonly createdAt: number
  /** Its absolute deadline, in ms. */
  readonly absoluteAt: number
}

/** The answer to an admission, and what has to be written before it is given, in this order. */
export interface Ruling extends Admitted {
  /** Places whose sessions never came: to be removed, unless they have been filled meanwhile. */
  readonly forget: readonly string[]
  /** To be marked as having to go. */
  readonly mark: readonly string[]
  /** Whether the place of the new session is to be inserted. */
  readonly announce: boolean
}

/**
 * Rules on an admission as `SubjectIndex.admit` promises. Pure: the store reads the rows, and writes what the ruling says,
 * while no other admission of this subject is under way.
 *
 * @param rows every row of the subject, in no order; ended ones are ignored, but for that of the session itself
 */
export function rule(admission: Admission, rows: readonly Contender[]): Ruling {
  const { id, at, abandonedBefore, limit, uncounted, victims } = admission
  const isAbandoned = (row: Contender) => row.state === 'reserved' && !row.evicted && row.createdAt < abandonedBefore
  const forget = idsOf(rows.filter(isAbandoned))
  const live = rows.filter((row) => row.state !== 'ended' && row.absoluteAt > at && !isAbandoned(row))
  const marked = idsOf(live.filter((row) => row.evicted && row.id !== id))
  if (rows.some((row) => row.id === id && !isAbandoned(row))) {
    return { ok: true, evicted: marked, forget, mark: [], announce: false }
  }
  const exempt = new Set(uncounted)
  const counted = live.filter((row) => !row.evicted && !exempt.has(row.id))
  const excess = Math.max(counted.length + 1 - limit, 0)
  if (excess > 0 && victims === null) return { ok: false, evicted: marked, forget, mark: [], announce: false }
  const mark = firstToGo(counted, victims ?? []).slice(0, excess)
  return { ok: true, evicted: [...marked, ...mark], forget, mark, announce: true }
}

/** First those that are named, in that order, then the others by age. */
function firstToGo(counted: readonly Contender[], named: readonly string[]): string[] {
  const byAge = idsOf(counted.toSorted((one, other) => one.createdAt - other.createdAt))
  const known = new Set(byAge)
  return [...new Set([...named.filter((id) => known.has(id)), ...byAge])]
}

function idsOf(rows: readonly Contender[]): string[] {
  return rows.map((row) => row.id)
}
