import { createSessions, memoryStore, type Session } from '@sess/core'
import { Hono } from 'hono'
import { expectTypeOf, test } from 'vitest'
import { csrf, requireFresh, sess } from '../src/index.ts'

interface Shop {
  cart: string[]
}
const sessions = createSessions<Shop>({ store: memoryStore() })

test('types c.var.session with the data of its sessions', () => {
  new Hono().use(sess(sessions)).get('/', (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Shop>>()
    expectTypeOf(c.get('session').data.cart).toEqualTypeOf<string[] | undefined>()
    // @ts-expect-error a cart is a list
    c.var.session.data.cart = 3
    return c.body(null)
  })
})

test('names the variable after the property option', () => {
  new Hono().use(sess(sessions, { property: 'admin' })).get('/', (c) => {
    expectTypeOf(c.var.admin).toEqualTypeOf<Session<Shop>>()
    // @ts-expect-error the variable has another name
    c.var.session
    return c.body(null)
  })
})

test('types sessions.of(c) with nothing declared', () => {
  new Hono().use(sess(sessions, { property: false })).get('/', (c) => {
    expectTypeOf(sessions.of(c)).toEqualTypeOf<Session<Shop>>()
    // @ts-expect-error there is no variable
    c.var.session
    return c.body(null)
  })
})

test('takes sessions, not a store', () => {
  // @ts-expect-error a store has to go through createSessions()
  sess(memoryStore())
})

test('guards routes, and leaves the types of what follows', () => {
  new Hono().use(sess(sessions)).post('/', requireFresh('5m'), (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Shop>>()
    return c.body(null)
  })
  new Hono().use(requireFresh({ maxAge: '5m', methods: ['otp'], level: 2 }, sessions))
  // @ts-expect-error a duration needs a unit
  requireFresh('5')
  // @ts-expect-error a store has to go through createSessions()
  requireFresh('5m', memoryStore())
})

test('keeps the type of c.var.session behind csrf()', () => {
  new Hono().use(sess(sessions), csrf(sessions)).post('/', (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Shop>>()
    return c.text(c.var.session.csrfToken())
  })
  new Hono().use(sess(sessions)).post('/', csrf(sessions), (c) => {
    expectTypeOf(c.var.session.data.cart).toEqualTypeOf<string[] | undefined>()
    return c.body(null)
  })
  // @ts-expect-error sessions are needed
  csrf()
  // @ts-expect-error a store has to go through createSessions()
  csrf(memoryStore())
})
