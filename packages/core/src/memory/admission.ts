import type { Admission } from '../manager/ports.ts'

/** A session of the subject that keeps a place: announced, or created and not ended. */
export interface Place {
  readonly id: string
  /** When it was announced or created, in ms. */
  readonly since: number
  /** Its absolute deadline, in ms. */
  readonly deadline: number
  readonly marked: boolean
}

/**
 * Who has to go so that the new session has room: handles to be marked, those named first, then the others in the order of
 * their admission. Null: the session is refused.
 */
export function makeRoom(places: readonly Place[], admission: Admission): readonly string[] | null {
  const { id, at, limit, uncounted, victims } = admission
  const counted = places.filter((place) => !place.marked && place.deadline > at && !uncounted.includes(place.id))
  const excess = counted.length + 1 - limit
  if (excess <= 0 || places.some((place) => place.id === id)) return []
  if (victims === null) return null
  const oldest = counted.sort((one, other) => one.since - other.since).map((place) => place.id)
  const candidates = new Set(oldest)
  const named = victims.filter((victim) => candidates.has(victim))
  return [...new Set([...named, ...oldest])].slice(0, excess)
}
