import fastify from 'fastify'

/** @type {import('../../src/speed/subject.ts').Framework} */
export const framework = {
  async listener({ mount, routes, proxied = false }) {
    const app = fastify({ trustProxy: proxied ? 'loopback' : false })
    await mount(app)
    for (const [path, answer] of Object.entries(routes)) app.get(path, (request) => answer(request))
    await app.ready()
    return (req, res) => app.routing(req, res)
  },
}
