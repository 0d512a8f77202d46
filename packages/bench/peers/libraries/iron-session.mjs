import { getIronSession } from 'iron-session'

/** @type {import('../../src/speed/subject.ts').Library} */
export const library = {
  name: 'iron-session',
  framework: 'express',
  stores: ['cookie'],
  sizes: [100, 2048],
  mount: (_app, { secret }) => {
    library.of = (req) => getIronSession(req, req.res, { password: secret, cookieName: 'iron' })
  },
  read: (req) => library.of(req),
  async write(req, count) {
    const session = await library.of(req)
    session.count = count
    await session.save()
  },
  async signIn(req, data) {
    const session = await library.of(req)
    Object.assign(session, data)
    await session.save()
  },
}
