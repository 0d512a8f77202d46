import { ConfigError, StoreUnavailableError } from '../errors.ts'
import { idleDeadline } from '../kernel/expire.ts'
import type { Authentication, Device, SessionRecord } from '../kernel/record.ts'
import { standing } from '../kernel/transition.ts'
import { endRecord } from './end.ts'
import type { Engine } from './engine.ts'
import { emit, reportFailure } from './load.ts'
import type { Scannable, SessionStore, SubjectIndex } from './ports.ts'
import { callStore, isStoreFailure, withBudget } from './store-gate.ts'
import { abandonedBefore, endEntry, entriesOf, indexOf, inTime, onEach } from './subject-index.ts'

/** One session of a subject, as `sessions.list()` shows it. All instants in ms. Nothing in it can be used to sign in. */
export interface ListedSession {
  /** What `sessions.end()` takes. */
  readonly handle: string
  /** `'locked'`: known, but may not act before a reauthentication. */
  readonly state: 'authenticated' | 'locked'
  readonly createdAt: number
  /** Last activity written down; behind by at most `touchEvery`. */
  readonly lastSeenAt: number
  /** When it is over (or locks) if it is not used again. */
  readonly idleAt: number
  /** When it is over whatever happens. */
  readonly absoluteAt: number
  /**
   * What the client was at the sign-in; null unless the `device` option was on. `name` is like "Firefox on Windows", or what
   * `signIn()` was told. Texts that the client chose: escape them.
   */
  readonly device: Device | null
  /** When and how the user proved who they are. */
  readonly auth: Authentication | null
  /** Whether the cookie outlives the browser. */
  readonly persistent: boolean
  /** Whether it is the one that `current` names. */
  readonly current: boolean
  /** Who acts as the subject in this session, or null. */
  readonly actor: string | null
}

/** Options of `sessions.list()`. */
export interface ListOptions {
  /** The handle of the session that asks: `session.handle`. */
  readonly current?: string | null
}

/** On whose behalf `sessions.end()` ends a session; one of the two. */
export type EndOptions =
  | { /** Ends it only if it is this subject's: `session.subject`. */ readonly subject: string }
  | { /** Ends anybody's. Check first that whoever asks may. */ readonly asAdmin: true }

/** Options of `sessions.endAll()`. */
export interface EndAllOptions {
  /** Handles to leave alone, like `session.handle`. */
  readonly except?: string | null | readonly string[]
  /** Only those created before this instant, in ms. Clocks of several processes may disagree by `clockSkew`. */
  readonly before?: number
}

/** Names a client by its User-Agent. */
export type NameDevice = (userAgent: string) => string | null | Promise<string | null>

/** The live sessions of a subject. */
export function list(
  engine: Engine,
  subject: string,
  { current }: ListOptions,
  name: NameDevice,
): AsyncIterable<ListedSession> {
  const index = requireIndex(engine.store, 'list')
  requireSubject(subject, 'list(subject)')
  return listed(engine, index, subject, current ?? null, name)
}

async function* listed(
  engine: Engine,
  index: SubjectIndex,
  subject: string,
  current: string | null,
  name: NameDevice,
): AsyncGenerator<ListedSession> {
  const { policy, clock } = engine
  for await (const { record } of entriesOf(engine, index, subject, clock.now())) {
    const stands = standing(record, policy, clock.now())
    if (record === null || (stands !== 'authenticated' && stands !== 'locked')) continue
    const { id: handle, createdAt, lastSeenAt, absoluteAt, auth, persistent, actor } = record
    yield {
      handle,
      state: stands,
      createdAt,
      lastSeenAt,
      idleAt: idleDeadline(record, policy),
      absoluteAt,
      device: await named(record, name),
      auth,
      persistent,
      current: handle === current,
      actor: actor?.subject ?? null,
    }
  }
}

async function named({ device }: SessionRecord, name: NameDevice): Promise<Device | null> {
  const { name: told, userAgent = '' } = device ?? {}
  if (told !== undefined || userAgent === '') return device
  const found = await name(userAgent)
  return found === null ? device : { ...device, name: found }
}

/** Ends one session; whether it is over now. */
export async function endOne(engine: Engine, handle: string, options: EndOptions): Promise<boolean> {
  const owner = ownerOf(options)
  if (typeof handle !== 'string') throw new ConfigError('sessions.end(handle, …) needs the handle of a session.')
  if (!/^[A-Za-z0-9_-]{43}$/.test(handle)) return false
  return reporting(engine, () =>
    withBudget(2 * engine.storeTimeoutMs, async (budget) => {
      const record = await callStore(engine, budget, 'get', (given) => engine.store.get(handle, given))
      if (record === null) return false
      if (owner !== null && record.subject !== owner) {
        emit(engine, 'end-refused', record, { by: owner })
        return false
      }
      await endRecord(engine, budget, record, 'revoked')
      return true
    }),
  )
}

/** Ends the sessions of a subject; how many lived. */
export async function endAll(engine: Engine, subject: string, options: EndAllOptions): Promise<number> {
  const index = requireIndex(engine.store, 'endAll')
  requireSubject(subject, 'endAll(subject)')
  const { before = Number.POSITIVE_INFINITY } = options
  requireInstant(before, 'endAll(subject, { before })')
  const except = new Set(exceptions(options.except ?? []))
  const at = engine.clock.now()
  const entries = entriesOf(engine, index, subject, at)
  return endEach(engine, 'endAll', entries, async (entry) => {
    // Nobody knows when an announced session will have been created; that it was announced before is enough.
    const since = entry.record?.createdAt ?? abandonedBefore(engine, at)
    if (except.has(entry.id) || since >= before) return false
    return withBudget(2 * engine.storeTimeoutMs, (budget) => endEntry(engine, budget, entry, subject, 'revoked'))
  })
}

/** Ends every session created before an instant, visitors' included; how many lived. */
export async function endEverything(engine: Engine, options: { readonly before: number }): Promise<number> {
  const { scan } = engine.store as SessionStore & Partial<Scannable>
  if (typeof scan !== 'function') {
    throw new ConfigError(
      'sessions.endEverything() needs a store whose records can be gone through: scan() is missing.',
    )
  }
  const { before } = Object(options) as { readonly before: number }
  requireInstant(before, 'endEverything({ before })')
  const records = inTime(engine, 'scan', (given) => scan.call(engine.store, given))
  return endEach(engine, 'endEverything', records, async (record) => {
    if (record.state === 'ended' || record.createdAt >= before) return false
    return withBudget(2 * engine.storeTimeoutMs, (budget) => endRecord(engine, budget, record, 'revoked'))
  })
}

/** Goes on whatever fails, and then says so: what was not ended lives, or may live. */
async function endEach<T>(
  engine: Engine,
  operation: string,
  items: AsyncIterable<T>,
  end: (item: T) => Promise<boolean>,
): Promise<number> {
  return reporting(engine, async () => {
    let ended = 0
    const failures = await onEach(items, async (item) => {
      if (await end(item)) ended += 1
    })
    if (failures.length === 0) return ended
    const cause = failures.find((failure) => !isStoreFailure(failure)) ?? failures[0]
    throw new StoreUnavailableError(
      `${operation}: ${failures.length} sessions may live on, ${ended} were ended; call it again`,
      { cause },
    )
  })
}

async function reporting<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isStoreFailure(error)) reportFailure(engine, 'end', null, true, error)
    throw error
  }
}

function requireIndex(store: SessionStore, method: string): SubjectIndex {
  const index = indexOf(store)
  if (index !== null) return index
  throw new ConfigError(
    `sessions.${method}() needs a store that knows the sessions of a subject: listBySubject() and admit() are missing. memoryStore() and the @sess/store-* packages have them.`,
  )
}

function requireSubject(subject: unknown, call: string): void {
  if (typeof subject === 'string' && subject !== '') return
  throw new ConfigError(
    `sessions.${call} needs a subject, as signIn() was given it; nobody is signed in where it is null.`,
  )
}

function requireInstant(before: unknown, call: string): void {
  if (typeof before === 'number' && !Number.isNaN(before)) return
  throw new ConfigError(`sessions.${call} needs milliseconds since 1970, like Date.now().`)
}

function exceptions(except: string | readonly string[]): readonly string[] {
  const handles = typeof except === 'string' ? [except] : except
  if (Array.isArray(handles) && handles.every((handle) => typeof handle === 'string')) return handles
  throw new ConfigError('sessions.endAll(subject, { except }) needs a handle or a list of handles.')
}

/** The subject that must own the session; null for an administrator. */
function ownerOf(options: EndOptions): string | null {
  const { subject, asAdmin } = Object(options) as { readonly subject?: unknown; readonly asAdmin?: unknown }
  if (asAdmin === true && subject === undefined) return null
  if (asAdmin === undefined && typeof subject === 'string' && subject !== '') return subject
  throw new ConfigError(
    'sessions.end(handle, …) needs to know on whose behalf: { subject: session.subject }, or { asAdmin: true } once you have checked that.',
  )
}
