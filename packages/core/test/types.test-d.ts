import {
  type ActivityEventType,
  autoPrune,
  type Clock,
  ConfigError,
  type CopyReport,
  type CsrfOptions,
  copySessions,
  createSessions,
  type DefaultData,
  type Device,
  type Duration,
  type EndedReason,
  type Ending,
  type EndingReason,
  type Freshness,
  type FreshnessError,
  type FreshnessOptions,
  hsts,
  LimitError,
  type ListedSession,
  memoryStore,
  type Prunable,
  type Refused,
  type Replaced,
  SessError,
  type SessErrorCode,
  type SessEvent,
  type Session,
  type SessionEndedError,
  type SessionEventType,
  type SessionInterruptedError,
  type SessionRecord,
  type SessionStore,
  type Sessions,
  type SessionsOptions,
} from '@sess/core'
import {
  applyHeaders,
  applyRefusal,
  finish,
  freshnessGuard,
  needsFormToken,
  type RequestFacts,
  type ResponseHeaders,
  verifyForm,
} from '@sess/core/http'
import {
  type Effect,
  type SessionRecord as KernelRecord,
  type Policy,
  type SessionEvent,
  type Standing,
  type Transition,
  transition,
} from '@sess/core/kernel'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expectTypeOf, it } from 'vitest'

interface Shop {
  cart: string[]
  theme: 'light' | 'dark'
  visits: number
}

const store = memoryStore()
const sessions = createSessions<Shop>({ store, carry: ['cart'] })
declare const session: Session<Shop>
declare const answer: ResponseHeaders
declare const numbers: StandardSchemaV1<unknown, { count: number }>
declare const shop: StandardSchemaV1<unknown, Shop>

describe('createSessions', () => {
  it('types its sessions by its type argument, or takes any data', () => {
    expectTypeOf(sessions).toEqualTypeOf<Sessions<Shop>>()
    expectTypeOf(sessions.open({})).resolves.toEqualTypeOf<Session<Shop>>()
    expectTypeOf(sessions.of({})).toEqualTypeOf<Session<Shop>>()
    expectTypeOf(createSessions({ store })).toEqualTypeOf<Sessions<DefaultData>>()
    expectTypeOf<DefaultData>().toEqualTypeOf<Record<string, unknown>>()
  })

  it('infers the data from a schema', () => {
    expectTypeOf(createSessions({ store, schema: shop })).toEqualTypeOf<Sessions<Shop>>()
  })

  it('refuses what cannot work', () => {
    // @ts-expect-error a store is required
    createSessions({})
    // @ts-expect-error `cat` is no key of the data
    createSessions<Shop>({ store, carry: ['cat'] })
    // @ts-expect-error the schema gives other data
    createSessions<Shop>({ store, schema: numbers })
    // @ts-expect-error a duration needs a unit
    createSessions({ store, idle: '30' })
    createSessions({ store, persistent: { idle: false, absolute: '90d' } })
    createSessions({ store, persistent: false })
    // @ts-expect-error deadlines, or false
    createSessions({ store, persistent: true })
    // @ts-expect-error no such deadline
    createSessions({ store, persistent: { maxAge: '90d' } })
    // @ts-expect-error one of end, lock
    createSessions({ store, onIdle: 'sleep' })
    // @ts-expect-error lower case
    createSessions({ store, cookie: { sameSite: 'Lax' } })
    // @ts-expect-error never in the URL
    createSessions({ store, transport: 'query' })
    // @ts-expect-error a profile, options, or false
    createSessions({ store, csrf: true })
    // @ts-expect-error origins are a list
    createSessions({ store, csrf: { origins: 'https://a.example' } })
    // @ts-expect-error no such profile
    createSessions({ store, csrf: { profile: 'strict' } })
    // @ts-expect-error what browsers know
    createSessions({ store, clearSiteData: ['everything'] })
    // @ts-expect-error `max` is a number
    memoryStore({ max: '10' })
  })

  it('takes a profile, or options, against requests of other sites', () => {
    expectTypeOf<'modern' | 'nist' | 'apiOnly' | CsrfOptions | false>().toEqualTypeOf<
      NonNullable<SessionsOptions['csrf']>
    >()
    createSessions({
      store,
      csrf: { profile: 'nist', exempt: ({ url, method }) => url === '/hook' && method === 'POST' },
    })
    createSessions({ store, clearSiteData: ['cache', 'storage'], cookie: { strictWrites: true } })
    expectTypeOf(hsts({ maxAge: '365d', preload: true })).toBeString()
  })

  it('takes durations as text or milliseconds', () => {
    expectTypeOf<'15m' | '1.5h' | '500ms' | 1000>().toExtend<Duration>()
    expectTypeOf<'15 minutes'>().not.toExtend<Duration>()
    expectTypeOf<SessionsOptions['idle']>().toEqualTypeOf<Duration | false | undefined>()
    expectTypeOf<SessionsOptions['absolute']>().toEqualTypeOf<Duration | undefined>()
  })
})

describe('a session', () => {
  it('has typed data that may be absent', () => {
    expectTypeOf(session.data).toEqualTypeOf<Partial<Shop>>()
    expectTypeOf(session.data.theme).toEqualTypeOf<'light' | 'dark' | undefined>()
    // @ts-expect-error another type
    session.data.visits = 'many'
    // @ts-expect-error no such key
    session.data.basket = []
  })

  it('has typed updates', () => {
    session.update('visits', (visits) => {
      expectTypeOf(visits).toEqualTypeOf<number | undefined>()
      return (visits ?? 0) + 1
    })
    session.update('cart', () => undefined)
    // @ts-expect-error another type
    session.update('visits', () => 'many')
    // @ts-expect-error no promises
    session.update('visits', async () => 1)
    // @ts-expect-error no such key
    session.update('basket', () => 1)
  })

  it('tells what it is', () => {
    expectTypeOf(session.state).toEqualTypeOf<'anonymous' | 'authenticated' | 'locked'>()
    expectTypeOf(session.subject).toEqualTypeOf<string | null>()
    expectTypeOf(session.handle).toEqualTypeOf<string | null>()
    expectTypeOf(session.refused).toEqualTypeOf<Refused | null>()
    expectTypeOf<Refused>().toEqualTypeOf<'superseded' | 'replaced' | 'store' | 'ahead' | 'ambiguous'>()
    expectTypeOf(session.absoluteAt).toEqualTypeOf<number | null>()
  })

  it('cannot be assigned to', () => {
    // @ts-expect-error application data belongs into session.data
    session.userId = 42
    // @ts-expect-error read only
    session.subject = 'eve'
    // @ts-expect-error read only
    session.data = {}
    // @ts-expect-error another library's
    session.destroy()
    // @ts-expect-error another library's
    session.cookie
  })

  it('has intents that return nothing, and one promise', () => {
    expectTypeOf(session.signIn('ada', { carry: ['cart'], persistent: true, methods: ['pwd'], level: 1 })).toBeVoid()
    expectTypeOf(session.signOut()).toBeVoid()
    expectTypeOf(session.rotate({ hard: true })).toBeVoid()
    expectTypeOf(session.reauthenticate({ method: 'totp', level: 2 })).toBeVoid()
    expectTypeOf(session.lock()).toBeVoid()
    expectTypeOf(session.actAs('ada', { by: 'root', absolute: '1h' })).toBeVoid()
    expectTypeOf(session.stopActing()).toBeVoid()
    expectTypeOf(session.flash('notice', { text: 'saved' })).toBeVoid()
    expectTypeOf(session.commit()).resolves.toBeVoid()
    expectTypeOf(session.takeFlash('notice')).resolves.toEqualTypeOf<unknown[]>()
    expectTypeOf(session.toHeaders()).toEqualTypeOf<[name: string, value: string][]>()
  })

  it('asks for a fresh proof by an age, or by more', () => {
    expectTypeOf(session.requireFresh('5m')).toBeVoid()
    expectTypeOf(session.isFresh({ maxAge: 300_000, methods: ['pwd', 'otp'], level: 2 })).toBeBoolean()
    expectTypeOf<Freshness>().toEqualTypeOf<Duration | FreshnessOptions>()
    expectTypeOf(freshnessGuard('5m')).toEqualTypeOf<(session: unknown) => void>()
    expectTypeOf<FreshnessError['headers']>().toEqualTypeOf<Readonly<Record<string, string>>>()
    expectTypeOf<FreshnessError['reason']>().toEqualTypeOf<
      'signed-out' | 'locked' | 'impersonated' | 'methods' | 'level' | 'age'
    >()
    // @ts-expect-error a duration needs a unit
    session.requireFresh('5')
    // @ts-expect-error an age is required
    session.requireFresh({ level: 2 })
    // @ts-expect-error a list of methods
    session.isFresh({ maxAge: '5m', methods: 'otp' })
    // @ts-expect-error a level is a number
    freshnessGuard({ maxAge: '5m', level: 'high' })
  })

  it('says who acts', () => {
    expectTypeOf(session.actor).toEqualTypeOf<string | null>()
    // @ts-expect-error a subject is required
    session.actAs()
    // @ts-expect-error no such option
    session.actAs('ada', { until: '1h' })
    // @ts-expect-error nothing to say
    session.stopActing('root')
  })

  it('keeps messages by a name', () => {
    // @ts-expect-error a message is required
    session.flash('notice')
    // @ts-expect-error a name is required
    session.takeFlash()
  })

  it('refuses wrong intents', () => {
    // @ts-expect-error a subject is required
    session.signIn()
    // @ts-expect-error text
    session.signIn(42)
    // @ts-expect-error no key of the data
    session.signIn('ada', { carry: ['basket'] })
    // @ts-expect-error a method is required
    session.reauthenticate({})
  })
})

describe('accounts', () => {
  it('list what a page of devices shows', () => {
    expectTypeOf(sessions.list('ada', { current: session.handle })).toEqualTypeOf<AsyncIterable<ListedSession>>()
    expectTypeOf<ListedSession['state']>().toEqualTypeOf<'authenticated' | 'locked'>()
    expectTypeOf<ListedSession['device']>().toEqualTypeOf<Device | null>()
    expectTypeOf<ListedSession['actor']>().toEqualTypeOf<string | null>()
    // @ts-expect-error a visitor has no subject
    sessions.list(session.subject)
    const listed = {} as ListedSession
    // @ts-expect-error what is listed is not to be changed
    listed.handle = 'x'
  })

  it('end on somebody’s behalf only', () => {
    expectTypeOf(sessions.end('handle', { subject: 'ada' })).resolves.toBeBoolean()
    expectTypeOf(sessions.end('handle', { asAdmin: true })).resolves.toBeBoolean()
    // @ts-expect-error on whose behalf
    sessions.end('handle')
    // @ts-expect-error on whose behalf
    sessions.end('handle', {})
    // @ts-expect-error a visitor has no subject
    sessions.end('handle', { subject: session.subject })
    // @ts-expect-error an administrator or not
    sessions.end('handle', { asAdmin: session.state === 'authenticated' })
  })

  it('end many, and say how many lived', () => {
    expectTypeOf(sessions.endAll('ada')).resolves.toBeNumber()
    expectTypeOf(sessions.endAll('ada', { except: session.handle, before: 0 })).resolves.toBeNumber()
    sessions.endAll('ada', { except: ['a', 'b'] })
    expectTypeOf(sessions.endEverything({ before: 0 })).resolves.toBeNumber()
    // @ts-expect-error before when
    sessions.endEverything()
    // @ts-expect-error an instant in ms
    sessions.endAll('ada', { before: '2026-01-01' })
  })

  it('have limits, by number or by function', () => {
    createSessions({ store, limit: { perSubject: 3 } })
    createSessions({
      store,
      limit: {
        perSubject: (subject, { methods, level, persistent }) => {
          expectTypeOf(subject).toBeString()
          expectTypeOf(methods).toEqualTypeOf<readonly string[]>()
          expectTypeOf(level).toEqualTypeOf<number | null>()
          expectTypeOf(persistent).toBeBoolean()
          return 3
        },
        onExceed: 'reject',
      },
    })
    // @ts-expect-error how many
    createSessions({ store, limit: {} })
    // @ts-expect-error at once
    createSessions({ store, limit: { perSubject: async () => 3 } })
    // @ts-expect-error one of evict-oldest, evict-idle, reject
    createSessions({ store, limit: { perSubject: 3, onExceed: 'warn' } })
    expectTypeOf(new LimitError(3).limit).toBeNumber()
  })

  it('name devices', () => {
    createSessions({ store, device: true })
    createSessions({ store, device: { describe: (userAgent) => userAgent.slice(0, 20) } })
    // @ts-expect-error text or null
    createSessions({ store, device: { describe: () => 42 } })
  })

  it('have credential stamps', () => {
    session.signIn('ada', { credential: 'hash' })
    session.reauthenticate({ method: 'pwd', credential: 'hash' })
    expectTypeOf(session.verifyCredential('hash')).resolves.toBeBoolean()
    session.verifyCredential(['new', 'old'] as const)
    // @ts-expect-error the hash of a user who was not found
    session.verifyCredential(undefined)
    expectTypeOf<NonNullable<Session['previous']>['reason']>().toEqualTypeOf<EndedReason | 'idle' | 'absolute'>()
  })
})

describe('facts', () => {
  it('are a Web Request, Node’s headers, a cookie or a token', () => {
    expectTypeOf<Request>().toExtend<RequestFacts>()
    expectTypeOf<{ headers: NodeJS.Dict<string | string[]>; secure: boolean }>().toExtend<RequestFacts>()
    expectTypeOf<{ cookie: string | undefined }>().toExtend<RequestFacts>()
    expectTypeOf<{ token: string }>().toExtend<RequestFacts>()
    // @ts-expect-error text
    sessions.open({ ip: 1 })
  })
})

describe('events', () => {
  it('are typed by their name', () => {
    sessions.on('ended', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<'ended'>()
      expectTypeOf(event.handle).toEqualTypeOf<string | null>()
      expectTypeOf(event.reason).toEqualTypeOf<NonNullable<SessionRecord['endedReason']>>()
    })
    sessions.on('*', (event) => {
      expectTypeOf(event).toEqualTypeOf<SessEvent<Exclude<SessionEventType, ActivityEventType>>>()
      if (event.type === 'store-failed') expectTypeOf(event.fatal).toEqualTypeOf<boolean>()
    })
    sessions.on('opened', (event) => expectTypeOf(event.durationMs).toEqualTypeOf<number>())
    expectTypeOf(sessions.on('created', () => {})).toEqualTypeOf<() => void>()
    // @ts-expect-error no such event
    sessions.on('destroyed', () => {})
  })

  it('come as an async iterator, too', async () => {
    for await (const event of sessions.events('ended', { signal: AbortSignal.timeout(1), max: 10 })) {
      expectTypeOf(event.reason).toEqualTypeOf<NonNullable<SessionRecord['endedReason']>>()
      expectTypeOf(event.dropped).toEqualTypeOf<number>()
    }
    for await (const event of sessions.events()) {
      expectTypeOf(event.type).toEqualTypeOf<Exclude<SessionEventType, ActivityEventType>>()
    }
    // @ts-expect-error no such event
    sessions.events('destroyed')
    // @ts-expect-error no such option
    sessions.events('*', { limit: 1 })
  })
})

describe('errors', () => {
  it('carry a code out of a closed list', () => {
    expectTypeOf(new ConfigError('x')).toExtend<SessError>()
    expectTypeOf<SessError['code']>().toEqualTypeOf<SessErrorCode>()
    expectTypeOf<'ERR_SESS_INTERRUPTED'>().toExtend<SessErrorCode>()
    expectTypeOf<'ERR_SESS_OTHER'>().not.toExtend<SessErrorCode>()
    expectTypeOf(SessError).instance.toHaveProperty('status')
  })
})

describe('ports', () => {
  it('are structural', () => {
    expectTypeOf(store).toExtend<SessionStore>()
    expectTypeOf<{ now(): number }>().toExtend<Clock>()
    expectTypeOf<Awaited<ReturnType<SessionStore['replace']>>>().toEqualTypeOf<Replaced>()
    expectTypeOf<SessionRecord>().toEqualTypeOf<KernelRecord>()
  })

  it('keep records read-only', () => {
    const record = {} as SessionRecord
    // @ts-expect-error never mutated
    record.generation = 1
    // @ts-expect-error never mutated
    record.recent.push('x')
  })
})

describe('the adapters’ side', () => {
  it('takes sessions of any data', () => {
    expectTypeOf(finish(session, 200)).toEqualTypeOf<Promise<void> | undefined>()
    expectTypeOf(applyHeaders(session, answer)).toBeVoid()
    expectTypeOf(applyRefusal(new Error(), answer)).toBeVoid()
    expectTypeOf(needsFormToken(session)).toBeBoolean()
    expectTypeOf(verifyForm(session, {})).toBeVoid()
  })
})

describe('transition', () => {
  it('is a function of record, event, policy and now', () => {
    expectTypeOf(transition).toEqualTypeOf<
      (record: SessionRecord | null, event: SessionEvent, policy: Policy, now: number) => Transition
    >()
    expectTypeOf<Extract<Transition, { ok: true }>['record']>().toEqualTypeOf<SessionRecord>()
    expectTypeOf<Effect['type']>().toExtend<string>()
    expectTypeOf<Standing>().toEqualTypeOf<'none' | 'anonymous' | 'authenticated' | 'locked' | 'expired' | 'ended'>()
  })
})

describe('upkeep', () => {
  it('prunes only what can be pruned', () => {
    expectTypeOf(autoPrune({} as Prunable, { every: '10m' })).toEqualTypeOf<() => Promise<void>>()
    // @ts-expect-error how often is for the application to say
    autoPrune({} as Prunable, {})
    // @ts-expect-error the memory store drops expired records by itself
    autoPrune(memoryStore(), { every: '10m' })
  })

  it('copies from what can be gone through to any store', () => {
    expectTypeOf(copySessions(memoryStore(), {} as SessionStore)).resolves.toEqualTypeOf<CopyReport>()
    // @ts-expect-error a store need not be able to list its records
    copySessions({} as SessionStore, memoryStore())
  })
})

describe('live endings', () => {
  it('are typed', async () => {
    expectTypeOf(sessions.onEnded('handle', () => {})).toEqualTypeOf<() => void>()
    sessions.onEnded('handle', (ending) => expectTypeOf(ending).toEqualTypeOf<Ending>(), { keepAlive: true })
    expectTypeOf<Ending['reason']>().toEqualTypeOf<EndingReason>()
    expectTypeOf<'idle' | 'absolute' | 'locked' | 'gone' | 'signed-out'>().toExtend<EndingReason>()
    expectTypeOf((await sessions.open({})).signal).toEqualTypeOf<AbortSignal>()
    // @ts-expect-error a session that is not stored has no handle
    sessions.onEnded((await sessions.open({})).handle, () => {})
    // @ts-expect-error no such option
    sessions.onEnded('handle', () => {}, { keepalive: true })
    expectTypeOf<SessionEndedError>().toExtend<SessionInterruptedError>()
    expectTypeOf<SessionEndedError['ending']>().toEqualTypeOf<Ending>()
  })
})
