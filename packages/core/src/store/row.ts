import type { SessionRecord, SessionState } from '../kernel/record.ts'
import type { Admission } from '../manager/ports.ts'
import type { Refusal } from './text.ts'

/**
 * Columns of a table of sessions: what a database has to compare, the application's data, and `rest`, the JSON text of all
 * other fields. The key comes last, so that `UPDATE … SET … WHERE id = ?` takes the values in this order.
 */
export const columns = [
  'revision',
  'state',
  'subject',
  'created_at',
  'absolute_at',
  'last_seen_at',
  'expires_at',
  'data',
  'rest',
  'id',
] as const

/** What goes into a column: text as it is, instants in ms. Only `subject` is ever null. */
export type Value = string | number | null

/**
 * A row as a driver gives it. Drivers differ, so nothing more is asked of a column than that `String()` makes its text (as of
 * bytes that are UTF-8), or `Number()` its instant.
 */
export type Row = { readonly [column in (typeof columns)[number]]: unknown }

/** State of a row that keeps the place of an announced session, until `create()` fills it. Such a row is no record. */
const RESERVED = 'reserved'

/**
 * A record as the values of {@link columns}. Fields that this version does not know are in `rest`.
 *
 * @param refuse called with the text that is stored as it is
 */
export function toValues(record: SessionRecord, refuse: Refusal): Value[] {
  const { id, revision, state, subject, createdAt, absoluteAt, lastSeenAt, expiresAt, data, ...rest } = record
  refuse({ subject, data })
  return [revision, state, subject, createdAt, absoluteAt, lastSeenAt, expiresAt, data, JSON.stringify(rest), id]
}

/** The row, as the values of {@link columns}, that keeps an announced session's place; its `state` is `'reserved'`. */
export function placeOf({ id, subject, at, deadline }: Admission): Value[] {
  return ['', RESERVED, subject, at, deadline, 0, 0, '', '{}', id]
}

/** The record of a row; null where there is no row, or one that only keeps a place. */
export function fromRow(row: Row | null | undefined): SessionRecord | null {
  if (row === null || row === undefined || String(row.state) === RESERVED) return null
  return {
    ...JSON.parse(String(row.rest)),
    id: String(row.id),
    revision: String(row.revision),
    // What `toValues` wrote: the column holds no other states.
    state: String(row.state) as SessionState,
    subject: row.subject === null ? null : String(row.subject),
    createdAt: Number(row.created_at),
    absoluteAt: Number(row.absolute_at),
    lastSeenAt: Number(row.last_seen_at),
    expiresAt: Number(row.expires_at),
    data: String(row.data),
  }
}
