import Koa from 'koa'

/** @type {import('../../src/speed/subject.ts').Framework} */
export const framework = {
  async listener({ mount, routes, proxied = false }) {
    const app = new Koa()
    app.proxy = proxied
    await mount(app)
    app.use(async (ctx) => {
      ctx.body = await routes[ctx.path](ctx)
    })
    return app.callback()
  },
}
