import { bodyParser } from '@koa/bodyparser'
import { createSessions, memoryStore, type Session } from '@sess/core'
import Koa from 'koa'
import { koaBody } from 'koa-body'
import Koa2 from 'koa2'
import { expectTypeOf, test } from 'vitest'
import { csrf, requireFresh, sess } from '../src/index.ts'

declare module '@sess/core' {
  interface SessionData {
    visits: number
    [other: string]: unknown
  }
}
interface Admin {
  audited: boolean
}
const sessions = createSessions({ store: memoryStore() })
const admin = createSessions<Admin>({ store: memoryStore() })

test('types ctx.session with the declared SessionData', () => {
  new Koa().use((ctx) => {
    expectTypeOf(ctx.session).toEqualTypeOf<Session>()
    expectTypeOf(ctx.session.data.visits).toEqualTypeOf<number | undefined>()
    // @ts-expect-error visits is a number
    ctx.session.data.visits = 'many'
  })
})

test('types sessions.of(ctx) with the data of its sessions', () => {
  new Koa().use((ctx) => {
    expectTypeOf(admin.of(ctx)).toEqualTypeOf<Session<Admin>>()
    // @ts-expect-error not part of Admin
    admin.of(ctx).data.visits
  })
})

test('mounts on applications of Koa 2 and 3, whatever their own state and context', () => {
  new Koa().use(sess(sessions)).use(sess(admin, { property: 'admin' }))
  new Koa<{ user: string }, { db: object }>().use(sess(sessions, { property: false }))
  new Koa2().use(sess(sessions)).use(sess(admin, { property: 'admin' }))
  // @ts-expect-error a store has to go through createSessions()
  sess(memoryStore())
  // @ts-expect-error a name, or false
  sess(sessions, { property: true })
})

test('guards routes of Koa 2 and 3', () => {
  new Koa().use(requireFresh('5m')).use(requireFresh({ maxAge: '5m', methods: ['otp'], level: 2 }, admin))
  new Koa<{ user: string }, { db: object }>().use(requireFresh(300_000))
  new Koa2().use(requireFresh('5m'))
  // @ts-expect-error a duration needs a unit
  requireFresh('5')
  // @ts-expect-error a store has to go through createSessions()
  requireFresh('5m', memoryStore())
})

test('mounts csrf() behind body parsers of Koa 2 and 3', () => {
  new Koa().use(sess(sessions)).use(bodyParser()).use(csrf(sessions))
  new Koa()
    .use(sess(sessions))
    .use(koaBody({ multipart: true }))
    .use(csrf(admin))
  new Koa2().use(sess(sessions)).use(csrf(sessions))
  // @ts-expect-error sessions are needed
  csrf()
  // @ts-expect-error a store has to go through createSessions()
  csrf(memoryStore())
})
