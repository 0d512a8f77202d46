import type { Admission, Admitted } from '../manager/ports.ts'
import type { Row } from './row.ts'

/** One row of the subject, as far as an admission looks at it. `evicted`, by `Number()`: 1 if it is marked as having to go, or 0. */
export type Contender = Pick<Row, 'id' | 'state' | 'created_at' | 'absolute_at'> & { readonly evicted: unknown }

/** The answer to an admission, and what has to be written before it is given, in this order. */
export interface Ruling extends Admitted {
  /** Places whose sessions never came: to be removed, unless they have been filled meanwhile. */
  readonly forget: readonly string[]
  /** To be marked as having to go. */
  readonly mark: readonly string[]
  /** Whether the place of the new session is to be inserted, together with the marks. */
  readonly announce: boolean
}

/**
 * Rules on an admission as `SubjectIndex.admit` promises. Pure: the store reads the rows, and writes what the ruling says,
 * while no other admission of this subject is under way.
 *
 * @param contenders every row of the subject, in no order; ended ones are ignored, but for that of the session itself
 */
export function rule(admission: Admission, contenders: readonly Contender[]): Ruling {
  const { id, at, abandonedBefore, limit, uncounted, victims } = admission
  const rows = contenders.map(read)
  const isAbandoned = (row: Read) => row.state === 'reserved' && !row.evicted && row.createdAt < abandonedBefore
  const forget = idsOf(rows.filter(isAbandoned))
  const live = rows.filter((row) => row.state !== 'ended' && row.absoluteAt > at && !isAbandoned(row))
  const evicted = idsOf(live.filter((row) => row.evicted && row.id !== id))
  const unchanged = { evicted, forget, mark: [], announce: false }
  if (rows.some((row) => row.id === id && !isAbandoned(row))) return { ok: true, ...unchanged }
  const exempt = new Set(uncounted)
  const counted = live.filter((row) => !row.evicted && !exempt.has(row.id))
  const excess = Math.max(counted.length + 1 - limit, 0)
  if (excess > 0 && victims === null) return { ok: false, ...unchanged }
  const mark = firstToGo(counted, victims ?? []).slice(0, excess)
  return { ok: true, evicted: [...evicted, ...mark], forget, mark, announce: true }
}

type Read = ReturnType<typeof read>

function read(row: Contender) {
  return {
    id: String(row.id),
    state: String(row.state),
    evicted: Number(row.evicted) > 0,
    createdAt: Number(row.created_at),
    absoluteAt: Number(row.absolute_at),
  }
}

/** First those that are named, in that order, then the others by age. */
function firstToGo(counted: readonly Read[], named: readonly string[]): string[] {
  const byAge = idsOf(counted.toSorted((one, other) => one.createdAt - other.createdAt))
  const known = new Set(byAge)
  return [...new Set([...named.filter((id) => known.has(id)), ...byAge])]
}

function idsOf(rows: readonly Read[]): string[] {
  return rows.map((row) => row.id)
}
