import { Hono } from 'hono'

/** @type {import('../../src/speed/subject.ts').Framework} */
export const framework = {
  async fetch({ mount, routes }) {
    const app = new Hono()
    await mount(app)
    for (const [path, answer] of Object.entries(routes)) app.get(path, async (c) => c.json(await answer(c)))
    return (request) => app.fetch(request)
  },
  // It puts classes of its own in the place of the global ones, so it is loaded by a server of its own only.
  async listener(app) {
    const { getRequestListener } = await import('@hono/node-server')
    return getRequestListener(await this.fetch(app))
  },
}
