import type * as core from '@sess/core'
import { Client } from './client.ts'
import { countingStore } from './counting-store.ts'

/** The library under test, handed in: the suite imports nothing that runs. */
export type Library = Pick<typeof core, 'createSessions' | 'memoryStore'>

/** What one case found; `null` is a pass. */
export type Report = Readonly<Record<string, string | null>>

const HOUR = 3_600_000
const KEY = 'kQ3vJ0m2Zr8bT5xY1nW7cP4hL6sD9fGaEuRiOtVpXyM'
/** Token of KEY and the sid 0, 7, 14 … (mod 256), computed apart from the library by HKDF and HMAC of OpenSSL. */
const VECTOR =
  '__Host-Http-sid=AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK-2vcTL0tk.0.l3omrhjU6-UUzqg8fKEmFqWRL-ijZCG1Kix9S9D8zNU'

function check(condition: boolean, claim: string): void {
  if (!condition) throw new Error(`not so: ${claim}`)
}

function same(actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (found !== wanted) throw new Error(`expected ${wanted}, found ${found}`)
}

const parallel = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)))

function setUp({ createSessions, memoryStore }: Library, options: Partial<core.SessionsOptions> = {}) {
  let now = 1_700_000_000_000
  const counting = countingStore(memoryStore())
  const sessions = createSessions({ store: counting.store, keys: KEY, clock: { now: () => now }, ...options })
  const client = new Client(sessions)
  const pass = (ms: number): void => {
    now += ms
  }
  return { sessions, client, counting, pass }
}

type Case = (library: Library) => Promise<void>

/** Every case by its title. They run anywhere the language runs. */
export const cases: Readonly<Record<string, Case>> = {
  async 'a first write is read by the next request'(library) {
    const { client } = setUp(library)
    await client.request((session) => {
      session.data.visits = 1
    })
    same(await client.request((session) => session.data.visits), 1)
  },

  async 'listeners are told after the commit, without a flush'(library) {
    const { client, sessions } = setUp(library)
    const heard = new Promise<string | null>((resolve) => sessions.on('signed-in', ({ subject }) => resolve(subject)))
    await client.request((session) => session.signIn('ada'))
    same(await heard, 'ada')
  },

  async 'a signal aborts when its session signs out'(library) {
    const { client, sessions } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const signal = await client.request((session) => session.signal)
    same(signal.aborted, false)
    await client.request((session) => session.signOut())
    await sessions.flushEvents()
    same((signal.reason as core.SessionEndedError).ending.reason, 'signed-out')
  },

  async 'a listener is told when its session idles'(library) {
    const { client, sessions, pass } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const { handle } = await client.request((session) => session.toJSON())
    const reason = new Promise((resolve) => sessions.onEnded(handle ?? '', (ending) => resolve(ending.reason)))
    pass(HOUR)
    same(await reason, 'idle')
  },

  async 'sign-in changes the whole token, and the old one is dead'(library) {
    const { client } = setUp(library)
    await client.request((session) => {
      session.data.cart = ['book']
    })
    const before = client.copy()
    await client.request((session) => session.signIn('ada', { carry: ['cart'] }))
    check(client.cookie?.split('.')[0] !== before.cookie?.split('.')[0], 'the sid is new')
    same(await client.request((session) => [session.subject, session.data.cart]), ['ada', ['book']])
    same(await before.request((session) => [session.state, session.refused]), ['anonymous', 'replaced'])
  },

  async 'form tokens differ each time, and prove where a request comes from'(library) {
    const { client, sessions } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const tokens = await client.request((session) => [session.csrfToken(), session.csrfToken()])
    check(tokens[0] !== tokens[1] && tokens.every((token) => /^[\w-]{87}$/.test(token)), 'two tokens')
    const cookie = client.cookie ?? ''
    const post = () => sessions.open({ method: 'POST', secure: true, headers: new Headers({ cookie }) })
    for (const token of [...tokens, 'A'.repeat(87)]) {
      const session = await post()
      const genuine = tokens.includes(token)
      const outcome = await Promise.resolve(token)
        .then((text) => session.verifyCsrf(text))
        .then(() => session.subject, String)
      check(genuine ? outcome === 'ada' : outcome?.startsWith('CsrfError') === true, `${genuine}: ${outcome}`)
    }
  },

  async "another origin's request is refused"(library) {
    const { sessions } = setUp(library)
    const post = (origin: string) =>
      sessions
        .open(new Request('https://shop.example/', { method: 'POST', headers: { origin } }))
        .then(() => 'opened', String)
    same(await post('https://shop.example'), 'opened')
    check((await post('https://evil.example')).startsWith('CsrfError'), 'a refusal')
  },

  async 'sign-out ends the session for a copy of its token'(library) {
    const { client } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const copy = client.copy()
    await client.request((session) => session.signOut())
    const found = await copy.request((session) => [session.subject, session.previous?.reason])
    same(found, [null, 'signed-out'])
  },

  async 'a sign-out survives a slower writer of the same session'(library) {
    const { client } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const slow = client.copy()
    const writer = await slow.open()
    await client.request((session) => session.signOut())
    writer.data.late = true
    const code = await writer.commit().then(
      () => 'saved',
      (error: { code?: string }) => error.code,
    )
    same(code, 'ERR_SESS_INTERRUPTED')
    same(await slow.request((session) => session.subject), null)
  },

  async 'twenty parallel writes of different keys all arrive'(library) {
    const { client } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    await parallel(20, (index) =>
      client.copy().request((session) => {
        session.data[`key${index}`] = index
      }),
    )
    same(await client.request((session) => Object.keys(session.data).length), 20)
  },

  async 'fifty parallel updates count to fifty'(library) {
    const { client } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const count = (value: unknown): number => Number(value ?? 0) + 1
    await parallel(50, () => client.copy().request((session) => session.update('count', count)))
    same(await client.request((session) => session.data.count), 50)
  },

  async 'ten parallel requests rotate to one successor'(library) {
    const { client, pass } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const before = client.cookie
    pass(HOUR / 4)
    const tabs = Array.from({ length: 10 }, () => client.copy())
    await Promise.all(tabs.map((tab) => tab.request((session) => session.subject)))
    const successors = new Set(tabs.map((tab) => tab.cookie).filter((cookie) => cookie !== before))
    same(successors.size, 1)
    for (const tab of tabs) same(await tab.request((session) => session.subject), 'ada')
  },

  async 'a retired token that comes back later ends the session'(library) {
    const { client, pass } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const stolen = client.copy()
    pass(HOUR / 4)
    await client.request((session) => session.subject)
    check(client.cookie !== stolen.cookie, 'the token was rotated')
    await client.request((session) => session.subject)
    pass(61_000)
    same(await stolen.request((session) => [session.subject, session.previous?.reason]), [null, 'reuse'])
    same(await client.request((session) => session.subject), null)
  },

  async 'a forged token costs no store call'(library) {
    const { client, counting } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const calls = counting.calls
    const genuine = client.cookie as string
    const flipped = genuine.slice(0, -2) + (genuine.at(-2) === 'A' ? 'B' : 'A') + genuine.slice(-1)
    for (const cookie of [flipped, '__Host-Http-sid=nonsense', `${genuine}.`, `__Host-Http-sid=${'x'.repeat(8192)}`]) {
      const forger = client.copy()
      forger.cookie = cookie
      same(await forger.request((session) => session.state), 'anonymous')
    }
    same(counting.calls, calls)
  },

  async 'what the store holds opens nothing'(library) {
    const { client, counting } = setUp(library)
    await client.request((session) => session.signIn('ada'))
    const [sid = '', , mac = ''] = (client.cookie as string).slice('__Host-Http-sid='.length).split('.')
    check(sid.length === 43 && mac.length === 43, 'the cookie is sid.generation.mac')
    check(!counting.written.includes(sid) && !counting.written.includes(mac), 'neither sid nor mac is stored')
  },

  async 'the idle deadline ends a session to the millisecond'(library) {
    const { client, pass } = setUp(library, { rotateEvery: false })
    await client.request((session) => session.signIn('ada'))
    pass(HOUR / 2 - 1)
    same(await client.request((session) => session.subject), 'ada')
    pass(HOUR / 2)
    same(await client.request((session) => [session.subject, session.previous?.reason]), [null, 'idle'])
  },

  async 'the absolute deadline ends a session in use to the millisecond'(library) {
    const { client, pass } = setUp(library, { absolute: '1h' })
    await client.request((session) => session.signIn('ada'))
    for (const ms of [HOUR / 3, HOUR / 3, HOUR / 3 - 1]) {
      pass(ms)
      same(await client.request((session) => session.subject), 'ada')
    }
    pass(1)
    same(await client.request((session) => [session.subject, session.previous?.reason]), [null, 'absolute'])
  },

  async 'the same key and randomness make the same token everywhere'(library) {
    const bytes = (size: number): Uint8Array => new Uint8Array(size).map((_, index) => (index * 7) % 256)
    const { client } = setUp(library, { random: { bytes } })
    await client.request((session) => session.signIn('ada'))
    same(client.cookie, VECTOR)
  },

  async 'randomness comes from the platform'(library) {
    const { client, sessions } = setUp(library)
    const other = new Client(sessions)
    await client.request((session) => session.signIn('ada'))
    await other.request((session) => session.signIn('ada'))
    check(client.cookie !== other.cookie, 'two sign-ins have two tokens')
  },

  async 'a value that JSON would change is refused with its path'(library) {
    const { client } = setUp(library)
    const session = await client.open()
    session.data.cart = { items: [{ at: new Map() }] }
    const error = await session.commit().catch((reason: { code?: string; path?: string }) => reason)
    same([error?.code, error?.path], ['ERR_SESS_VALUE', 'cart.items[0].at'])
  },

  async 'a store that hangs is a 503 after the timeout'(library) {
    const options = { storeTimeout: 20, overlap: '60s' } as const
    const { client, sessions } = setUp(library, options)
    await client.request((session) => session.signIn('ada'))
    const hanging = countingStore(library.memoryStore(), () => new Promise(() => {}))
    const stuck = new Client(library.createSessions({ store: hanging.store, keys: KEY, ...options }), client.cookie)
    const error = await stuck.open().catch((reason: { code?: string; status?: number }) => reason)
    same(
      [(error as { code?: string }).code, (error as { status?: number }).status],
      ['ERR_SESS_STORE_UNAVAILABLE', 503],
    )
    same((await sessions.open({ cookie: client.cookie })).subject, 'ada')
  },

  async 'session.user = … says what to do instead'(library) {
    const { client } = setUp(library)
    const session = (await client.open()) as unknown as { user: string }
    try {
      session.user = 'ada'
    } catch (error) {
      same((error as { code?: string }).code, 'ERR_SESS_USE_DATA')
      return
    }
    check(false, 'it throws')
  },
}

/** Runs every case, one after the other. */
export async function runSuite(library: Library): Promise<Report> {
  const report: Record<string, string | null> = {}
  for (const [title, run] of Object.entries(cases)) {
    report[title] = await run(library).then(
      () => null,
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    )
  }
  return report
}
