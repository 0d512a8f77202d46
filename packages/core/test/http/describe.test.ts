import { createSessions, memoryStore, type Preset, type SessionStore, type SessionsOptions } from '@sess/core'
import { fingerprintLevels } from '@sess/core/kernel'
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => void vi.unstubAllEnvs())

const KEYS = [7, 11].map((step) => Uint8Array.from({ length: 32 }, (_, at) => (at * step + 3) % 256))
const store = memoryStore()
const described = (options: Partial<SessionsOptions> = {}) => createSessions({ store, ...options }).describe()
const deviating = (options: Partial<SessionsOptions>) =>
  described(options).deviations.map(({ requirement }) => requirement)

describe('describe()', () => {
  it('explains a configuration without options', () => {
    const { deviations, shortOf, cryptography, ...rest } = described()
    expect(rest).toEqual({
      preset: null,
      times: {
        idle: { ms: 1_800_000, text: '30m' },
        absolute: { ms: 86_400_000, text: '24h' },
        persistentIdle: { ms: 1_209_600_000, text: '14d' },
        persistentAbsolute: { ms: 2_592_000_000, text: '30d' },
        rotateEvery: { ms: 900_000, text: '15m' },
        overlap: { ms: 60_000, text: '1m' },
        touchEvery: { ms: 60_000, text: '1m' },
        clockSkew: { ms: 5000, text: '5s' },
        retainEnded: { ms: 86_400_000, text: '24h' },
        storeTimeout: { ms: 2000, text: '2s' },
      },
      onIdle: 'end',
      onStoreError: 'fail',
      client: {
        fingerprint: fingerprintLevels.observe,
        ipBinding: 'off',
        kept: [
          'browser family, major version, operating system class and primary language',
          'keyed digests of the last networks (IPv4 /24, IPv6 /64)',
          'keyed digests of unknown User-Agents',
        ],
      },
      transport: 'cookie',
      cookies: [
        {
          name: '__Host-Http-sid',
          attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax',
          purpose: 'the session token',
          when: 'https',
        },
        {
          name: 'sid',
          attributes: 'Path=/; HttpOnly; SameSite=Lax',
          purpose: 'the session token',
          when: 'plain http on loopback',
        },
        {
          name: '__Host-Http-sid-csrf',
          attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax',
          purpose: 'what form tokens of visitors without a session are bound to',
          when: 'https',
        },
        {
          name: 'sid-csrf',
          attributes: 'Path=/; HttpOnly; SameSite=Lax',
          purpose: 'what form tokens of visitors without a session are bound to',
          when: 'plain http on loopback',
        },
      ],
      csrf: {
        profile: 'modern',
        origin: null,
        origins: [],
        missing: 'token',
        header: 'x-csrf-token',
        field: '_csrf',
        isolation: 'off',
        exempt: false,
        reportOnly: false,
        strictWrites: false,
      },
      keys: { origin: 'random per process', ids: [] },
      store: { durable: false, powers: expect.arrayContaining(['evicts']) },
    })
    expect(cryptography.map(({ algorithm }) => algorithm)).toContain('HMAC-SHA-256')
    expect(shortOf.aal2.map(({ option }) => option)).toEqual(['persistent.absolute', 'persistent.idle'])
    expect(described({ persistent: false }).shortOf.aal2).toEqual([])
    expect(deviations.map(({ requirement }) => requirement)).toEqual(expect.arrayContaining(['R047', 'R102']))
  })

  it('explains everything that can be told to it', () => {
    const description = described({
      keys: KEYS,
      idle: false,
      absolute: '90d',
      rotateEvery: false,
      overlap: '90s',
      clockSkew: '1500ms',
      fingerprint: { level: 'strict', locate: () => null, signals: { ja4: { header: 'x-ja4', weight: 60 } } },
      ipBinding: 'exact',
      device: true,
      transport: { header: 'X-Session' },
      onIdle: 'lock',
      persistent: false,
    })
    expect(description.times).toMatchObject({
      idle: { ms: null, text: 'none' },
      absolute: { text: '90d' },
      rotateEvery: { ms: null, text: 'none' },
      overlap: { text: '90s' },
      clockSkew: { text: '1500ms' },
    })
    expect(description.client.fingerprint).toEqual({ ...fingerprintLevels.strict, marks: { ja4: 60 } })
    expect(description.client.kept).toEqual([
      'browser family, major version, operating system class and primary language',
      'keyed digests of the last networks (IPv4 /24, IPv6 /64)',
      'keyed digests of the last autonomous systems and countries',
      'keyed digest of the IP address',
      'keyed digests of unknown User-Agents, ja4',
      'IP address, User-Agent and name of the sign-in, in clear',
    ])
    expect(description).toMatchObject({ transport: { header: 'x-session' }, cookies: [], csrf: null, onIdle: 'lock' })
    expect(description.shortOf.aal1).toEqual([
      ...['absolute', 'persistent.absolute'].map((option) => ({
        option,
        problem: 'is 90d; at most 30d',
        requirement: 'R048',
        source: 'NIST SP 800-63B-4 §2.1.3',
      })),
    ])
    const deadlines = ['absolute', 'idle', 'persistent.absolute', 'persistent.idle']
    expect(description.shortOf.aal3.map(({ option }) => option)).toEqual([...deadlines, 'onIdle'])
    expect(description.shortOf.highValue.map(({ option }) => option)).toEqual(deadlines)
  })

  it.each([
    [0, '0ms'],
    [59_999, '59999ms'],
    ['90s', '90s'],
    ['120m', '2h'],
    ['24h', '24h'],
    ['48h', '2d'],
    ['49h', '49h'],
  ] as const)('writes %s as %s', (clockSkew, text) => {
    expect(described({ clockSkew, overlap: '60d', idle: false, absolute: '90d' }).times.clockSkew.text).toBe(text)
  })

  it('tells the protection against requests of other sites that is in force', () => {
    expect(described({ csrf: 'apiOnly' }).csrf).toMatchObject({ profile: 'apiOnly' })
    const csrf = {
      profile: 'nist',
      origin: 'https://shop.example',
      origins: ['https://admin.shop.example', 'https://pay.example'],
      missing: 'deny',
      header: 'X-Token',
      field: 'token',
      isolation: 'same-site',
      exempt: () => false,
      reportOnly: true,
    } as const
    const told = { ...csrf, header: 'x-token', exempt: true, strictWrites: true }
    expect(described({ csrf, cookie: { strictWrites: true } }).csrf).toEqual(told)
    expect(described({ csrf: false }).csrf).toBeNull()
  })

  it('is plain: JSON gives it back, and changing it changes nothing', () => {
    const sessions = createSessions({ store, keys: KEYS, fingerprint: 'strict' })
    const before = JSON.stringify(sessions.describe())
    expect(JSON.parse(before)).toEqual(sessions.describe())
    const description = sessions.describe()
    Object.assign(description.client.fingerprint?.weights ?? {}, { browser: 0 })
    Object.assign(description.client.fingerprint ?? {}, { lockAt: null })
    expect(JSON.stringify(sessions.describe())).toBe(before)
    expect(fingerprintLevels.strict).toMatchObject({ lockAt: 40, weights: { browser: 60 } })
  })

  it('names keys by ids that are stable, differ, and tell nothing of them', () => {
    const [first, second] = described({ keys: KEYS }).keys.ids
    expect(described({ keys: [...KEYS].reverse() }).keys).toEqual({ origin: 'configured', ids: [second, first] })
    expect(first).toMatch(/^[\w-]{8}$/)
    expect(first).not.toBe(second)
    const text = JSON.stringify(described({ keys: KEYS }))
    for (const key of KEYS) {
      for (const encoding of ['base64', 'base64url', 'hex'] as const) {
        expect(text).not.toContain(Buffer.from(key).toString(encoding).slice(0, 12))
      }
    }
  })

  it('draws no key that nobody has needed yet', () => {
    const bytes = vi.fn((size: number) => new Uint8Array(size))
    described({ random: { bytes } })
    expect(bytes).not.toHaveBeenCalled()
  })

  it('lists the cookie that is set, attribute for attribute', async () => {
    const sessions = createSessions({ store, cookie: { name: 'shop', domain: 'shop.example', sameSite: 'strict' } })
    const session = await sessions.open({ cookie: '' })
    session.signIn('ada')
    await session.commit()
    const [, name, attributes] = /^([^=]+)=[^;]*; (.*)$/.exec(session.toHeaders()[0]?.[1] ?? '') ?? []
    expect(sessions.describe().cookies[0]).toMatchObject({ name, attributes })
    expect(name).toBe('__Secure-shop')
  })

  it('lists no development cookie in production', () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(described().cookies.map(({ when }) => when)).toEqual(['https', 'https'])
  })

  it('says what the store can do beyond its contract', () => {
    const able = { ...bare, listBySubject() {}, admit() {}, onEnding() {}, scan() {}, prune() {}, onEvict() {} }
    const powers = (each: object) => described({ store: each as SessionStore }).store.powers
    expect(powers(able)).toEqual(['subjects', 'endings', 'scan', 'prune', 'evicts'])
    expect(powers(bare)).toEqual([])
  })

  const bare = { durable: false, get() {}, create() {}, replace() {}, touch() {} } as unknown as SessionStore
  const able = { ...bare, listBySubject() {} } as unknown as SessionStore

  it.each<[string, Partial<SessionsOptions>, string[]]>([
    ['as little as possible', { fingerprint: 'standard' }, ['R047']],
    ['as little as possible, by binding', { ipBinding: 'prefix' }, ['R047']],
    ['no idle timeout', { fingerprint: 'strict', idle: false }, ['R047', 'R045']],
    ['no fingerprint', { fingerprint: 'off' }, ['R047', 'R102']],
    ['a bound address and nothing else', { fingerprint: 'off', ipBinding: 'exact' }, ['R047']],
    ['reports', {}, ['R047', 'R102']],
    ['device labels', { fingerprint: 'strict', device: true }, ['R047', 'R103']],
    ['a shared cookie', { fingerprint: 'strict', cookie: { domain: 'shop.example' } }, ['R047', 'R015']],
    ['a cookie for other sites', { fingerprint: 'strict', cookie: { sameSite: 'none' } }, ['R047', 'R018']],
    ['no protection against other sites', { fingerprint: 'strict', csrf: false }, ['R047', 'R073']],
    ['reports about other sites', { fingerprint: 'strict', csrf: { reportOnly: true } }, ['R047', 'R073']],
    [
      'a header, whatever the cookie would have been',
      { fingerprint: 'strict', transport: { header: 'x' }, cookie: { domain: 'shop.example', sameSite: 'none' } },
      ['R047', 'R017'],
    ],
  ])('deviates with %s', (_, options, requirements) => {
    expect(deviating({ store: able, ...options })).toEqual(requirements)
    expect(deviating({ store: bare, ...options })).toEqual([...requirements, 'R054'])
  })
})

describe('a preset', () => {
  it.each([
    ['aal1', 'none', '30d', '15m'],
    ['aal2', '1h', '24h', '15m'],
    ['aal3', '15m', '12h', '15m'],
    ['highValue', '5m', '4h', '5m'],
  ] as const)('%s: idle %s, absolute %s, rotation %s', (preset, idle, absolute, rotateEvery) => {
    const description = described({ preset })
    expect(description).toMatchObject({
      preset,
      times: { idle: { text: idle }, absolute: { text: absolute }, rotateEvery: { text: rotateEvery } },
    })
    expect(description.shortOf[preset]).toEqual([])
  })

  it('may be made stricter, and shortens its idle timeout to a short absolute one', () => {
    const { times } = described({ preset: 'aal2', absolute: '30m' })
    expect(times).toMatchObject({ idle: { text: '30m' }, absolute: { text: '30m' } })
    expect(described({ preset: 'aal1', idle: '2h' }).times.idle.text).toBe('2h')
    expect(described({ preset: 'aal3', idle: '10m', absolute: '1h' }).shortOf.aal3).toEqual([])
    expect(described({ preset: 'highValue', fingerprint: 'strict', absolute: '8h' }).shortOf.highValue).toEqual([])
    const ending = { lockAt: false, endAt: 60 } as const
    expect(described({ preset: 'highValue', fingerprint: ending }).shortOf.highValue).toEqual([])
  })

  it('is where a fingerprint without a level starts from', () => {
    expect(described({ preset: 'highValue', fingerprint: { lockAt: 50 } }).client.fingerprint).toEqual({
      ...fingerprintLevels.standard,
      lockAt: 50,
    })
    expect(described({ fingerprint: { lockAt: 50 } }).client.fingerprint?.reportOnly).toBe(true)
  })

  const owasp = 'OWASP Session Management Cheat Sheet'

  it.each<[Preset, string, string, string, string]>([
    ['aal1', 'absolute', '30d', '31d', 'R048: NIST SP 800-63B-4 §2.1.3'],
    ['aal1', 'persistent.absolute', '30d', '31d', 'R048: NIST SP 800-63B-4 §2.1.3'],
    ['aal2', 'absolute', '24h', '25h', 'R049: NIST SP 800-63B-4 §2.2.3'],
    ['aal2', 'idle', '1h', '61m', 'R049: NIST SP 800-63B-4 §2.2.3'],
    ['aal2', 'persistent.absolute', '24h', '25h', 'R049: NIST SP 800-63B-4 §2.2.3'],
    ['aal2', 'persistent.idle', '1h', '61m', 'R049: NIST SP 800-63B-4 §2.2.3'],
    ['aal3', 'absolute', '12h', '13h', 'R050: NIST SP 800-63B-4 §2.3.3'],
    ['aal3', 'idle', '15m', '16m', 'R050: NIST SP 800-63B-4 §2.3.3'],
    ['aal3', 'persistent.absolute', '12h', '13h', 'R050: NIST SP 800-63B-4 §2.3.3'],
    ['aal3', 'persistent.idle', '15m', '16m', 'R050: NIST SP 800-63B-4 §2.3.3'],
    ['highValue', 'absolute', '8h', '9h', `R052: ${owasp}`],
    ['highValue', 'idle', '5m', '6m', `R052: ${owasp}`],
    ['highValue', 'persistent.absolute', '8h', '9h', `R052: ${owasp}`],
    ['highValue', 'persistent.idle', '5m', '6m', `R052: ${owasp}`],
  ])('%s: `%s` may be %s and not %s (%s)', (preset, option, most, over, source) => {
    const name = option.replace('persistent.', '')
    const set = (text: string) =>
      described({ preset, ...(name === option ? { [name]: text } : { persistent: { [name]: text } }) })
    expect(set(most).shortOf[preset]).toEqual([])
    const message = `\`${option}\` is ${over}; at most ${most} under \`preset: '${preset}'\` (${source}).`
    expect(() => set(over)).toThrow(message)
  })

  it.each<[Partial<SessionsOptions>, RegExp]>([
    [{ preset: 'aal2', idle: false }, /`idle` is false; at most 1h/],
    [
      { preset: 'aal3', onIdle: 'lock' },
      /`onIdle` is 'lock'; one factor must not reopen a session, so only 'end' under `preset: 'aal3'` \(R050: NIST SP 800-63B-4 §2\.3\.3\)/,
    ],
    [
      { preset: 'highValue', fingerprint: 'observe' },
      /`fingerprint` only reports; use 'standard', 'strict', or a level that acts under `preset: 'highValue'` \(R102: OWASP ASVS 5\.0 8\.2\.4\)/,
    ],
    [{ preset: 'highValue', fingerprint: 'off' }, /`fingerprint` only reports/],
    [{ preset: 'highValue', fingerprint: { lockAt: false } }, /`fingerprint` only reports/],
    [{ preset: 'aal4' as 'aal3' }, /`preset` is "aal4"; use one of: aal1, aal2, aal3, highValue\./],
  ])('refuses %j', (options, message) => {
    expect(() => described(options)).toThrow(message)
  })
})
