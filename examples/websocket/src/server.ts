import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createSessions, memoryStore, type Session } from '@sess/core'
import { openUpgrade, sess } from '@sess/node'
import { type WebSocket, WebSocketServer } from 'ws'

const SIGNED_OUT = 4401

const page = `<!doctype html><title>sess: WebSocket</title>
<form method="post" action="/sign-in"><button>Sign in</button></form>
<form method="post" action="/sign-out"><button>Sign out</button></form>
<pre id="log"></pre>
<script>
  const log = (text) => document.querySelector('#log').append(text + '\\n')
  const socket = new WebSocket(location.origin.replace('http', 'ws'))
  socket.onmessage = (event) => log(event.data)
  socket.onclose = (event) => log('closed: ' + event.code)
</script>`

/** A server whose sockets belong to a session: opened from the upgrade request, closed when the session is over. */
export function createSocketServer(): Server {
  const sessions = createSessions({ store: memoryStore() })
  const upgrades = new WebSocketServer({ noServer: true })
  const open = new Map<WebSocket, string | null>()

  sessions.on('ended', ({ handle }) => {
    for (const [socket, owner] of open) if (owner === handle) socket.close(SIGNED_OUT, 'signed out')
  })

  const server = createServer(
    sess(sessions, (req, res, session) => {
      if (req.method === 'GET') return res.setHeader('Content-Type', 'text/html').end(page)
      if (req.url === '/sign-in') session.signIn('alice')
      if (req.url === '/sign-out') session.signOut()
      return res.writeHead(303, { Location: '/' }).end()
    }),
  )

  server.on('upgrade', async (req, socket, head) => {
    try {
      if (!isOwnOrigin(req)) return refuse(socket, '403 Forbidden')
      const session = await openUpgrade(sessions, req)
      if (session.subject === null) return refuse(socket, '401 Unauthorized')
      upgrades.handleUpgrade(req, socket, head, (connection) => accept(connection, session))
    } catch {
      refuse(socket, '503 Service Unavailable')
    }
  })

  function accept(connection: WebSocket, session: Session): void {
    const over = setTimeout(() => connection.close(SIGNED_OUT, 'expired'), (session.absoluteAt ?? 0) - Date.now())
    open.set(connection, session.handle)
    connection.once('close', () => {
      clearTimeout(over)
      open.delete(connection)
    })
    connection.send(`Hello ${session.subject}`)
  }

  return server
}

/** Browsers let any site open a WebSocket, and send the cookies of this one along. */
function isOwnOrigin({ headers }: IncomingMessage): boolean {
  return URL.canParse(headers.origin ?? '') && new URL(headers.origin ?? '').host === headers.host
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  createSocketServer().listen(3000, '127.0.0.1', () => console.log('http://127.0.0.1:3000'))
}
