import {
  createSessions,
  type Fingerprint,
  type FingerprintOptions,
  memoryStore,
  type NetworkInfo,
  type RequestFacts,
  type Session,
  type SessionRecord,
} from '@sess/core'
import { assess, defaultPolicy, fingerprintLevels } from '@sess/core/kernel'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type Client, drifted, fingerprintOf, observedBy } from '../../src/manager/client.ts'
import type { Engine } from '../../src/manager/engine.ts'
import { readClientSettings } from '../../src/manager/fingerprint-options.ts'
import { Browser, type Data, failure, MINUTE, type Scenario, setUp } from './scenario.ts'
import { fails } from './scripted-store.ts'

const LINUX = 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0'
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; rv:127.0) Gecko/20100101 Firefox/127.0'
const HOME = '198.51.100.7'
const CAFE = '203.0.113.9'
const ABROAD = '192.0.2.1'

/** The facts of one request. */
function from(userAgent: string, ip?: string, headers: Record<string, string> = {}): RequestFacts {
  return { headers: { 'user-agent': userAgent, 'accept-language': 'de-DE,de;q=0.9', ...headers }, ip }
}

async function signedInFrom(facts: RequestFacts, options: Parameters<typeof setUp>[0]): Promise<Scenario> {
  const scenario = setUp(options)
  await scenario.browser.request((session) => session.signIn('ada'), facts)
  scenario.drainEvents()
  scenario.store.drain()
  return scenario
}

describe('a changed client', () => {
  async function changed(fingerprint: 'off' | 'observe' | 'standard' | 'strict' | FingerprintOptions) {
    const scenario = await signedInFrom(from(LINUX, HOME), { fingerprint })
    return { ...scenario, session: await scenario.browser.request(() => {}, from(WINDOWS, CAFE)) }
  }

  it('off: nothing is kept or compared', async () => {
    const { session, events, store } = await changed('off')
    expect(session.state).toBe('authenticated')
    expect(events).toEqual([])
    expect(store.only.fingerprint).toBeNull()
  })

  it('observe: is an event that says what standard would have done', async () => {
    const { session, events } = await changed('observe')
    expect(session.state).toBe('authenticated')
    const found = { score: 65, reasons: ['os', 'network'], verdict: 'lock', enforced: false }
    expect(events).toMatchObject([{ type: 'fingerprint-changed', subject: 'ada', ...found }])
  })

  it('standard: is an event and a lock, for the old client too, until somebody proves who they are', async () => {
    const { session, browser, events } = await changed('standard')
    expect(session).toMatchObject({ state: 'locked', subject: null })
    expect(events).toMatchObject([
      { type: 'fingerprint-changed', verdict: 'lock', enforced: true },
      { type: 'locked', reason: 'fingerprint' },
    ])
    expect((await browser.open(from(LINUX, HOME))).state).toBe('locked')
    await browser.request((current) => current.reauthenticate({ method: 'password' }), from(WINDOWS, CAFE))
    expect((await browser.request(() => {}, from(WINDOWS, CAFE))).state).toBe('authenticated')
    expect((await browser.request(() => {}, from(LINUX, HOME))).state).toBe('locked')
  })

  it('end: is an event and an end, which erases what was known', async () => {
    const { session, events, store } = await changed({ level: 'strict', endAt: 65 })
    expect(session).toMatchObject({ state: 'anonymous', previous: { reason: 'fingerprint' } })
    expect(events).toMatchObject([
      { type: 'fingerprint-changed', verdict: 'end', enforced: true },
      { type: 'ended', reason: 'fingerprint' },
    ])
    expect(store.only).toMatchObject({ state: 'ended', fingerprint: null })
  })

  it('end: a store that cannot write it down refuses the request all the same', async () => {
    const options = { fingerprint: { level: 'strict', endAt: 65 } } as const
    const { store, browser, events } = await signedInFrom(from(LINUX, HOME), options)
    store.next('replace', fails, fails)
    const session = await browser.open(from(WINDOWS, CAFE))
    expect(session).toMatchObject({ state: 'anonymous', refused: 'superseded' })
    expect(events.map(({ type }) => type)).toEqual(['store-failed'])
    expect(store.only.state).toBe('authenticated')
  })

  it('is reported only, if so told', async () => {
    const { session, events } = await changed({ level: 'strict', endAt: 65, reportOnly: true })
    expect(session.state).toBe('authenticated')
    expect(events).toMatchObject([{ verdict: 'end', enforced: false }])
  })

  it('of a visitor is told and does not lock', async () => {
    const { browser, events } = setUp({ fingerprint: 'strict' })
    await browser.request((session) => session.update('visits', () => 1), from(LINUX, HOME))
    const session = await browser.request(() => {}, from(WINDOWS, HOME))
    expect(session).toMatchObject({ state: 'anonymous', data: { visits: 1 } })
    expect(events.at(-1)).toMatchObject({ type: 'fingerprint-changed', verdict: 'lock', enforced: false })
  })

  it('counts own signals that a trusted proxy sends in a header', async () => {
    const signals = { ja4: { header: 'X-JA4', weight: 60 } }
    const options = { fingerprint: { level: 'standard', signals } } as const
    const { browser, events } = await signedInFrom(from(LINUX, HOME, { 'x-ja4': 'one' }), options)
    expect((await browser.request(() => {}, from(LINUX, HOME))).state).toBe('authenticated')
    expect((await browser.request(() => {}, from(LINUX, HOME, { 'x-ja4': 'two' }))).state).toBe('locked')
    expect(events).toMatchObject([{ reasons: ['ja4'], score: 60, verdict: 'lock', enforced: true }, { type: 'locked' }])
  })
})

describe('what is stored of a client', () => {
  const hints = { 'sec-ch-ua': '"Chromium";v="126"', 'x-ja4': 'tls-of-the-client' }
  const everything: FingerprintOptions = {
    signals: { ja4: { header: 'x-ja4', weight: 30 } },
    locate: () => ({ asn: 64500, country: 'DE' }),
  }

  it('is classes and keyed digests, never the address, the User-Agent or a signal', async () => {
    const facts = from('Shop/1 (unheard of)', HOME, hints)
    const { store } = await signedInFrom(facts, { fingerprint: everything, ipBinding: 'exact' })
    expect(store.only.fingerprint).toEqual({
      language: 'de',
      places: [
        expect.stringMatching(/^4\.[\w-]{16}$/),
        expect.stringMatching(/^asn\.[\w-]{16}$/),
        expect.stringMatching(/^country\.[\w-]{16}$/),
      ],
      address: expect.stringMatching(/^[\w-]{16}$/),
      marks: { agent: expect.stringMatching(/^[\w-]{16}$/), ja4: expect.stringMatching(/^[\w-]{16}$/) },
    })
    const text = JSON.stringify([...store.records.values()])
    for (const raw of ['198.51', 'Shop/1', 'unheard', 'tls-of', '64500', '"DE"']) expect(text).not.toContain(raw)
  })

  it('differs between sessions of the same client, so that nobody can be followed through a dump', async () => {
    const first = await signedInFrom(from(LINUX, HOME), {})
    const second = await signedInFrom(from(LINUX, HOME), {})
    expect(first.store.only.fingerprint?.browser).toBe('firefox')
    expect(first.store.only.fingerprint?.places).not.toEqual(second.store.only.fingerprint?.places)
  })

  it('is no more than the address where only that is bound', async () => {
    const { store } = await signedInFrom(from('Shop/1', HOME), { fingerprint: 'off', ipBinding: 'exact' })
    expect(Object.keys(store.only.fingerprint ?? {})).toEqual(['places', 'address'])
  })

  it('is erased at the end', async () => {
    const { browser, store } = await signedInFrom(from(LINUX, HOME), {})
    await browser.request((session) => session.signOut(), from(LINUX, HOME))
    expect(store.only).toMatchObject({ state: 'ended', fingerprint: null })
  })
})

describe('the baseline', () => {
  const later = (userAgent: string) => userAgent.replaceAll('127', '128')

  it('takes in a newer version and new networks when something else is written, and never writes for itself', async () => {
    const { browser, store, clock } = await signedInFrom(from(LINUX, HOME), {})
    const before = store.only.fingerprint
    await browser.request(() => {}, from(later(LINUX), CAFE))
    expect(store.drain()).toEqual(['get'])
    expect(store.only.fingerprint).toEqual(before)
    await browser.request((session) => session.update('visits', () => 1), from(later(LINUX), CAFE))
    expect(store.drain()).toEqual(['get', 'replace'])
    expect(store.only.fingerprint).toMatchObject({ version: 128, places: [before?.places?.[0], expect.any(String)] })
    clock.advance(16 * MINUTE)
    await browser.request(() => {}, from(later(LINUX), ABROAD))
    expect(store.only).toMatchObject({ generation: 1, fingerprint: { places: { length: 3 } } })
  })

  it('takes in nothing of a client that is not accepted as the same, or that is locked', async () => {
    const { browser, store } = await signedInFrom(from(LINUX, HOME), {})
    const before = store.only.fingerprint
    await browser.request((session) => session.update('visits', () => 1), from(later(WINDOWS), CAFE))
    expect(store.only.fingerprint).toEqual(before)
    const rotateAndLock = (session: Session<Data>) => {
      session.rotate({ hard: true })
      session.lock()
    }
    await browser.request(rotateAndLock, from(LINUX, HOME))
    store.drain()
    await browser.request(() => {}, from(later(LINUX), CAFE))
    expect(store.drain()).toEqual(['get', 'replace'])
    expect(store.only).toMatchObject({ state: 'locked', confirmedAt: expect.any(Number), fingerprint: before })
  })

  it('takes in what comes with a difference that is only told', async () => {
    const { browser, store } = await signedInFrom(from(LINUX, HOME), {})
    await browser.request((session) => session.update('visits', () => 1), from(WINDOWS, HOME))
    await browser.request((session) => session.update('visits', () => 2), from(LINUX.replaceAll('127', '120'), CAFE))
    expect(store.only.fingerprint).toMatchObject({ version: 127, os: 'linux', places: { length: 2 } })
  })

  it('is a new one after each proof of identity, and after each sign-in', async () => {
    const { browser, store } = await signedInFrom(from(LINUX, HOME), {})
    await browser.request((session) => session.reauthenticate({ method: 'password' }), from(later(WINDOWS), CAFE))
    expect(store.only.fingerprint).toMatchObject({ os: 'windows', version: 128, places: { length: 1 } })
    const before = store.only.fingerprint
    await browser.request((session) => session.reauthenticate({ method: 'password' }))
    expect(store.only.fingerprint).toEqual(before)
  })

  it('stays none for a session that began without one', async () => {
    const keys = Uint8Array.from({ length: 32 }, (_, at) => at)
    const { browser, store, clock } = await signedInFrom(from(LINUX, HOME), { fingerprint: 'off', keys })
    const watched = new Browser(createSessions({ store, clock, keys, fingerprint: 'strict' }))
    watched.cookie = browser.cookie
    await watched.request((session) => session.update('visits', () => 1), from(WINDOWS, CAFE))
    expect(store.only).toMatchObject({ state: 'authenticated', fingerprint: null })
  })
})

describe('digests that are left out because they could not matter', () => {
  const feature = fc.constantFrom('a', 'b')
  const classes: fc.Arbitrary<Fingerprint> = fc.record(
    {
      browser: feature,
      version: fc.integer({ min: 100, max: 104 }),
      os: fc.constantFrom('linux', 'android', 'windows'),
      language: feature,
    },
    { requiredKeys: [] },
  )
  const clients: fc.Arbitrary<Client> = fc
    .tuple(classes, fc.dictionary(fc.constantFrom('4', '6'), feature), fc.dictionary(fc.constant('agent'), feature))
    .map(([looks, places, marks]) => ({
      classes: looks,
      places: () => places,
      address: () => null,
      marks: () => marks,
    }))

  it.each(['observe', 'standard', 'strict'] as const)('%s: the verdict is the same', (level) => {
    const policy = { ...defaultPolicy, fingerprint: fingerprintLevels[level] }
    const engine = { policy, client: readClientSettings(level, policy) } as Engine
    expect(engine.client.digestsMatter).toBe(false)
    const sid = 'a'.repeat(43)
    fc.assert(
      fc.property(clients, clients, (before, now) => {
        const record = { fingerprint: fingerprintOf(before, sid) } as SessionRecord
        const [quick, full] = [observedBy(engine, now, sid, record), fingerprintOf(now, sid)].map((observed) =>
          assess(record.fingerprint, observed, policy),
        )
        expect(quick?.band).toBe(full?.band)
        if (full?.band !== 'ok') expect(quick).toEqual(full)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the client of a request', () => {
  const sid = 'a'.repeat(43)
  const record = (fingerprint: Fingerprint | null) => ({ fingerprint }) as SessionRecord
  const policy = { ...defaultPolicy, fingerprint: fingerprintLevels.standard }
  const engineOf = (digestsMatter: boolean) => ({ policy, client: { digestsMatter } }) as Engine
  const client: Client = {
    classes: { browser: 'firefox' },
    places: () => ({ 4: '198.51.100' }),
    address: () => HOME,
    marks: () => ({ ja4: 'x' }),
  }

  it('is kept as digests that stay the same from release to release', () => {
    expect(fingerprintOf(client, sid)).toEqual({
      browser: 'firefox',
      places: ['4.Wb850SIYV4tczn7f'],
      address: 'jlE_2StAAwILvXlk',
      marks: { ja4: 'eY0rY1EECZMcm9Z0' },
    })
  })

  it.each([false, true])('is compared with nothing where one side is not known; digests matter: %s', (matter) => {
    const engine = engineOf(matter)
    expect(observedBy(engine, null, sid, record({ browser: 'firefox' }))).toBeNull()
    expect(observedBy(engine, client, sid, record(null))).toBeNull()
    expect(observedBy(engine, client, sid, null)).toBeNull()
  })

  it('is digested only where that could matter', () => {
    const before = record({ browser: 'firefox' })
    expect(observedBy(engineOf(false), client, sid, before)).toBe(client.classes)
    expect(observedBy(engineOf(true), client, sid, before)).toEqual(fingerprintOf(client, sid))
  })

  it.each([
    [15, true],
    [16, false],
  ])('can matter by its digests where network and User-Agent reach the first threshold: %d', (observeAt, matter) => {
    const fingerprint = { ...fingerprintLevels.standard, observeAt }
    const settings = readClientSettings({}, { fingerprint, ipBinding: 'off' })
    expect(settings).toMatchObject({ digestsMatter: matter, address: 'network' })
  })

  it('leaves a baseline alone that it adds nothing to', () => {
    const [unwatched, watched] = [record(null), record({ browser: 'firefox' })]
    expect(drifted(engineOf(true), unwatched, client, sid)).toBe(unwatched)
    expect(drifted(engineOf(true), watched, null, sid)).toBe(watched)
  })
})

describe('ipBinding', () => {
  it.each([
    ['prefix', '198.51.100.99', 'authenticated'],
    ['prefix', '198.51.101.7', 'locked'],
    ['prefix', '2001:db8::1', 'locked'],
    ['exact', '::ffff:198.51.100.7', 'authenticated'],
    ['exact', '198.51.100.99', 'locked'],
    ['exact', undefined, 'authenticated'],
    ['off', '192.0.2.1', 'authenticated'],
  ] as const)('%s: from %s the session is %s', async (ipBinding, ip, state) => {
    const { browser, events } = await signedInFrom(from(LINUX, HOME), { ipBinding, fingerprint: 'off' })
    expect((await browser.request(() => {}, from(WINDOWS, ip))).state).toBe(state)
    const told = { type: 'fingerprint-changed', reasons: ['address'], score: 0, verdict: 'lock', enforced: true }
    expect(events).toMatchObject(state === 'locked' ? [told, { type: 'locked' }] : [])
  })

  it('lets a lock be opened from the new place, which is then the bound one', async () => {
    const { browser } = await signedInFrom(from(LINUX, HOME), { ipBinding: 'prefix' })
    await browser.request((session) => session.reauthenticate({ method: 'password' }), from(LINUX, CAFE))
    expect((await browser.request(() => {}, from(LINUX, CAFE))).state).toBe('authenticated')
    expect((await browser.request(() => {}, from(LINUX, HOME))).state).toBe('locked')
  })

  it('is not worn down by use', async () => {
    const { browser } = await signedInFrom(from(LINUX, HOME), { ipBinding: 'exact' })
    for (const ip of ['198.51.100.7', undefined]) {
      await browser.request((session) => session.update('visits', () => 1), from(LINUX, ip))
    }
    expect((await browser.request(() => {}, from(LINUX, '198.51.100.8'))).state).toBe('locked')
  })
})

describe('locate', () => {
  const abroad = (locate: FingerprintOptions['locate'] & {}) => ({ fingerprint: { locate } })

  it('is asked once per address', async () => {
    const locate = vi.fn((ip: string): NetworkInfo => ({ country: ip === ABROAD ? 'BR' : 'DE' }))
    const { browser, events } = await signedInFrom(from(LINUX, HOME), abroad(locate))
    for (const ip of [HOME, ABROAD, HOME, ABROAD]) await browser.request(() => {}, from(LINUX, ip))
    expect(locate.mock.calls).toEqual([[HOME], [ABROAD]])
    expect(events).toMatchObject([
      { reasons: ['country'], score: 25, verdict: 'observe', enforced: false },
      { reasons: ['country'] },
    ])
  })

  it('is never waited for: a promise counts from the next request of the address on', async () => {
    let resolve: (info: NetworkInfo) => void = () => {}
    const locate = (ip: string) =>
      ip === HOME ? { country: 'DE' } : new Promise<NetworkInfo>((settle) => (resolve = settle))
    const { browser, events } = await signedInFrom(from(LINUX, HOME), abroad(locate))
    await browser.request(() => {}, from(LINUX, ABROAD))
    expect(events).toEqual([])
    resolve({ country: 'BR' })
    await Promise.resolve()
    await browser.request(() => {}, from(LINUX, ABROAD))
    expect(events).toMatchObject([{ reasons: ['country'] }])
  })

  it.each<[string, () => never | undefined | Promise<NetworkInfo | undefined>]>([
    [
      'throws',
      () => {
        throw new Error('no database')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
    ['finds nothing', () => undefined],
    ['finds nothing later', () => Promise.resolve(undefined)],
  ])('that %s is no evidence', async (_, locate) => {
    const { browser, events, store } = await signedInFrom(from(LINUX, HOME), abroad(locate))
    await browser.request(() => {}, from(LINUX, ABROAD))
    await browser.request(() => {}, from(LINUX, ABROAD))
    expect(events).toEqual([])
    expect(store.only.fingerprint?.places).toHaveLength(1)
  })

  it('keeps what it knows of the last thousand addresses', async () => {
    let resolve: (info: NetworkInfo) => void = () => {}
    const locate = vi.fn((ip: string) =>
      ip === HOME ? new Promise<NetworkInfo>((settle) => (resolve = settle)) : { country: 'DE' },
    )
    const sessions = createSessions({ store: memoryStore(), fingerprint: { locate } })
    const session = await sessions.open({ secure: true, ip: HOME })
    session.signIn('ada')
    await session.commit()
    const cookie = session.toHeaders()[0]?.[1].split(';')[0]
    const visit = async (ip: string) => void (await sessions.open({ secure: true, cookie, ip }))
    for (let at = 0; at < 1000; at += 1) await visit(`10.0.${at >> 8}.${at & 255}`)
    resolve({ country: 'DE' })
    locate.mockClear()
    await visit('10.0.3.231')
    expect(locate).not.toHaveBeenCalled()
    await visit(HOME)
    expect(locate).toHaveBeenCalledTimes(1)
  })
})

describe('fingerprint options', () => {
  const store = memoryStore()

  it.each<[string, unknown, RegExp]>([
    [
      'a level that does not exist',
      { level: 'paranoid' },
      /`fingerprint\.level` is "paranoid"; use one of: observe, standard, strict/,
    ],
    ['off as a level', { level: 'off' }, /`fingerprint\.level` is "off"/],
    ['null', null, /`fingerprint` is null; use one of/],
    ['a former value', 'lock', /`fingerprint` is "lock"; use one of: observe, standard, strict, off/],
    ['a misspelt name', { lockat: 50 }, /`fingerprint\.lockat` is no option\. There are: level, reportOnly/],
    [
      'an unknown signal',
      { weights: { browsers: 3 } },
      /`fingerprint\.weights\.browsers` is no signal\. There are: browser, os,/,
    ],
    ['a negative weight', { weights: { os: -1 } }, /`fingerprint\.weights\.os` is -1; use a number from 0 up/],
    ['a weight that is no number', { weights: { os: '5' } }, /`fingerprint\.weights\.os` is "5"/],
    ['an infinite threshold', { lockAt: Number.POSITIVE_INFINITY }, /`fingerprint\.lockAt` is null; use a number/],
    [
      'an own signal without weight',
      { signals: { ja4: { header: 'x-ja4' } } },
      /`fingerprint\.signals\.ja4` is undefined; use a number/,
    ],
    [
      'an own signal without header',
      { signals: { ja4: { weight: 3 } } },
      /`fingerprint\.signals\.ja4\.header` must be the name of a request header/,
    ],
    [
      'an own signal in a header of two words',
      { signals: { ja4: { header: 'x ja4', weight: 3 } } },
      /`fingerprint\.signals\.ja4\.header` must be/,
    ],
    [
      'an own signal by the name of the IP binding',
      { signals: { address: { header: 'x', weight: 1 } } },
      /`fingerprint\.signals\.address`: the name is taken/,
    ],
    ['an own signal that is nothing', { signals: { ja4: null } }, /`fingerprint\.signals\.ja4\.header` must be/],
    [
      'an own signal by a taken name',
      { signals: { os: { header: 'x', weight: 1 } } },
      /`fingerprint\.signals\.os`: the name is taken/,
    ],
    ['a database', { locate: {} }, /`fingerprint\.locate` must be a function/],
    ['an event for nothing', { observeAt: 0 }, /`observeAt` must be above 0/],
    ['a lock before the event', { observeAt: 50, lockAt: 40 }, /must not be below what comes before/],
    ['an end before the lock', { lockAt: 40, endAt: 30 }, /must not be below what comes before/],
    ['an end before the event', { lockAt: false, observeAt: 40, endAt: 30 }, /must not be below what comes before/],
  ])('refuse %s', async (_, fingerprint, message) => {
    const error = await failure((async () => createSessions({ store, fingerprint: fingerprint as 'off' }))())
    expect(error).toMatchObject({ code: 'ERR_SESS_CONFIG', message: expect.stringMatching(message) })
  })

  it.each<FingerprintOptions>([
    {},
    { level: 'strict', endAt: false },
    { lockAt: false, endAt: 200 },
    { observeAt: 60, lockAt: 60, endAt: 60 },
  ])('take %j', (fingerprint) => {
    expect(() => createSessions({ store, fingerprint })).not.toThrow()
  })

  it('refuse an unknown ipBinding', async () => {
    const error = await failure((async () => createSessions({ store, ipBinding: true as never }))())
    expect(error.message).toMatch(/`ipBinding` is true; use one of: off, prefix, exact/)
  })
})
