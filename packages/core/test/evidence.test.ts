import {
  type CookieOptions,
  createSessions,
  memoryStore,
  type Random,
  type RequestFacts,
  systemRandom,
} from '@sess/core'
import { transition } from '@sess/core/kernel'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equal } from '../src/crypto/equal.ts'
import { Keyring } from '../src/crypto/keyring.ts'
import { mintToken } from '../src/crypto/token.ts'
import { readCookieOptions, writeCookie } from '../src/http/cookie.ts'
import { authenticated, events, NOW, policy, type Sample } from './kernel/samples.ts'
import { Browser, COOKIE, cookieOf, HOUR, MINUTE, setUp, signedIn } from './manager/scenario.ts'

describe('a session id', () => {
  it('is 32 bytes of the generator, drawn for it alone, and never the same twice', async () => {
    const sizes: number[] = []
    const random: Random = {
      bytes(size) {
        sizes.push(size)
        return systemRandom.bytes(size)
      },
    }
    const sessions = createSessions({ store: memoryStore(), keys: systemRandom.bytes(32), random })
    const seen = new Set<string>()
    for (let round = 0; round < 1000; round += 1) {
      const session = await sessions.open({ cookie: '' })
      session.signIn('ada')
      await session.commit()
      seen.add(session.toHeaders()[0]?.[1].split(/[=.]/)[1] ?? '')
    }
    expect(seen.size).toBe(1000)
    expect(sizes.filter((size) => size === 32)).toHaveLength(1000)
  })
})

describe('a token', () => {
  it('keeps its shape whatever the session holds', async () => {
    const { browser } = await signedIn()
    const before = browser.cookie
    await browser.request((session) => {
      session.data.email = 'ada@example.com'
    })
    expect(browser.cookie).toBe(before)
    expect(before).toMatch(/^[\w-]{43}\.0\.[\w-]{43}$/)
    const decoded = before?.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    expect(decoded?.join()).not.toContain('ada')
  })

  it('counts nowhere but in its carrier', async () => {
    const { browser, sessions, store } = await signedIn()
    const token = browser.cookie ?? ''
    const elsewhere: RequestFacts[] = [
      { url: `/?sid=${token}&${COOKIE}=${token}`, headers: {} },
      { url: `https://shop.example/${token}`, headers: {} },
      { headers: { authorization: `Bearer ${token}` } },
      {
        headers: { 'x-session': token, 'x-session-token': token, [COOKIE]: token, 'set-cookie': `${COOKIE}=${token}` },
      },
      { headers: { cookie: `other=${COOKIE}=${token}` } },
    ]
    for (const facts of elsewhere) {
      expect((await sessions.open({ secure: true, method: 'GET', ...facts })).state).toBe('anonymous')
    }
    expect(store.drain()).toEqual([])
  })

  it('that is not genuine opens nothing, however well the client matches', async () => {
    const { browser } = await signedIn({ fingerprint: 'strict' })
    const thief = browser.copy()
    thief.cookie = `${browser.cookie?.slice(0, -1)}${browser.cookie?.endsWith('A') ? 'B' : 'A'}`
    expect((await thief.open()).state).toBe('anonymous')
    expect((await browser.open()).state).toBe('authenticated')
  })

  it('in a persistent cookie opens nothing after the absolute deadline', async () => {
    const { browser, clock } = setUp({ idle: false })
    await browser.request((session) => session.signIn('ada', { persistent: true }))
    clock.advance(24 * HOUR - 1)
    expect((await browser.open()).subject).toBe('ada')
    clock.advance(1)
    expect(await browser.open()).toMatchObject({ state: 'anonymous', previous: { reason: 'absolute' } })
  })
})

describe('the comparison of secrets', () => {
  it('looks at every character, wherever the first difference is', () => {
    const looks = (a: string, b: string): number => {
      let count = 0
      const counted = (text: string) => ({
        length: text.length,
        charCodeAt(at: number): number {
          count += 1
          return text.charCodeAt(at)
        },
      })
      equal(counted(a) as unknown as string, counted(b) as unknown as string)
      return count
    }
    const secret = 'x'.repeat(43)
    const wrong = Array.from({ length: 43 }, (_, at) => `${'x'.repeat(at)}y${'x'.repeat(42 - at)}`)
    expect(new Set([...wrong, secret].map((text) => looks(secret, text)))).toEqual(new Set([86]))
    expect(looks(secret, 'x')).toBe(0)
  })
})

describe('cookies', () => {
  it('take less than 400 octets of a request by default', async () => {
    const { browser } = await signedIn()
    expect(`${COOKIE}=${browser.cookie}`.length).toBeLessThan(400)
  })

  it('name no attribute twice, whatever the options', () => {
    const options: fc.Arbitrary<CookieOptions> = fc.record(
      {
        domain: fc.constantFrom('shop.example', 'a.shop.example'),
        path: fc.constantFrom('/', '/secure', '/httponly'),
        sameSite: fc.constantFrom('lax', 'strict', 'none'),
        partitioned: fc.boolean(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(options, fc.option(fc.nat(), { nil: null }), (cookie, lifetimeMs) => {
        const line = writeCookie(readCookieOptions(cookie).secure, 'token', lifetimeMs)
        const names = line
          .split('; ')
          .slice(1)
          .map((attribute) => attribute.split('=')[0]?.toLowerCase())
        expect(new Set(names).size).toBe(names.length)
      }),
    )
  })
})

describe('how the user proved who they are', () => {
  it.each((Object.keys(events) as Sample[]).filter((sample) => !['issue', 'reauthenticate'].includes(sample)))(
    'is not changed by %s',
    (sample) => {
      const record = authenticated()
      const outcome = transition(record, events[sample], policy, NOW)
      expect(outcome.record).toMatchObject({ auth: record.auth, subject: record.subject })
    },
  )
})

describe('requests of different users', () => {
  it('see nothing of each other, however they interleave', async () => {
    const { sessions } = setUp()
    const users = ['ada', 'grace'].map((name) => ({ name, browser: new Browser(sessions) }))
    for (const { name, browser } of users) {
      await browser.request((session) => {
        session.signIn(name)
        session.data.name = name
      })
    }
    const rounds = Array.from({ length: 500 }, (_, at) => users[at % 2] ?? users[0])
    await Promise.all(
      rounds.map(async (user) => {
        const session = await user?.browser.request((current) =>
          current.update('count', (count) => Number(count ?? 0) + 1),
        )
        expect(session).toMatchObject({ subject: user?.name, data: { name: user?.name } })
      }),
    )
    for (const { browser } of users) expect((await browser.open()).data.count).toBe(250)
  })
})

describe('what leaks', () => {
  const KEY = Uint8Array.from({ length: 32 }, (_, at) => (at * 7 + 3) % 256)
  const ring = new Keyring(() => [KEY], 'token')

  /** Every text in a dump that has the shape of a session id. */
  const candidates = (dump: string): string[] => dump.match(/[\w-]{43}/g) ?? []

  it('opens nothing: the store', async () => {
    const { sessions, store, browser } = await signedIn({ keys: KEY })
    const dump = JSON.stringify([...store.records.values()])
    expect(candidates(dump).length).toBeGreaterThan(0)
    for (const text of [...candidates(dump), browser.cookie?.slice(0, 43) ?? '']) {
      const forged = `${text}.0.${text}`
      expect((await sessions.open({ cookie: `${COOKIE}=${forged}` })).state).toBe('anonymous')
    }
  })

  it('opens nothing: the store and the key together', async () => {
    const { sessions, store } = await signedIn({ keys: KEY })
    const dump = JSON.stringify([...store.records.values()])
    for (const text of candidates(dump)) {
      for (const generation of [0, 1]) {
        const cookie = `${COOKIE}=${mintToken(text, generation, ring)}`
        expect((await sessions.open({ cookie })).state).toBe('anonymous')
      }
    }
  })

  it('is the session: the key and any old cookie of it', async () => {
    const { browser, sessions } = await signedIn({ keys: KEY })
    const sid = browser.cookie?.slice(0, 43) ?? ''
    await browser.request((session) => session.rotate({ hard: true }))
    const cookie = `${COOKIE}=${mintToken(sid, 1, ring)}`
    expect((await sessions.open({ cookie })).subject).toBe('ada')
  })

  it('is anybody: writing to the store', async () => {
    const { browser, store } = await signedIn({ keys: KEY })
    store.write(store.only.id, { subject: 'root' })
    expect((await browser.open()).subject).toBe('root')
  })
})

describe('events', () => {
  it('tell nothing that a client wrote into its headers', async () => {
    const { browser, events: told, clock } = setUp({ fingerprint: 'strict', device: true, guessing: { limit: 1 } })
    const hostile = 'evil\r\n{"level":"error"}'
    const headers = {
      'user-agent': `${hostile} Chrome/1`,
      'accept-language': hostile,
      'sec-ch-ua': `${hostile}"Chromium"`,
    }
    await browser.request((session) => session.signIn('ada'), { headers, ip: hostile })
    await browser.request(() => {}, {
      headers: { ...headers, 'user-agent': 'evil Windows Firefox/1' },
      ip: '192.0.2.1',
    })
    browser.cookie = 'evil'
    await browser.request(() => {}, { headers, ip: '192.0.2.1' })
    clock.advance(MINUTE)
    expect(told.map(({ type }) => type)).toEqual(['signed-in', 'fingerprint-changed', 'token-refused', 'guessing'])
    expect(JSON.stringify(told)).not.toMatch(/evil|level/)
  })

  it('tell each refusal once', async () => {
    const { browser, sessions, clock, drainEvents } = await signedIn()
    const again = async (cookie: string | null, facts: RequestFacts = {}) => {
      const client = new Browser(sessions)
      client.cookie = cookie
      await client.open(facts).catch(() => {})
      return drainEvents()
    }
    const first = browser.cookie
    expect(await again('malformed')).toEqual(['token-refused'])
    expect(await again(first, { secure: false, headers: { host: 'shop.example' } })).toEqual(['insecure'])
    await browser.request((session) => session.rotate({ hard: true }))
    drainEvents()
    expect(await again(first)).toEqual(['token-refused'])
    clock.advance(30 * MINUTE)
    expect(await again(browser.cookie)).toEqual(['expired'])
    await browser.request((session) => session.signIn('grace'))
    const second = browser.cookie
    await browser.request((session) => session.signOut())
    drainEvents()
    expect(await again(second)).toEqual(['token-refused'])
    const unknown = await signedIn()
    unknown.store.records.clear()
    expect(cookieOf(await unknown.browser.request())).toBeNull()
    expect(unknown.drainEvents()).toEqual(['token-refused'])
  })
})
