import type { Admission, Admitted, SessionRecord, SessionStore, SubjectEntry, SubjectIndex } from '@sess/core'
import { deepEqual } from '../case.ts'
import type { StoreSubject } from './subject.ts'

const MINUTE = 60_000

/** What a case about the sessions of a subject runs against. */
export type IndexSubject = StoreSubject<SessionStore & SubjectIndex>

/** All entries of a subject. Nothing counts as abandoned unless the case says so. */
export async function list(
  store: SubjectIndex,
  subject: string | null,
  abandonedBefore = 0,
  options?: { readonly signal: AbortSignal },
): Promise<SubjectEntry[]> {
  const entries: SubjectEntry[] = []
  for await (const entry of store.listBySubject(subject ?? '', abandonedBefore, options)) entries.push(entry)
  return entries
}

/** Throws unless each handle lists exactly the records, in whatever order. */
export async function lists(
  handles: readonly SubjectIndex[],
  subject: string | null,
  records: readonly SessionRecord[],
  what: string,
): Promise<void> {
  const expected = records.map((record) => ({ id: record.id, record }))
  for (const handle of handles) deepEqual((await list(handle, subject)).sort(byId), expected.sort(byId), what)
}

/** The admission of `coming`: limit 1, everybody may have to go, nobody by name. */
export function asks(coming: SessionRecord, changes: Partial<Admission> = {}): Admission {
  const { id, subject, createdAt: at, absoluteAt: deadline } = coming
  const asked = { subject: subject ?? '', id, at, deadline, abandonedBefore: at - MINUTE }
  return { ...asked, limit: 1, uncounted: [], victims: [], ...changes }
}

/** Throws unless the new session was admitted, and exactly `marked` have to go, in whatever order. */
export function evicts({ ok, evicted }: Admitted, marked: readonly SessionRecord[], what: string): void {
  const expected = marked.map(({ id }) => id)
  deepEqual({ ok, evicted: [...evicted].sort() }, { ok: true, evicted: expected.sort() }, what)
}

/** Records of one subject, each a millisecond younger than the one before it and with an earlier deadline. */
export function series(record: IndexSubject['record'], count: number): Series {
  const { subject, createdAt, absoluteAt } = record()
  const records = Array.from({ length: count }, (_, index) => {
    const at = createdAt + index
    return record({ subject, createdAt: at, lastSeenAt: at, confirmedAt: at, absoluteAt: absoluteAt - index * MINUTE })
  })
  return records as unknown as Series // No case takes more of them than it asks for.
}

type Series = [
  SessionRecord,
  SessionRecord,
  SessionRecord,
  SessionRecord,
  SessionRecord,
  SessionRecord,
  ...SessionRecord[],
]

function byId(one: SubjectEntry, other: SubjectEntry): number {
  return one.id < other.id ? -1 : 1
}
