import type { Session, SessionRecord } from '@sess/core'
import type { Jar } from './client.ts'
import { Monitor } from './monitor.ts'
import { type Beginning, START, times } from './scenario.ts'
import { connection, Storage } from './storage.ts'

/** The library under examination: the real one, or one with a seeded fault. */
export type Core = typeof import('@sess/core')

/** How a scenario begins: what is stored, and what the browsers hold. */
export interface World {
  readonly storage: Storage
  readonly client: Jar
  readonly thief: Jar
}

/** What scenarios keep: a counter, and a key of its own for each writing request. */
export interface Data {
  n: number
  [own: `w${number}`]: number
}

export const SUBJECT = 'ada'

/** The options that every process has. */
export const options = {
  keys: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8',
  idle: times.idle,
  absolute: times.absolute,
  rotateEvery: times.rotateEvery,
  overlap: times.overlap,
  touchEvery: times.touchEvery,
  carry: ['n'],
} as const

/** Bytes that depend on nothing but who asks and how often, so that orders that do not matter lead to the same state. */
export class Bytes {
  readonly #counts = new Map<number, number>()

  of(request: number, size: number): Uint8Array {
    const count = (this.#counts.get(request) ?? 0) + 1
    this.#counts.set(request, count)
    return Uint8Array.from(
      { length: size },
      (_, index) => (index === 0 ? request + 2 : index === 1 ? count : index * 7) % 256,
    )
  }
}

/** Builds the beginnings with the library itself, with nobody interfering. */
export async function begin(core: Core, from: Beginning): Promise<World> {
  const storage = new Storage()
  const monitor = new Monitor()
  const client: Jar = { cookie: null }
  const thief: Jar = { cookie: null }
  let now = START
  const bytes = new Bytes()
  const sessions = core.createSessions<Data>({
    ...options,
    store: connection(async (asked) => storage.perform({ ...asked, request: -1, nth: 0 }, monitor)),
    clock: { now: () => now },
    random: { bytes: (size) => bytes.of(-1, size) },
  })
  const visit = async (act: (session: Session<Data>) => void, at = START) => {
    now = at
    const session = await sessions.open({ cookie: cookieHeader(client.cookie) })
    act(session)
    await session.commit()
    const line = session.toHeaders().find(([name]) => name === 'Set-Cookie')?.[1]
    if (line !== undefined) client.cookie = line.slice(line.indexOf('=') + 1, line.indexOf(';'))
  }
  const look = (session: Session<Data>) => void session.subject
  const signIn = (at: number) => visit((session) => session.signIn(SUBJECT), at)
  if (from === 'visitor') return { storage, client, thief }
  if (from === 'unknown') {
    await signIn(START)
    storage.versions.clear()
    return { storage, client, thief }
  }
  if (from === 'anonymous' || from === 'planted') {
    await visit((session) => Object.assign(session.data, { n: 0 }))
    thief.cookie = from === 'planted' ? client.cookie : null
    return { storage, client, thief }
  }
  if (from === 'signed-in' || from === 'locked') {
    await signIn(START)
    if (from === 'locked') await visit((session) => session.lock())
    thief.cookie = client.cookie
    return { storage, client, thief }
  }
  // A signed-in session whose rotation is due exactly when the scenario begins.
  await signIn(START - times.rotateEvery * (from === 'two-behind' ? 2 : 1))
  thief.cookie = client.cookie
  if (from === 'two-behind') for (let twice = 0; twice < 2; twice += 1) await visit(look, START - times.rotateEvery)
  if (from === 'rotation-due') return { storage, client, thief }
  await visit(look)
  if (from === 'rotation-lost') client.cookie = thief.cookie
  if (from === 'overlap' || from === 'two-behind') await visit(look)
  return { storage, client, thief }
}

/** The Cookie header that a browser sends. */
export function cookieHeader(cookie: string | null): string {
  return cookie === null ? '' : `__Host-Http-sid=${cookie}`
}

/** Whether a record lets anybody in at an instant. */
export function lives(record: SessionRecord, now: number): boolean {
  return record.state !== 'ended' && now < record.absoluteAt && now < record.lastSeenAt + times.idle
}
