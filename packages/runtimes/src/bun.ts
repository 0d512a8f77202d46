import { getConnInfo } from 'hono/bun'
import { createApp } from './app.ts'

/** As much of Bun as is used here. */
declare const Bun: {
  serve(options: {
    hostname: string
    port: number
    fetch(request: Request, server: unknown): Response | Promise<Response>
  }): { readonly port: number }
}

const app = createApp((c) => getConnInfo(c).remote.address)
const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request, from) => app.fetch(request, from) })
console.log(JSON.stringify({ port: server.port }))
