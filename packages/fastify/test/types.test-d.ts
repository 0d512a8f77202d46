import { createSessions, memoryStore, type Session } from '@sess/core'
import fastify from 'fastify'
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
const app = fastify()

test('types request.session with the declared SessionData', () => {
  app.get('/', (request) => {
    expectTypeOf(request.session).toEqualTypeOf<Session>()
    expectTypeOf(request.session.data.visits).toEqualTypeOf<number | undefined>()
    // @ts-expect-error visits is a number
    request.session.data.visits = 'many'
    // @ts-expect-error the session itself cannot be replaced
    request.session = null
  })
})

test('types sessions.of(request) with the data of its sessions', () => {
  app.get('/', (request) => {
    expectTypeOf(admin.of(request)).toEqualTypeOf<Session<Admin>>()
    // @ts-expect-error not part of Admin
    admin.of(request).data.visits
  })
})

test('registers sessions of any data', () => {
  app.register(sess, { sessions })
  app.register(sess, { sessions: admin, property: 'admin' })
  app.register(sess, { sessions: admin, property: false })
  // @ts-expect-error `sessions` is required
  app.register(sess, {})
  // @ts-expect-error a store has to go through createSessions()
  app.register(sess, { sessions: memoryStore() })
  // @ts-expect-error a name, or false
  app.register(sess, { sessions, property: true })
})

test('guards routes', () => {
  app.post('/', { preHandler: requireFresh('5m') }, async ({ session }) => session.subject)
  app.post('/more', { preHandler: [requireFresh({ maxAge: '5m', methods: ['otp'], level: 2 }, admin)] }, async () => '')
  app.addHook('preHandler', requireFresh(300_000))
  // @ts-expect-error a duration needs a unit
  requireFresh('5')
  // @ts-expect-error a store has to go through createSessions()
  requireFresh('5m', memoryStore())
})

test('takes csrf() as a hook of the instance or of a route', () => {
  app.addHook('preValidation', csrf(sessions))
  app.addHook('preHandler', csrf(admin))
  app.post('/', { preHandler: csrf(sessions) }, async (request) => request.session.csrfToken())
  // @ts-expect-error sessions are needed
  app.addHook('preValidation', csrf())
  // @ts-expect-error there is no body yet
  app.addHook('onTimeout', csrf)
})
