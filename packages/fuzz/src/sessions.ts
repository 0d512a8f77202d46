import {
  createSessions,
  memoryStore,
  type RequestFacts,
  SessError,
  type SessionRecord,
  type SessionStore,
  type Sessions,
} from '@sess/core'
import fc from 'fast-check'
import { corpus, pieces } from './corpus.ts'
import { check, near, type Target, target } from './target.ts'

type Data = Record<string, unknown>

const text = (kind: keyof typeof corpus): fc.Arbitrary<string> => near(corpus[kind], pieces[kind])
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })

/** Another key than the one that signed the tokens of the corpus: all of them are forgeries. */
const KEY = 'Z1uJ8s0dQ4xWm6Yb2TnKc9Rf5LgHp7VaEoIiUyStDvM'
let calls = 0
const now = (): number => Date.UTC(2026, 0, 1)

/** A memory whose calls are counted. */
function counted(): SessionStore {
  const inner = memoryStore()
  const count = <T extends unknown[], R>(call: (...input: T) => R) => {
    return (...input: T): R => {
      calls += 1
      return call(...input)
    }
  }
  return {
    durable: true,
    get: count((id: string) => inner.get(id)),
    create: count((record: SessionRecord) => inner.create(record)),
    replace: count((record: SessionRecord, expected: string) => inner.replace(record, expected)),
    touch: count((id: string, seen: number, until: number) => inner.touch(id, seen, until)),
  }
}

const settings = {
  device: true,
  ipBinding: 'exact',
  keys: KEY,
  clock: { now },
  fingerprint: { signals: { ja4: { header: 'x-ja4', weight: 60 } } },
} as const
const byCookie = createSessions<Data>({ store: counted(), ...settings })
const byHeader = createSessions<Data>({ store: counted(), ...settings, transport: { header: 'X-Session' } })

const headers = fc.record(
  {
    cookie: fc.oneof(text('cookie'), fc.array(text('cookie'), { maxLength: 3 })),
    host: text('host'),
    forwarded: text('host'),
    'x-forwarded-for': text('host'),
    'x-session': text('token'),
    'x-ja4': text('userAgent'),
    'user-agent': text('userAgent'),
    'accept-language': text('userAgent'),
    'sec-ch-ua': text('userAgent'),
    'sec-ch-ua-platform': text('userAgent'),
    origin: text('host'),
    'sec-fetch-site': fc.constantFrom('same-origin', 'cross-site', 'none', '', 'x'),
  },
  { requiredKeys: [] },
)

const facts: fc.Arbitrary<RequestFacts> = fc.record(
  {
    method: fc.constantFrom('GET', 'POST', '', 'get', 'Ü'),
    url: text('host'),
    headers,
    cookie: text('cookie'),
    token: text('token'),
    secure: fc.boolean(),
    ip: text('address'),
    upgrade: fc.boolean(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<RequestFacts>

/** Does it, and lets pass what is a typed error of ours. */
async function tolerating(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SessError) return error
    throw error
  }
}

async function visit(sessions: Sessions<Data>, given: RequestFacts): Promise<void> {
  const before = calls
  await tolerating(async () => {
    const session = await sessions.open(given)
    check(session.subject === null && session.state === 'anonymous', 'nobody is signed in by a text')
    check(Object.keys(session.data).length === 0, 'a stranger sees no data')
    await session.commit()
    const lines = session.toHeaders()
    check(
      lines.every(([name]) => name !== 'Set-Cookie' && name !== 'X-Session'),
      'a forgery is answered by no token',
    )
  })
  check(calls === before, 'what is not authentic costs no store call')
}

const stored = createSessions<Data>({ store: memoryStore(), ...settings })
const signedIn = (async () => {
  const session = await stored.open({})
  session.signIn('ada')
  await session.commit()
  const [, line = ''] = session.toHeaders().find(([name]) => name === 'Set-Cookie') ?? []
  return line.slice(0, line.indexOf(';'))
})()

/** A store that gives every session these texts. */
function holding(id: string, change: Partial<SessionRecord>): SessionStore {
  let record: SessionRecord = { ...template, id, ...change }
  return {
    durable: true,
    get: async () => record,
    create: async () => true,
    replace: async (next) => {
      record = next
      return { ok: true }
    },
    touch: async () => true,
  }
}

const template: SessionRecord = {
  ...{
    id: '',
    revision: '0.r',
    recent: [],
    expiresAt: now() * 2,
    state: 'authenticated',
    subject: 'ada',
    generation: 0,
  },
  ...{ confirmedAt: now(), rotation: 'soft', hardRotations: 0, createdAt: now(), absoluteAt: now() * 2 },
  ...{ lastSeenAt: now(), auth: null, credential: null, fingerprint: null, device: null, persistent: false },
  ...{ actor: null, extra: {}, endedReason: null, endedAt: null, data: '' },
}

/** Reads, changes and saves a session whose stored texts may be anything. */
async function useStored({ data, flash, version, onInvalid, write }: Stored): Promise<void> {
  const extra = {
    ...(flash === undefined ? {} : { 'sess/flash': flash }),
    ...(version === undefined ? {} : { 'sess/data-version': version }),
  }
  const store = holding('id', { data, extra })
  const sessions = createSessions<Data>({ store, ...settings, version: 3, migrate: (old) => old, onInvalid })
  const cookie = await signedIn
  await tolerating(async () => {
    const session = await sessions.open({ cookie })
    await tolerating(async () => ({ ...session.data }))
    if (write === 'data') session.data.visits = 1
    if (write === 'update') session.update('visits', (visits) => (visits === undefined ? 1 : visits))
    if (write === 'flash') session.flash('notice', 'hello')
    if (write === 'sign-in') session.signIn('grace', { carry: ['cart'] })
    await tolerating(() => session.takeFlash('notice'))
    await session.commit()
    check(session.subject !== null || onInvalid === 'end', 'a session ends for its data only if told to')
  })
  check(!('polluted' in {}), 'no prototype is changed')
}

interface Stored {
  readonly data: string
  readonly flash?: string | undefined
  readonly version?: string | undefined
  readonly onInvalid: 'drop' | 'end' | 'throw'
  readonly write: 'nothing' | 'data' | 'update' | 'flash' | 'sign-in'
}

/** The whole library, by its public interface. */
export const whole: readonly Target[] = [
  target({
    name: 'request facts, by cookie',
    share: 40_000,
    inputs: facts,
    run: (given) => visit(byCookie, given),
    repeated: (piece, length) => ({ headers: { cookie: piece.repeat(Math.ceil(length / piece.length)) } }),
  }),
  target({
    name: 'request facts, as a Web Request has them',
    share: 10_000,
    inputs: facts,
    run: (given) => {
      const lines = Object.entries({ ...given.headers })
      const get = (name: string): string | null => lines.find(([key]) => key === name)?.[1]?.toString() ?? null
      return visit(byCookie, { ...given, headers: { get } })
    },
  }),
  target({ name: 'request facts, by header', share: 10_000, inputs: facts, run: (given) => visit(byHeader, given) }),
  target({
    name: 'texts from a store',
    share: 20_000,
    inputs: fc.record({
      data: text('json'),
      flash: maybe(text('json')),
      version: maybe(fc.constantFrom('', '0', '1', '3', '4', 'x', '-1', 'NaN', '1e3')),
      onInvalid: fc.constantFrom('drop', 'end', 'throw'),
      write: fc.constantFrom('nothing', 'data', 'update', 'flash', 'sign-in'),
    }) as fc.Arbitrary<Stored>,
    run: useStored,
  }),
]
