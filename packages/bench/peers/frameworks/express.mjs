import express from 'express'

/** @type {import('../../src/speed/subject.ts').Framework} */
export const framework = {
  async listener({ mount, routes, proxied = false }) {
    const app = express()
    if (proxied) app.set('trust proxy', 'loopback')
    await mount(app)
    for (const [path, answer] of Object.entries(routes)) {
      app.get(path, async (req, res) => {
        res.json(await answer(req))
      })
    }
    return (req, res) => void app(req, res)
  },
}
