import { RedisStore } from 'connect-redis'
import session from 'express-session'

/** @type {import('../../src/speed/subject.ts').Library} */
export const library = {
  name: 'express-session',
  framework: 'express',
  stores: ['memory', 'redis'],
  mount: (app, { redis, secret }) => {
    const store = redis === null ? {} : { store: new RedisStore({ client: redis }) }
    app.use(session({ ...store, secret, resave: false, saveUninitialized: false }))
  },
  read: (req) => req.session,
  write: (req, count) => {
    req.session.count = count
  },
  // As its README shows for a login.
  signIn: (req, data) =>
    new Promise((resolve, reject) => {
      req.session.regenerate((error) => {
        if (error) return reject(error)
        Object.assign(req.session, data)
        resolve()
      })
    }),
}
