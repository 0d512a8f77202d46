import {
  autoPrune,
  type Clock,
  ConfigError,
  type CopyReport,
  type CsrfOptions,
  copySessions,
  createSessions,
  type DefaultData,
  type Duration,
  hsts,
  memoryStore,
  type Prunable,
  type Refused,
  type Replaced,
  SessError,
  type SessErrorCode,
  type SessEvent,
  type Session,
  type SessionRecord,
  type SessionStore,
  type Sessions,
  type SessionsOptions,
} from '@sess/core'
import {
  applyHeaders,
  applyRefusal,
  finish,
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
    expectTypeOf(session.commit()).resolves.toBeVoid()
    expectTypeOf(session.toHeaders()).toEqualTypeOf<[name: string, value: string][]>()
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
      expectTypeOf(event).toEqualTypeOf<SessEvent>()
      if (event.type === 'store-failed') expectTypeOf(event.fatal).toEqualTypeOf<boolean>()
    })
    expectTypeOf(sessions.on('created', () => {})).toEqualTypeOf<() => void>()
    // @ts-expect-error no such event
    sessions.on('destroyed', () => {})
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
