import { createApp } from './app.ts'

interface Peer {
  readonly remoteAddr: { readonly hostname: string }
}

/** As much of Deno as is used here. */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; onListen(address: { port: number }): void },
    handler: (request: Request, peer: Peer) => Response | Promise<Response>,
  ): unknown
}

const app = createApp((c) => (c.env as Peer).remoteAddr.hostname)
Deno.serve(
  { hostname: '127.0.0.1', port: 0, onListen: ({ port }) => console.log(JSON.stringify({ port })) },
  (request, peer) => app.fetch(request, { remoteAddr: peer.remoteAddr }),
)
