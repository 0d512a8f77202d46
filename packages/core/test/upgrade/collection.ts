import { createHash } from 'node:crypto'
import { createSessions, type RequestFacts, type Session, type SessionRecord, type Sessions } from '@sess/core'
import { Browser, type Data, MINUTE, MovableClock } from '../manager/scenario.ts'
import { ScriptedStore } from '../manager/scripted-store.ts'

/** A client that comes back: its facts, its cookie, and what its request found when the collection was made. */
export interface Visitor {
  readonly facts: RequestFacts
  readonly cookie: string
  readonly found: unknown
}

/** What one version of the library leaves behind: its records, and the cookies of those who come back after an upgrade. */
export interface Collection {
  /** When the visitors come back, in ms. */
  readonly at: number
  readonly visitors: Readonly<Record<string, Visitor>>
  readonly records: readonly SessionRecord[]
}

const KEYS = ['kQ3vJ0m2Zr8bT5xY1nW7cP4hL6sD9fGaEuRiOtVpXyM', 'Z1uJ8s0dQ4xWm6Yb2TnKc9Rf5LgHp7VaEoIiUyStDvM']
const STAMP = '$argon2id$v=19$stamp'
const LINUX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const HOME = { ip: '198.51.100.7', headers: { 'user-agent': LINUX, 'accept-language': 'de-DE', 'x-ja4': 't13d1516h2' } }
const TOOL = { ip: '2001:db8:1:2::7', headers: { 'user-agent': 'acme-sync (build 7)' } }

/** Sessions that draw on everything that is kept. The keys are written out, so that an old cookie opens with them today. */
export function openWith(store: ScriptedStore, at: number): { sessions: Sessions<Data>; clock: MovableClock } {
  const clock = new MovableClock()
  clock.instant = at
  let draws = 0
  const bytes = (size: number) => new Uint8Array(createHash('sha256').update(`${draws++}`).digest().subarray(0, size))
  const sessions = createSessions<Data>({
    store,
    clock,
    keys: KEYS,
    random: { bytes },
    device: true,
    carry: ['cart', 'visits', 'more'],
    version: 2,
    ipBinding: 'exact',
    fingerprint: {
      signals: { ja4: { header: 'x-ja4', weight: 60 } },
      locate: () => ({ asn: 64496, country: 'DE' }),
    },
  })
  return { sessions, clock }
}

/** What a request finds: everything that a visitor or the application could notice after an upgrade. */
export async function find(session: Session<Data>): Promise<unknown> {
  const { state, subject, lockedSubject, actor, handle, generation, createdAt, idleAt, absoluteAt } = session
  const { auth, persistent, refused, previous } = session
  const credential = state === 'authenticated' ? await session.verifyCredential(STAMP) : null
  const messages = refused === null ? await session.takeFlash('notice') : []
  const seen = { state, subject, lockedSubject, actor, handle, generation, createdAt, idleAt, absoluteAt }
  const found = { ...seen, auth, persistent, refused, previous, credential, messages, data: { ...session.data } }
  return JSON.parse(JSON.stringify(found))
}

type Act = (session: Session<Data>) => void

/** What each visitor does, request by request; the next one is so many minutes later. */
const stories: Readonly<
  Record<string, { facts: RequestFacts; acts: readonly (readonly [minutes: number, act: Act])[] }>
> = {
  visitor: { facts: HOME, acts: [[0, fill]] },
  'signed in': { facts: HOME, acts: [...signIn({ credential: STAMP, methods: ['password'], level: 1 })] },
  'signed in from another network': { facts: TOOL, acts: [...signIn({ level: 2 })] },
  remembered: { facts: HOME, acts: [...signIn({ persistent: true, credential: STAMP })] },
  'rotated in time': { facts: HOME, acts: [...signIn({}), [16, () => {}]] },
  'rotated hard': { facts: HOME, acts: [...signIn({}), [1, (session) => session.rotate({ hard: true })]] },
  'proved again': {
    facts: HOME,
    acts: [
      ...signIn({ methods: ['password'], level: 1 }),
      [2, (session) => session.reauthenticate({ method: 'totp', level: 2 })],
      [1, (session) => session.reauthenticate({ method: 'password' })],
    ],
  },
  locked: { facts: HOME, acts: [...signIn({ credential: STAMP }), [1, (session) => session.lock()]] },
  acting: { facts: HOME, acts: [...signIn({ methods: ['password'] }), [1, (session) => session.actAs('grace')]] },
  'written often': { facts: HOME, acts: [...signIn({}), ...Array(10).fill([0, count])] },
}

function fill(session: Session<Data>): void {
  Object.assign(session.data, { cart: ['book', { 'ü"\\': null }], visits: 1, more: [1.5, true] })
  session.flash('notice', { text: 'Welcome – здравствуйте' })
}

function count(session: Session<Data>): void {
  session.update('visits', (visits) => Number(visits) + 1)
}

function* signIn(options: Parameters<Session<Data>['signIn']>[1]): Generator<readonly [number, Act]> {
  yield [0, fill]
  yield [1, (session) => session.signIn('ada', { carry: ['cart', 'visits', 'more'], ...options })]
  yield [1, fill]
}

/** Tells the stories, and has everybody come back: one more time with the latest cookie, with the one before, and after a sign-out. */
export async function collect(): Promise<Collection> {
  const store = new ScriptedStore(true)
  const start = Date.UTC(2026, 0, 1)
  const { sessions, clock } = openWith(store, start)
  const cookies: Record<string, { facts: RequestFacts; cookie: string }> = {}
  for (const [name, { facts, acts }] of Object.entries(stories)) {
    const browser = new Browser(sessions)
    clock.instant = start
    for (const [minutes, act] of acts) {
      const before = browser.cookie
      clock.advance(minutes * MINUTE)
      await browser.request(act, facts)
      if (before !== null) cookies[`${name}, with the cookie before`] = { facts, cookie: before }
    }
    cookies[name] = { facts, cookie: browser.cookie ?? '' }
  }
  const gone = new Browser(sessions)
  await gone.request((session) => session.signIn('ada'), HOME)
  cookies['signed out'] = { facts: HOME, cookie: gone.cookie ?? '' }
  await gone.request((session) => session.signOut(), HOME)
  return comeBack(store, start + 20 * MINUTE, cookies)
}

async function comeBack(
  store: ScriptedStore,
  at: number,
  cookies: Readonly<Record<string, { facts: RequestFacts; cookie: string }>>,
): Promise<Collection> {
  const records = [...store.records.values()]
  const visitors: Record<string, Visitor> = {}
  for (const [name, { facts, cookie }] of Object.entries(cookies)) {
    visitors[name] = { facts, cookie, found: await revisit(records, at, { facts, cookie }) }
  }
  return { at, visitors, records }
}

/** One visitor comes back to a store with these records. */
export async function revisit(
  records: readonly SessionRecord[],
  at: number,
  { facts, cookie }: Pick<Visitor, 'facts' | 'cookie'>,
): Promise<unknown> {
  const store = new ScriptedStore(true)
  for (const record of records) store.records.set(record.id, structuredClone(record))
  const browser = new Browser(openWith(store, at).sessions)
  browser.cookie = cookie
  return find(await browser.open(facts))
}
