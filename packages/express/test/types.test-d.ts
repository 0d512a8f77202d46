import { createSessions, memoryStore, type Session } from '@sess/core'
import express from 'express'
import express4 from 'express4'
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

test('types req.session with the declared SessionData', () => {
  express().get('/', (req) => {
    expectTypeOf(req.session).toEqualTypeOf<Session>()
    expectTypeOf(req.session.data.visits).toEqualTypeOf<number | undefined>()
    // @ts-expect-error visits is a number
    req.session.data.visits = 'many'
  })
})

test('types sessions.of(req) with the data of its sessions', () => {
  express().get('/', (req) => {
    expectTypeOf(admin.of(req)).toEqualTypeOf<Session<Admin>>()
    // @ts-expect-error not part of Admin
    admin.of(req).data.visits
  })
})

test('mounts on applications and routers of Express 4 and 5', () => {
  express()
    .use(sess(sessions))
    .use('/admin', sess(admin, { property: 'admin' }))
  express.Router().use(sess(sessions, { property: false }))
  express4()
    .use(sess(sessions))
    .use('/admin', sess(admin, { property: 'admin' }))
  express4.Router().use(sess(sessions, { property: false }))
  // @ts-expect-error a store has to go through createSessions()
  sess(memoryStore())
  // @ts-expect-error a name, or false
  sess(sessions, { property: true })
})

test('guards routes of Express 4 and 5', () => {
  express().post('/', requireFresh('5m'), (req, res) => res.send(req.session.subject))
  express.Router().use(requireFresh({ maxAge: '5m', methods: ['otp'], level: 2 }, admin))
  express4().post('/', requireFresh(300_000), (req, res) => res.send(req.session.subject))
  // @ts-expect-error a duration needs a unit
  requireFresh('5')
  // @ts-expect-error a store has to go through createSessions()
  requireFresh('5m', memoryStore())
})

test('mounts csrf() behind body parsers of Express 4 and 5', () => {
  express().use(sess(sessions), express.urlencoded({ extended: false }), csrf(sessions))
  express.Router().post('/', csrf(admin), (req, res) => void res.send(req.session.csrfToken()))
  express4().use(sess(sessions), express4.json(), csrf(sessions))
  expectTypeOf<Session['csrfToken']>().returns.toBeString()
  expectTypeOf<Session['verifyCsrf']>().parameters.toEqualTypeOf<[token: unknown]>()
  // @ts-expect-error sessions are needed
  csrf()
  // @ts-expect-error a store has to go through createSessions()
  csrf(memoryStore())
})
