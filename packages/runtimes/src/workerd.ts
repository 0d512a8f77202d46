import { createApp } from './app.ts'

const app = createApp((c) => c.req.header('cf-connecting-ip'))

// biome-ignore lint/style/noDefaultExport: workerd looks for the handlers of a Worker in its default export.
export default { fetch: (request: Request): Response | Promise<Response> => app.fetch(request) }
