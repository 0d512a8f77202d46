import secureSession from '@fastify/secure-session'

/** @type {import('../../src/speed/subject.ts').Library} */
export const library = {
  name: '@fastify/secure-session',
  framework: 'fastify',
  stores: ['cookie'],
  sizes: [100, 2048],
  mount: (app, { secret }) =>
    app.register(secureSession, { key: Buffer.from(secret.slice(0, 32)), cookie: { path: '/' } }),
  read: (request) => ({ user: request.session.get('user'), count: request.session.get('count') }),
  write: (request, count) => request.session.set('count', count),
  signIn: (request, data) => {
    request.session.regenerate()
    for (const [key, value] of Object.entries(data)) request.session.set(key, value)
  },
}
