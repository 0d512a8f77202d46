import { createSession } from 'koa-session'

/** It has no store: these are JSON texts in a Map and in Redis. */
const inMemory = (texts = new Map()) => ({
  get: async (key) => JSON.parse(texts.get(key) ?? 'null'),
  set: async (key, value) => void texts.set(key, JSON.stringify(value)),
  destroy: async (key) => void texts.delete(key),
})
const inRedis = (redis) => ({
  get: async (key) => JSON.parse((await redis.get(key)) ?? 'null'),
  set: (key, value, maxAge) => redis.set(key, JSON.stringify(value), { PX: maxAge }),
  destroy: (key) => redis.del(key),
})

/** @type {import('../../src/speed/subject.ts').Library} */
export const library = {
  name: 'koa-session',
  framework: 'koa',
  stores: ['memory', 'redis'],
  mount: (app, { redis, secret }) => {
    app.keys = [secret]
    app.use(createSession({ store: redis ? inRedis(redis) : inMemory() }, app))
  },
  read: (ctx) => ctx.session,
  write: (ctx, count) => {
    ctx.session.count = count
  },
  signIn: (ctx, data) => {
    ctx.session = data
  },
}
