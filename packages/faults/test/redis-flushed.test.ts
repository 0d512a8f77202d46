import { createSessions } from '@sess/core'
import { service } from '@sess/services'
import { type Server, start } from '@sess/services/start'
import { redisStore } from '@sess/store-redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keys } from './keys.ts'
import { clients, standalone } from './redis-clients.ts'
import { Traffic } from './traffic.ts'

const VISITORS = 30

describe.skipIf(service('redis').missing)('FLUSHALL under load [needs redis]', () => {
  let server: Server<'redis'>
  beforeAll(async () => {
    server = await start('redis')
  })
  afterAll(() => server?.stop())

  it.each(clients)(
    'makes everyone anonymous, breaks no request, and everyone can sign in again, client %s',
    async (name) => {
      const { client, close } = await standalone[name](server.url)
      const admin = await standalone.redis(server.url)
      const sessions = createSessions({ store: redisStore(client), keys })
      const traffic = new Traffic(sessions, { visitors: VISITORS })
      const end = traffic.start(200)
      await traffic.everybodyServed()
      await traffic.everybodyServed()
      await admin.client.sendCommand(['FLUSHALL', 'SYNC'])
      await traffic.everybodyServed()
      await traffic.everybodyServed()
      await end()
      const { counts } = traffic
      const signedOut = counts.signedOut
      await traffic.audit()
      counts.print(`FLUSHALL, ${name}`)
      await Promise.all([close(), admin.close()])
      expect(signedOut).toBe(VISITORS)
      expect(counts).toMatchObject({ signedOut: VISITORS, lost: 0, twice: 0, mixedUp: 0, untyped: 0 })
      expect(Object.keys(counts.errors).filter((code) => code !== 'ERR_SESS_INTERRUPTED')).toEqual([])
    },
  )
})
