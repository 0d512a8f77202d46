import type { Authentication, Fingerprint, SessionRecord, SessionState } from '../kernel/record.ts'

/**
 * A record as one text, less than half as large as the object: a line of JSON, then the data as it is. The line has by position
 * what differs from session to session, instants as distances from `createdAt`, and last, if need be, an object of what is not
 * as usual.
 */
export type PackedRecord = string

type Line = [
  expiresAt: number,
  state: number,
  revision: string,
  subject: string | null,
  createdAt: number,
  confirmed: number | null,
  absolute: number,
  lastSeen: number,
  auth: [at: number, methods: readonly string[], level: number | null] | Authentication | null,
  fingerprint: readonly unknown[] | Fingerprint | null,
  unusual?: Partial<SessionRecord>,
]

/** In the order in which they go for room, see {@link rankOf}. */
const STATES: readonly SessionState[] = ['ended', 'anonymous', 'authenticated', 'locked']

/** What the line has by position, and what it has no need of. */
const PLACED: ReadonlySet<string> = new Set<keyof SessionRecord>([
  ...(['id', 'data', 'expiresAt', 'state', 'revision', 'subject', 'createdAt', 'confirmedAt', 'absoluteAt'] as const),
  ...(['lastSeenAt', 'auth', 'fingerprint'] as const),
])

/** What the line leaves out: fields with the value that they have in most sessions. */
const USUAL: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...Object.entries({ recent: [], generation: 0, rotation: 'soft', hardRotations: 0, credential: null, device: null }),
  ...Object.entries({ persistent: false, actor: null, extra: {}, endedReason: null, endedAt: null }),
])

export function pack(record: SessionRecord): PackedRecord {
  const { expiresAt, state, revision, subject, createdAt, confirmedAt, absoluteAt, lastSeenAt } = record
  const { auth, fingerprint, data } = record
  const line: Line = [
    expiresAt,
    STATES.indexOf(state),
    revision,
    subject,
    createdAt,
    confirmedAt === null ? null : confirmedAt - createdAt,
    absoluteAt - createdAt,
    lastSeenAt - createdAt,
    // Those with fields that this version does not know stay as they are.
    auth !== null && fields(auth) === 3 ? [auth.at, auth.methods, auth.level] : auth,
    fingerprint === null ? null : packFingerprint(fingerprint),
  ]
  const unusual = unusualOf(record)
  if (unusual !== null) line.push(unusual)
  return joined(line, data)
}

/** `packed` as `touch()` leaves it. */
export function packTouched(packed: PackedRecord, lastSeenAt: number, expiresAt: number): PackedRecord {
  const [line, data] = split(packed)
  line[0] = Math.max(line[0], expiresAt)
  line[7] = Math.max(line[7], lastSeenAt - line[4])
  return joined(line, data)
}

export function unpack(id: string, packed: PackedRecord): SessionRecord {
  const [line, data] = split(packed)
  const [expiresAt, state, revision, subject, createdAt, confirmed, absolute, lastSeen, auth, fingerprint, unusual] =
    line
  // One literal with every field: assembled from parts it would take thirty times as long.
  const record: SessionRecord = {
    id,
    revision,
    recent: [],
    expiresAt,
    state: STATES[state] as SessionState, // It was packed as the place of one of them.
    subject,
    generation: 0,
    confirmedAt: confirmed === null ? null : createdAt + confirmed,
    rotation: 'soft',
    hardRotations: 0,
    createdAt,
    absoluteAt: createdAt + absolute,
    lastSeenAt: createdAt + lastSeen,
    auth: Array.isArray(auth) ? { at: auth[0], methods: auth[1], level: auth[2] } : auth,
    credential: null,
    fingerprint: Array.isArray(fingerprint) ? unpackFingerprint(fingerprint) : (fingerprint as Fingerprint | null),
    device: null,
    persistent: false,
    actor: null,
    extra: {},
    endedReason: null,
    endedAt: null,
    data,
  }
  return unusual === undefined ? record : { ...record, ...unusual }
}

/** `expiresAt` of a record, without unpacking it. */
export function expiryOf(packed: PackedRecord): number {
  return Number(packed.slice(1, packed.indexOf(',')))
}

/** The rank of a session that has ended. */
export const TOMBSTONE = 0

/** Whose turn it is to go for room, without unpacking: {@link TOMBSTONE}, 1 for visitors, 2 for whoever is signed in. */
export function rankOf(packed: PackedRecord): number {
  return Math.min(Number(packed[packed.indexOf(',') + 1]), 2)
}

/** Joined, not added: a sum would be a tree that keeps its parts. */
function joined(line: Line, data: string): PackedRecord {
  return [JSON.stringify(line), data].join('\n')
}

function split(packed: PackedRecord): [line: Line, data: string] {
  const end = packed.indexOf('\n')
  return [JSON.parse(packed.slice(0, end)) as Line, packed.slice(end + 1)]
}

/** What most fingerprints are made of, in the order of the list. */
const FEATURES = ['browser', 'version', 'os', 'language', 'places'] as const satisfies readonly (keyof Fingerprint)[]

/** As a list if it has none but the usual features; otherwise as it is. */
function packFingerprint(fingerprint: Fingerprint): readonly unknown[] | Fingerprint {
  const list = FEATURES.map((feature) => fingerprint[feature] ?? null)
  return fields(fingerprint) === list.filter((value) => value !== null).length ? list : fingerprint
}

function unpackFingerprint(list: readonly unknown[]): Fingerprint {
  const fingerprint: Record<string, unknown> = {}
  for (const [place, feature] of FEATURES.entries()) {
    if (list[place] !== null) fingerprint[feature] = list[place]
  }
  return fingerprint
}

function unusualOf(record: SessionRecord): Partial<SessionRecord> | null {
  const values = record as unknown as Readonly<Record<string, unknown>> // It may have fields that its type does not know.
  let unusual: Record<string, unknown> | null = null
  for (const field in values) {
    const value = values[field]
    if (PLACED.has(field) || isUsual(field, value)) continue
    // Without a prototype, so that any name is that of a field.
    unusual ??= Object.create(null) as Record<string, unknown>
    unusual[field] = value
  }
  return unusual
}

function isUsual(field: string, value: unknown): boolean {
  const usual = USUAL.get(field)
  return value === usual || (isEmpty(value) && isEmpty(usual))
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && fields(value) === 0
}

function fields(value: object): number {
  let count = 0
  for (const _ in value) count += 1
  return count
}
