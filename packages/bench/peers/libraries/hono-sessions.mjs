import { MemoryStore, sessionMiddleware } from 'hono-sessions'

/** @param {boolean} sealed */
const library = (sealed) => ({
  name: sealed ? 'hono-sessions' : 'hono-sessions, no key',
  framework: 'hono',
  stores: ['memory'],
  mount: (app, { secret }) => {
    const cookieOptions = { sameSite: 'Lax', path: '/', httpOnly: true }
    const key = sealed ? { encryptionKey: secret } : {}
    app.use('*', sessionMiddleware({ store: new MemoryStore(), ...key, expireAfterSeconds: 900, cookieOptions }))
  },
  read: (c) => ({ user: c.get('session').get('user'), count: c.get('session').get('count') }),
  write: (c, count) => c.get('session').set('count', count),
  signIn: (c, data) => {
    c.set('session_key_rotation', true)
    for (const [key, value] of Object.entries(data)) c.get('session').set(key, value)
  },
})

/** The README recommends a key; without one, which is cheaper, the id alone opens the session. */
export const libraries = [library(true), library(false)]
