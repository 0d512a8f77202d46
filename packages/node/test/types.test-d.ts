import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { createSessions, memoryStore, type Session } from '@sess/core'
import { expectTypeOf, test } from 'vitest'
import { openUpgrade, publishEvents, sess } from '../src/index.ts'

interface Shop {
  cart: string[]
}
const sessions = createSessions<Shop>({ store: memoryStore() })

test('hands the session with the data of its sessions to the handler', () => {
  sess(sessions, (req, res, session) => {
    expectTypeOf(req).toEqualTypeOf<IncomingMessage>()
    expectTypeOf(res).toEqualTypeOf<ServerResponse>()
    expectTypeOf(session).toEqualTypeOf<Session<Shop>>()
    expectTypeOf(sessions.of(req)).toEqualTypeOf<Session<Shop>>()
    // @ts-expect-error a cart is a list
    session.data.cart = 3
  })
})

test('listens on http, https and http2 servers', () => {
  createServer(sess(sessions, (_req, res) => res.end()))
  createHttpsServer(sess(sessions, (_req, res) => res.end()))
  createHttp2Server(sess(sessions, (_req, res) => res.end()))
  createSecureServer(
    sess(sessions, (req, res) => {
      expectTypeOf(req).toEqualTypeOf<Http2ServerRequest>()
      expectTypeOf(res).toExtend<Http2ServerResponse>()
    }),
  )
})

test('types the session of an upgrade', () => {
  createServer().on('upgrade', async (req) => {
    expectTypeOf(await openUpgrade(sessions, req, { trustProxy: true })).toEqualTypeOf<Session<Shop>>()
  })
})

test('takes sessions, not a store, and a handler', () => {
  // @ts-expect-error a store has to go through createSessions()
  sess(memoryStore(), () => {})
  // @ts-expect-error the handler is missing
  sess(sessions)
})

test('publishes events of types there are', () => {
  expectTypeOf(publishEvents(sessions)).toEqualTypeOf<() => void>()
  publishEvents(sessions, '*', 'opened')
  // @ts-expect-error no such event
  publishEvents(sessions, 'destroyed')
})
