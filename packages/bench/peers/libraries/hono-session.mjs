import { useSession, useSessionStorage } from '@hono/session'

/** It has no store: values in a Map. */
const inMemory = (values = new Map()) => ({
  get: (sid) => values.get(sid),
  set: (sid, value) => void values.set(sid, value),
  delete: (sid) => void values.delete(sid),
})

/** @param {'memory' | 'cookie'} store */
const library = (store) => ({
  name: '@hono/session',
  framework: 'hono',
  stores: [store],
  sizes: store === 'cookie' ? [100, 2048] : undefined,
  mount: (app, { secret }) => {
    if (store === 'memory') app.use(useSessionStorage(inMemory()))
    app.use(useSession({ secret: Buffer.from(secret.slice(0, 32)), duration: { absolute: 86_400 } }))
  },
  read: async (c) => (await c.var.session.get()) ?? {},
  write: (c, count) => c.var.session.update((data) => ({ ...data, count })),
  signIn: (c, data) => c.var.session.update(data),
})

export const libraries = [library('memory'), library('cookie')]
